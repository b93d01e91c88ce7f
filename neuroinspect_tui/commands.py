"""The small commands: list sessions, print a report, compare two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .errors import InputError
from .session.compare import compare_reports
from .sessions import data_folder, recent
from .text import safe

_FILES = {"html": ("report.html",), "md": ("report.md",), "json": ("report.json",)}
_TABLES = ("classes.csv", "neurons.csv", "samples.csv")


def list_sessions() -> None:
    """Print a line for each session known on this machine, newest first."""
    folder = data_folder() / "sessions"
    known = {path.resolve(): None for path in recent()}
    known.update({path.parent.resolve(): None for path in folder.glob("*/session.json")})
    if not known:
        print("no sessions yet: start with neuroinspect --demo")
    for directory in sorted(known, key=lambda path: (path / "session.json").stat().st_mtime, reverse=True):
        print(safe(str(directory)))


def read_report(directory: Path) -> dict[str, Any]:
    """Return the report.json of a session; raises InputError when there is none."""
    path = directory / "report.json"
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist", "run neuroinspect --batch -o, or press e in the app, to write it"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error})", "write the report again") from None
    return dict(document)


def print_report(directory: Path, format_: str) -> None:
    """Print a session's report; csv prints the class table."""
    read_report(directory)
    name = _FILES.get(format_, _TABLES[:1])[0]
    try:
        print((directory / name).read_text("utf-8"), end="")
    except OSError as error:
        raise InputError(f"{directory / name}: {error.strerror}", "write the report again") from None


def print_comparison(first: Path, second: Path) -> None:
    """Print the differences of two sessions' reports."""
    print(compare_reports(read_report(first), read_report(second)))
