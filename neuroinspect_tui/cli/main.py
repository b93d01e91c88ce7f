"""The program `neuroinspect`: what its commands are, and how it ends."""

from __future__ import annotations

import inspect
import io
import os
import sys
import threading
import traceback
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ExitCode, InputError, InternalFault, disk_line
from ..runtime.standard_streams import open_closed_streams
from ..text import complain
from .parser import SectionedGroup, given, with_options

PROGRAM = "neuroinspect"
UsageError: Any = typer.BadParameter.__base__
Directory = Annotated[Path, typer.Argument(help="Session directory.", show_default=False)]
app = typer.Typer(
    name=PROGRAM,
    cls=SectionedGroup,
    epilog="Start with: neuroinspect --demo",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def run(context: typer.Context) -> int:
    """Find, see and repair what makes an image classifier fail, in the app or, with --batch, headless."""
    if context.invoked_subcommand is not None:
        return 0
    from .launch import launch

    return launch(given(context))


app.callback(invoke_without_command=True)(with_options(run))


class ReportFormat(StrEnum):
    """Formats of `neuroinspect report`."""

    html = "html"
    md = "md"
    json = "json"
    csv = "csv"


ReportForm = Annotated[ReportFormat, typer.Option("--format", help="What to print; csv: the class table.")]
FailOnRegression = Annotated[
    bool,
    typer.Option(
        "--fail-on-regression",
        help="Exit with 1 when the second session is significantly worse: over all images, or in a class or "
        "group after Holm's correction.",
    ),
]


@app.command()
def sessions() -> None:
    """List the sessions, newest first."""
    from .commands import list_sessions

    list_sessions()


@app.command()
def report(directory: Directory, format_: ReportForm = ReportFormat.md) -> None:
    """Print a session's report."""
    from .commands import print_report

    print_report(directory, format_.value)


@app.command()
def compare(first: Directory, second: Directory, fail_on_regression: FailOnRegression = False) -> int:
    """Compare two sessions: what differs in their inputs, which images were fixed and broken."""
    from .commands import print_comparison

    return print_comparison(first, second, fail_on_regression)


StressDirectory = inspect.Parameter(
    "directory",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[Path | None, typer.Argument(help="Session directory.", show_default=False)],
)


def stress(context: typer.Context) -> int:
    """Change images in ways that should not matter, and say which classes each change pulls them towards.

    Takes the options of a run, or a session directory.
    """
    from .launch import launch

    directory = context.params["directory"]
    values = given(context)
    return launch(values if directory is None else {**values, "session": str(directory)}, stress_alone=True)


app.command("stress")(with_options(stress, StressDirectory))
RepairPath = Annotated[
    Path,
    typer.Argument(help="Folder of a repair, as out/repairs/1-ridge, or a session.", show_default=False),
]
RepairNumber = Annotated[int | None, typer.Argument(help="Which repair of the session.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout.")]


@app.command()
def verify(repair: RepairPath, number: RepairNumber = None, json: AsJson = False) -> int:
    """Load a repair's exported weights and compare their answers with its verdict, image by image."""
    from .verify import verify_repair

    return verify_repair(repair, number, json)


@app.command()
def doctor() -> int:
    """Check device, libraries, terminal graphics, CLIP weights and folders."""
    from .doctor import examine

    return examine()


def main() -> None:
    """Run `neuroinspect`, and end with an `ExitCode`; bad input and bugs are one line on stderr.

    A worker that is still inside torch would abort the process when Python ends around it (exit code 134).
    """
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = _run()
    _flush()
    if any(thread.name == "neuroinspect-worker" for thread in threading.enumerate()):
        os._exit(code)
    sys.exit(code)


def _run() -> int:
    try:
        return app(standalone_mode=False, prog_name=PROGRAM) or 0
    except UsageError as error:
        command = error.ctx.command_path if error.ctx else PROGRAM
        complain(f"{_on_one_line(error)}: see {command} --help")
    except InputError as error:
        complain(str(error))
    except OSError as error:
        complain(disk_line(error))
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except Exception as error:
        return _internal_fault(error)
    return ExitCode.BAD_INPUT


def _internal_fault(error: Exception) -> int:
    """Say on one line that this is a bug and where its traceback is."""
    from ..runtime.faults import fault_line

    reason = (str(error).splitlines() or [""])[0]
    fault = InternalFault(f"{type(error).__name__}: {reason}", traceback.format_exc())
    complain(fault_line(fault))
    return ExitCode.INTERNAL_FAULT


def _on_one_line(error: Any) -> str:
    message = error.format_message().replace(": Value error, ", ": ")
    return " ".join(message.split()).rstrip(".")


def _flush() -> None:
    """Write out what is still buffered, unless its reader is gone: a pager that was left, a terminal."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
