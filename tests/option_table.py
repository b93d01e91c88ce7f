"""The README's table of options, made from the program's own: `python -m tests.option_table` writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from neuroinspect_tui.cli.options import OPTIONS, SECTIONS
from neuroinspect_tui.cli.parser import help_row
from tests.conftest import REPOSITORY

README = REPOSITORY / "README.md"
MARKED = re.compile(r"(?<=<!-- options -->\n).*?(?=<!-- /options -->)", re.S)


def table() -> str:
    """Return the options as a Markdown table, those of a section below its title."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield "| option | does | unless given |"
    yield "|---|---|---|"
    for section, (title, _) in SECTIONS.items():
        yield f"| **{title}** | | |"
        for option in OPTIONS.values():
            if option.section == section:
                yield f"| `{help_row(option)[0]}` | {_plain(option.info.help)} | {_plain(option.default_text)} |"


def _plain(text: str) -> str:
    return re.sub(r"[_|*<]", r"\\\g<0>", text)


def main() -> None:
    """Put the table into the README."""
    README.write_text(MARKED.sub(lambda found: table(), README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
