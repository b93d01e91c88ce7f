"""The picture of `docs/architecture.md` is the package as it is: all of its rooms, and arrows that are imports."""

from __future__ import annotations

import re
from pathlib import Path

import grimp
import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "neuroinspect_tui"
PAGE = PACKAGE.parent / "docs" / "architecture.md"


@pytest.fixture(scope="module")
def picture() -> str:
    found = re.search(r"```mermaid\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert found
    return found[1]


def rooms() -> set[str]:
    """Return the top-level packages and modules."""
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    return folders | {path.stem for path in PACKAGE.glob("*.py")}


def titles(picture: str) -> dict[str, str]:
    """Return the room that each node of the picture stands for."""
    return dict(re.findall(r'(\w+)\["(\w+)', picture))


def test_every_room_is_in_the_picture_and_nothing_else(picture: str) -> None:
    assert set(titles(picture).values()) == rooms()


def test_every_room_is_in_the_text() -> None:
    text = re.sub(r"```.*?```", "", PAGE.read_text("utf-8"), flags=re.S)
    named = set(re.findall(r"`(\w+)`", text))
    assert rooms() - {"__init__", "__main__", "version"} <= named


def test_every_arrow_is_an_import(picture: str) -> None:
    graph = grimp.build_graph("neuroinspect_tui", cache_dir=None)
    imports = {
        (room_of(start), room_of(end))
        for start in graph.modules
        for end in graph.find_modules_directly_imported_by(start)
    }
    title = titles(picture)
    arrows = re.findall(r'^ *(\w+)(?:\[".*?"\])? --> (\w+)', picture, re.M)
    assert len(arrows) == picture.count("-->") > 0
    assert {(title[start], title[end]) for start, end in arrows} <= imports


def room_of(module: str) -> str:
    return [*module.split("."), "__init__"][1]
