"""The program `neuroinspect`: what its commands are, and how it ends."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path

import click

from .. import __version__
from ..errors import ExitCode, InputError, disk_line
from ..text import complain
from .parser import SectionedGroup, click_options, given

PROGRAM = "neuroinspect"
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
Directory = click.Path(path_type=Path)


@click.group(
    PROGRAM,
    cls=SectionedGroup,
    params=click_options(),
    invoke_without_command=True,
    context_settings=CONTEXT,
    epilog="Start with: neuroinspect --demo",
)
@click.version_option(__version__, message=f"{PROGRAM} %(version)s", help="Print the version.")
@click.pass_context
def app(context: click.Context, /, **options: object) -> int:
    """Find, see and repair what makes an image classifier fail, in the app or, with --batch, headless."""
    if context.invoked_subcommand is not None:
        return 0
    from .launch import launch

    return launch(given(context))


@app.command()
def sessions() -> None:
    """List the sessions, newest first."""
    from .commands import list_sessions

    list_sessions()


@app.command()
@click.argument("directory", type=Directory)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["html", "md", "json", "csv"]),
    default="md",
    help="What to print; csv: the class table.",
    show_default=True,
)
def report(directory: Path, format_: str) -> None:
    """Print a session's report."""
    from .commands import print_report

    print_report(directory, format_)


@app.command()
@click.argument("first", type=Directory)
@click.argument("second", type=Directory)
@click.option(
    "--fail-on-regression",
    is_flag=True,
    help="Exit with 1 when the second session is significantly worse: over all images, or in a class or "
    "group after Holm's correction.",
)
def compare(first: Path, second: Path, fail_on_regression: bool) -> int:
    """Compare two sessions: what differs in their inputs, which images were fixed and broken."""
    from .commands import print_comparison

    return print_comparison(first, second, fail_on_regression)


@app.command()
def doctor() -> int:
    """Check device, libraries, terminal graphics, CLIP weights and folders."""
    from .doctor import examine

    return examine()


def main() -> None:
    """Run `neuroinspect`: bad input is one line on stderr and exit code 2, an interrupt 130.

    A worker that is still inside torch would abort the process when Python ends around it (exit code 134).
    """
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
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else PROGRAM
        complain(f"{_on_one_line(error)}: see {command} --help")
    except InputError as error:
        complain(str(error))
    except OSError as error:
        complain(disk_line(error))
    except (KeyboardInterrupt, click.Abort):
        return ExitCode.INTERRUPTED
    return ExitCode.BAD_INPUT


def _on_one_line(error: click.UsageError) -> str:
    return " ".join(error.format_message().split()).rstrip(".")


def _flush() -> None:
    """Write out what is still buffered, unless its reader is gone: a pager that was left, a terminal."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
