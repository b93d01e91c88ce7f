"""The command line: options become a `RunConfig`, which goes to the app or to the headless face."""

from __future__ import annotations

import io
import os
import re
import sys
import threading
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InputError, disk_line
from ..runtime.standard_streams import open_closed_streams
from ..text import complain
from . import options

UsageError: Any = typer.BadParameter.__base__
Directory = Annotated[Path, typer.Argument(help="Session directory.", show_default=False)]
PROGRAM = "neuroinspect"
app = typer.Typer(
    name=PROGRAM,
    help="Find, see and repair the neurons behind an image classifier's mistakes.",
    epilog="Start with: neuroinspect --demo",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


class ReportFormat(StrEnum):
    """Formats of `neuroinspect report`."""

    html = "html"
    md = "md"
    json = "json"
    csv = "csv"


ReportForm = Annotated[ReportFormat, typer.Option("--format", help="What to print; csv: the class table.")]


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    model: options.Model = None,
    weights: options.Weights = None,
    data: options.Data = None,
    demo: options.Demo = False,
    batch: options.Batch = False,
    session: options.Session = None,
    split: options.Split = None,
    classes: options.Classes = None,
    data_root: options.DataRoot = None,
    groups: options.Groups = None,
    allow_outside: options.AllowOutside = False,
    trust_pickle: options.TrustPickle = False,
    image_size: options.ImageSize = None,
    crop_pct: options.CropPct = None,
    mean: options.Mean = None,
    std: options.Std = None,
    device: options.Device = None,
    precision: options.Precision = None,
    batch_size: options.BatchSize = None,
    workers: options.Workers = None,
    clip: options.Clip = None,
    vocabulary: options.Vocabulary = None,
    mode: options.Mode = None,
    class_: options.Class = None,
    worst: options.Worst = None,
    neurons: options.Neurons = None,
    illusions: options.Illusions = None,
    iters: options.Iters = None,
    seed: options.Seed = None,
    repair: options.Repair = None,
    neuron: options.Neuron = None,
    tags: options.Tags = None,
    no_propagate: options.NoPropagate = False,
    fail_under: options.FailUnder = None,
    json: options.Json = False,
    images: options.Images = None,
    theme: options.Theme = None,
    config: options.Config = None,
    version: options.Version = False,
) -> None:
    """Open the app, or with --batch run headless."""
    if context.invoked_subcommand is None:
        from .launch import launch

        given = {name: value for name, value in context.params.items() if _is_given(value)}
        raise typer.Exit(launch(given))


@app.command()
def sessions() -> None:
    """List the sessions, newest first."""
    from .commands import list_sessions

    list_sessions()


@app.command()
def report(
    directory: Directory,
    format_: Annotated[
        ReportFormat, typer.Option("--format", help="csv: the class table.")
    ] = ReportFormat.md,
) -> None:
    """Print a session's report."""
    from .commands import print_report

    print_report(directory, format_.value)


@app.command()
def compare(first: Directory, second: Directory) -> None:
    """Compare the reports of two sessions."""
    from .commands import print_comparison

    print_comparison(first, second)


@app.command()
def doctor() -> None:
    """Check device, libraries, terminal graphics, CLIP weights and folders."""
    from .doctor import examine

    raise typer.Exit(examine())


def main() -> None:
    """Run `neuroinspect`: bad input is one line on stderr and exit code 2, an interrupt 130.

    A worker that is still inside torch would abort the process when Python ends around it (exit code 134).
    """
    code = 2
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False, prog_name=PROGRAM) or 0
    except UsageError as error:
        command = error.ctx.command_path if error.ctx else PROGRAM
        complain(f"{_in_plain_words(error.format_message())}: see {command} --help")
    except InputError as error:
        complain(str(error))
    except OSError as error:
        complain(disk_line(error))
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    _flush()
    if any(thread.name == "neuroinspect-worker" for thread in threading.enumerate()):
        os._exit(code)
    sys.exit(code)


def _in_plain_words(message: str) -> str:
    """Return what the parser says without the words of its own library."""
    kinds = {"integer": "is not a whole number", "number": "is not a number"}
    for kind, words in kinds.items():
        message = re.sub(
            rf"Invalid value for (.*): Input should be a valid {kind}.*", rf"\1 {words}", message
        )
    return message.replace(": Value error, ", ": ").rstrip(".")


def _is_given(value: object) -> bool:
    """Whether an option was on the command line: 0 was, an option left out is None, False or empty."""
    return value is not None and value is not False and value not in ([], ())


def _flush() -> None:
    """Write out what is still buffered, unless its reader is gone: a pager that was left, a terminal."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
