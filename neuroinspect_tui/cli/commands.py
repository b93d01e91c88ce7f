"""The small commands: list sessions, print a report, compare two."""

from __future__ import annotations

from pathlib import Path

from ..errors import ExitCode, InputError
from ..resume.restore import session_entries
from ..session.compare import Side, paired_changes
from ..session.compare_text import comparison, regression_line
from ..session.report import read_report
from ..session.store import Session
from ..text import complain, safe

_FILES = {"html": ("report.html",), "md": ("report.md",), "json": ("report.json",)}
_TABLES = ("classes.csv", "neurons.csv", "samples.csv")


def list_sessions() -> None:
    """Print a line for each session known on this machine, newest first."""
    entries = session_entries()
    if not entries:
        print("no sessions yet: start with neuroinspect --demo")
        return
    print(f"{'changed':<16}  accuracy  repairs  {'model':<28}  {'data':<28}  directory")
    for entry in entries:
        accuracy = "-" if entry.accuracy is None else f"{100 * entry.accuracy:.1f} %"
        model, data = safe(_tail(entry.model, 1), 28), safe(_tail(entry.data, 2), 28)
        facts = f"{entry.changed}  {accuracy:>8}  {entry.repairs:>7}  {model:<28}  {data:<28}"
        print(f"{facts}  {safe(str(entry.root))}")


def _tail(path: str, parts: int) -> str:
    """Return the last parts of a path: which distinguishes it from others."""
    return "/".join(Path(path).parts[-parts:])


def print_report(directory: Path, format_: str) -> None:
    """Print a session's report; csv prints the class table."""
    read_report(Session.view(directory))
    name = _FILES.get(format_, _TABLES[:1])[0]
    try:
        print((directory / name).read_text("utf-8", "surrogateescape"), end="")
    except OSError as error:
        raise InputError(f"{directory / name}: {error.strerror}", "write the report again") from None


def print_comparison(first: Path, second: Path, fail_on_regression: bool = False) -> int:
    """Print what changed from one session to the other; return the exit code.

    With `fail_on_regression` that is 1 when the second session is significantly worse over all images
    (McNemar, p < 0.05), or in a class or group (p < 0.05 after Holm's correction over all of them). Raises
    InputError when there is then no image to tell by.
    """
    one, other = Side.read(first), Side.read(second)
    print(comparison(one, other, (str(first), str(second))), end="")
    if not fail_on_regression:
        return ExitCode.DONE
    changes = paired_changes(one, other)
    if not changes[0].n:
        raise InputError("--fail-on-regression has no image to compare by", "compare sessions of one split")
    regressed = [change for change in changes if change.regressed]
    if regressed:
        complain(f"--fail-on-regression: {regression_line(regressed)}")
    return ExitCode.CHECK_FAILED if regressed else ExitCode.DONE
