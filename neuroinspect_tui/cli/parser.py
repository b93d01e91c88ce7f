"""The command line's options and their help, made from the table of options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from .configure import Values
from .options import OPTIONS, SECTIONS, Option
from .values import read_value

_METAVARS = {int: "N", float: "NUMBER", tuple[float, float, float]: "R,G,B"}


class SectionedGroup(click.Group):
    """A command whose help lists its options by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
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


def click_options() -> list[click.Parameter]:
    """Return an option of click's for each of the table's; all values are texts, to be read by `given`."""
    return [_click_option(option) for option in OPTIONS.values()]


def _click_option(option: Option) -> click.Option:
    shown = " ".join(help_row(option)[1:])
    if option.is_switch:
        return click.Option([option.name, "/".join(option.flags)], is_flag=True, help=shown)
    return click.Option(
        [option.name, *option.flags],
        type=str,
        multiple=option.repeatable,
        help=shown,
        shell_complete=_completer(option.choices) if option.choices else None,
    )


def _completer(choices: tuple[str, ...]) -> Callable[[click.Context, click.Parameter, str], list[Any]]:
    return lambda context, parameter, begun: [choice for choice in choices if choice.startswith(begun)]


def given(context: click.Context) -> Values:
    """Return the options that stand on the command line; raises InputError for a value of the wrong kind."""
    return {
        name: read_value(OPTIONS[name], value, OPTIONS[name].flag)
        for name, value in context.params.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and name in OPTIONS
    }
