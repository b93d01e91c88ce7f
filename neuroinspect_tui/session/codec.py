"""Values of `results` and `config` ↔ plain JSON: dataclasses, tuples, dicts, literals and optional values."""

from __future__ import annotations

import dataclasses
import math
import types
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """Return `value` as JSON knows it. Numbers that are not finite become None.

    Raises TypeError for a value that is no dataclass, tuple, list, dict, text, number or None.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            name: _field_to_json(hint, getattr(value, name)) for name, hint in _fields(type(value)).items()
        }
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _field_to_json(hint: Any, value: Any) -> Any:
    """A whole number in a float's place is written as a float, as it would be after a reload."""
    wants_float = hint is float or (float in get_args(hint) and int not in get_args(hint))
    return to_json(float(value) if wants_float and type(value) is int else value)


def from_json(kind: type[T], data: Any) -> T:
    """Return the value of type `kind` that `to_json` wrote as `data`.

    A missing key takes the field's default, an unknown one is passed over, and a float that was not finite
    comes back as NaN. Raises ValueError that says where `data` does not fit `kind`.
    """
    return _decode(kind, data, "value")


def _decode(kind: Any, data: Any, place: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), data, place)
    if kind is float and data is None:
        return math.nan
    if not _fits(kind, data):
        raise _misfit(_name(kind), data, place)
    if origin is dict:
        key_kind, item_kind = get_args(kind)
        return {key_kind(key): _decode(item_kind, item, f"{place}.{key}") for key, item in data.items()}
    if origin in (tuple, list):
        return _decode_sequence(origin, get_args(kind), data, place)
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, data, place)
    return float(data) if kind is float else data


def _fits(kind: Any, data: Any) -> bool:
    """Tell whether `data` has the outer JSON shape of a `kind`."""
    origin = get_origin(kind)
    if origin is Literal:
        return data in get_args(kind)
    if origin in (tuple, list):
        return isinstance(data, list)
    if origin is dict or dataclasses.is_dataclass(kind):
        return isinstance(data, dict)
    if kind is float:
        return type(data) in (int, float)
    return kind is Any or type(data) is kind


def _decode_union(kinds: tuple[Any, ...], data: Any, place: str) -> Any:
    for kind in sorted(kinds, key=lambda kind: kind is float):
        if _fits(kind, data):
            return _decode(kind, data, place)
    raise _misfit(" | ".join(map(_name, kinds)), data, place)


def _decode_sequence(origin: type, kinds: tuple[Any, ...], data: list[Any], place: str) -> Any:
    if origin is list or (len(kinds) == 2 and kinds[1] is Ellipsis):
        return origin(_decode(kinds[0], item, f"{place}[{index}]") for index, item in enumerate(data))
    if len(data) != len(kinds):
        raise ValueError(f"{place} has {len(data)} items, not {len(kinds)}")
    pairs = enumerate(zip(kinds, data, strict=True))
    return tuple(_decode(kind, item, f"{place}[{index}]") for index, (kind, item) in pairs)


@cache
def _fields(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _decode_dataclass(kind: Any, data: dict[str, Any], place: str) -> Any:
    values = {}
    data = getattr(kind, "upgraded", dict)(data)
    for field in dataclasses.fields(kind):
        if field.name in data:
            values[field.name] = _decode(_fields(kind)[field.name], data[field.name], f"{place}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{place}.{field.name} is missing")
    return kind(**values)


def _misfit(name: str, data: Any, place: str) -> ValueError:
    return ValueError(f"{place} is {type(data).__name__}, not {name}")


def _name(kind: Any) -> str:
    return str(kind).removeprefix("typing.") if get_origin(kind) else kind.__name__
