"""What a field that is an option says of itself: its flags, help and check; sections check their values."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ..errors import InputError


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `did you mean "…"?` for the known name most like `name`, or an empty string."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f'did you mean "{found[0]}"?' if found else ""


def require_choice(option: str, value: str, choices: Iterable[str]) -> None:
    """Raise InputError unless `value` is one of `choices`."""
    known = list(choices)
    if value not in known:
        remedy = " ".join(filter(None, [nearest(value, known), f"use one of {', '.join(known)}"]))
        raise InputError(f"{option} {value!r} is not known", remedy)


def require_range(option: str, value: float, low: float, high: float = float("inf")) -> None:
    """Raise InputError unless low <= value <= high."""
    if not low <= value <= high:
        bound = f"at least {low:g}" if high == float("inf") else f"between {low:g} and {high:g}"
        raise InputError(f"{option} {value:g} is out of range", f"give a number {bound}")


@dataclass(frozen=True)
class OptionInfo:
    """What an option is called, does and may be; `unless_given` says what holds without a fixed default."""

    help: str
    flags: tuple[str, ...] = ()
    check: Callable[[str, Any], None] | None = None
    unless_given: str = ""
    command_line_only: bool = False


def option(
    help_: str,
    *flags: str,
    check: Callable[[str, Any], None] | None = None,
    unless_given: str = "",
    command_line_only: bool = False,
) -> Mapping[str, OptionInfo]:
    """Return the metadata of a field that is an option; without `flags` it is called as its field.

    `check(flag, value)` raises InputError for a value that is not valid; it is not asked about None.
    """
    return {"option": OptionInfo(help_, flags, check, unless_given, command_line_only)}


def flags_of(section: type[Section], name: str) -> tuple[str, ...]:
    """Return the flags of a section's field: a short one first, if there is one."""
    info = next(one.metadata["option"] for one in fields(section) if one.name == name)
    return info.flags or (f"--{name.replace('_', '-')}",)


def flag_of(section: type[Section], name: str) -> str:
    """Return the long flag of a section's field."""
    return next(flag for flag in flags_of(section, name) if flag.startswith("--"))


def hints_of(section: type) -> dict[str, Any]:
    """Return the type of each field of a section."""
    return get_type_hints(section)


def choices_of(kind: Any) -> tuple[str, ...]:
    """Return what a value of the type `kind` may be if that is one of a few texts, else ()."""
    literals = [kind, *get_args(kind)] if get_origin(kind) is not Literal else [kind]
    return next((get_args(one) for one in literals if get_origin(one) is Literal), ())


@dataclass(frozen=True)
class Section:
    """Base of the sections: checks every value when one is made."""

    def __post_init__(self) -> None:
        for one in fields(self):
            value, kind = getattr(self, one.name), hints_of(type(self))[one.name]
            if value is not None:
                flag = flag_of(type(self), one.name)
                if choices := choices_of(kind):
                    require_choice(flag, value, choices)
                check = one.metadata["option"].check
                if check is not None:
                    check(flag, value)


def within(low: float, high: float = float("inf")) -> Callable[[str, float], None]:
    """Return a check that a number lies between `low` and `high`."""
    return partial(require_range, low=low, high=high)
