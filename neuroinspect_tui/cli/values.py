"""The value of an option as its section holds it, from what a command line, a variable or TOML says."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ..config import require_choice
from ..errors import InputError
from .options import Option

_SWITCHES = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("", "0", "false", "no", "off"), False),
}


class _MisfitError(ValueError):
    """A value of the wrong kind: what it is not, and an example or remedy."""

    def __init__(self, fault: str, remedy: str) -> None:
        self.fault, self.remedy = fault, remedy
        super().__init__(fault)


def read_value(option: Option, value: object, label: str) -> Any:
    """Return `value` as the type of `option`; a value that is of it already stays as it is.

    Raises InputError, naming the place `label`, for a value of another kind or an unknown choice.
    """
    try:
        read = _reader(option)(value)
    except _MisfitError as error:
        raise InputError(f"{label} {value!r} {error.fault}", error.remedy) from None
    if option.choices:
        require_choice(label, read, option.choices)
    return read


def _reader(option: Option) -> Callable[[object], Any]:
    if option.repeatable:
        item = _READERS[option.item]
        return lambda value: tuple(item(part) for part in _words(value))
    return _READERS.get(option.item, _text)


def _text(value: object) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise _MisfitError("is not text", "write it in quotes")
    return os.fspath(value)


def _switch(value: object) -> bool:
    found = _SWITCHES.get(str(value).lower())
    if found is None:
        raise _MisfitError("is neither true nor false", "write true or false")
    return found


def _words(value: object) -> tuple[str, ...]:
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)):
        parts = [parts]
    if not all(isinstance(part, (str, int)) for part in parts):
        raise _MisfitError("is not a list of names", 'write ["one", "two"]')
    return tuple(str(part) for part in parts)


def _number(value: object) -> float:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    raise _MisfitError("is not a number", "give a number")


def _integer(value: object) -> int:
    number = _number(value)
    if not number.is_integer():
        raise _MisfitError("is not a whole number", "give a whole number")
    return int(number)


def _three_numbers(value: object) -> tuple[float, float, float]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or len(parts) != 3:
        raise _MisfitError("is not three numbers", "for example 0.485,0.456,0.406")
    first, second, third = (_number(part) for part in parts)
    return first, second, third


_READERS: dict[Any, Callable[[object], Any]] = {
    str: _text,
    bool: _switch,
    int: _integer,
    float: _number,
    tuple[float, float, float]: _three_numbers,
}
