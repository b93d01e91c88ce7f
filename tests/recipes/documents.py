"""What the project's Markdown asks its readers to type, so that tests can type it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPES = REPOSITORY / "docs" / "recipes"
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the language and the text of each fenced block, in order, without its indentation."""
    for block in _BLOCK.finditer(page.read_text("utf-8")):
        yield block["language"], re.sub(f"^{block['indent']}", "", block["text"], flags=re.M)


def steps(page: Path) -> Iterator[tuple[str, Any]]:
    """Yield what a reader of the page does, in order: ("sh", words of a command) or ("python", a block)."""
    for language, text in blocks(page):
        if language == "python":
            yield language, text
        elif language == "sh":
            yield from (("sh", words) for words in commands(text))


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command of an `sh` block; a backslash joins lines."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words
