"""The command line's options and their help, made from the table of options."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..version import __version__
from .configure import Values
from .options import OPTIONS, SECTIONS, Option
from .values import read_value

_METAVARS = {int: "N", float: "NUMBER", tuple[float, float, float]: "R,G,B"}


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"neuroinspect {__version__}")
        raise typer.Exit


VERSION = Annotated[
    bool,
    typer.Option(
        "--version", callback=_version, is_eager=True, show_default=False, help="Print the version."
    ),
]


class SectionedGroup(TyperGroup):
    """A command whose help lists its options by section."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write each section's options below its title, then the commands."""
        plain = [record for one in self.get_params(ctx) if (record := one.get_help_record(ctx))]
        table = {help_row(option)[1]: None for option in OPTIONS.values()}
        for section, (title, _) in SECTIONS.items():
            rows = [help_row(option) for option in OPTIONS.values() if option.section == section]
            with formatter.section(title):
                formatter.write_dl(
                    rows + [row for row in plain if section == "program" and row[1] not in table]
                )
        self.format_commands(ctx, formatter)


def help_row(option: Option) -> tuple[str, str]:
    """Return an option's flags and value, and its help with what holds when it is not given."""
    metavar = "" if option.is_switch else f" {_METAVARS.get(option.item, 'TEXT')}"
    default = f"  [default: {option.default_text}]" if option.default_text else ""
    return ", ".join(option.flags) + metavar, option.info.help + default


def with_options(callback: Callable[[typer.Context], int], *others: inspect.Parameter) -> Callable[..., int]:
    """Return `callback` as a function that typer sees to take every option of the table, and `others`.

    All values are texts, to be read by `given` from the context.
    """

    def run(context: typer.Context, **_: object) -> int:
        return callback(context)

    own = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    options = [_parameter(option) for option in OPTIONS.values()]
    asks = inspect.Parameter("version", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=VERSION)
    options.append(asks)
    options += others
    run.__signature__ = inspect.Signature([own, *options])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in (own, *options)}
    run.__doc__ = callback.__doc__
    return run


def _parameter(option: Option) -> inspect.Parameter:
    kind: Any = bool | None if option.is_switch else list[str] | None if option.repeatable else str | None
    flags = ["/".join(option.flags)] if option.is_switch else option.flags
    shown = typer.Option(
        *flags,
        help=" ".join(help_row(option)[1:]),
        show_default=False,
        autocompletion=_completer(option.choices) if option.choices else None,
    )
    annotation = Annotated[kind, shown]
    name = _argument(option.name)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _argument(name: str) -> str:
    """Return the option's name as one of a Python argument: `class` is a word of the language."""
    return f"{name}_" if keyword.iskeyword(name) else name


def _completer(choices: tuple[str, ...]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete


def given(context: typer.Context) -> Values:
    """Return the options that stand on the command line; raises InputError for a value of the wrong kind."""
    return {
        name: read_value(option, context.params[_argument(name)], option.flag)
        for name, option in OPTIONS.items()
        if _stands_on_the_command_line(context, _argument(name))
    }


def _stands_on_the_command_line(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
