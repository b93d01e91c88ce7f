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
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def from_json(kind: type[T], data: Any) -> T:
    """Return the value of type `kind` that `to_json` wrote as `data`.

    A missing key takes the field's default, an unknown one is passed over, and a float that was not finite
    comes back as NaN. Raises ValueError that says where `data` does not fit `kind`.
    """
    return _decode(kind, data, "value")


def _decode(kind: Any, data: Any, place: str) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return data
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), data, place)
    if origin is Literal:
        _require(data in get_args(kind), kind, data, place)
        return data
    if origin is dict:
        key_kind, item_kind = get_args(kind)
        _require(isinstance(data, dict), kind, data, place)
        return {key_kind(key): _decode(item_kind, item, f"{place}.{key}") for key, item in data.items()}
    if origin in (tuple, list):
        _require(isinstance(data, list), kind, data, place)
        return _decode_sequence(origin, get_args(kind), data, place)
    if dataclasses.is_dataclass(kind):
        _require(isinstance(data, dict), kind, data, place)
        return _decode_dataclass(kind, data, place)
    return _decode_scalar(kind, data, place)


def _decode_union(kinds: tuple[Any, ...], data: Any, place: str) -> Any:
    if data is None and type(None) in kinds:
        return None
    for kind in kinds:
        if kind is not type(None) and (not isinstance(kind, type) or _fits_scalar(kind, data)):
            return _decode(kind, data, place)
    raise _misfit(" | ".join(map(str, kinds)), data, place)


def _decode_sequence(origin: type, kinds: tuple[Any, ...], data: list[Any], place: str) -> Any:
    if origin is list or (len(kinds) == 2 and kinds[1] is Ellipsis):
        return origin(_decode(kinds[0], item, f"{place}[{index}]") for index, item in enumerate(data))
    _require(len(data) == len(kinds), kinds, data, place)
    pairs = enumerate(zip(kinds, data, strict=True))
    return tuple(_decode(kind, item, f"{place}[{index}]") for index, (kind, item) in pairs)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode_dataclass(kind: Any, data: dict[str, Any], place: str) -> Any:
    values = {}
    for field in dataclasses.fields(kind):
        if field.name in data:
            values[field.name] = _decode(_hints(kind)[field.name], data[field.name], f"{place}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{place}.{field.name} is missing")
    return kind(**values)


def _decode_scalar(kind: Any, data: Any, place: str) -> Any:
    if kind is float and data is None:
        return math.nan
    _require(_fits_scalar(kind, data), kind, data, place)
    return float(data) if kind is float else data


def _fits_scalar(kind: Any, data: Any) -> bool:
    """Tell whether `data` may be a `kind`: exact for scalars, by JSON shape for everything else."""
    if kind is float:
        return isinstance(data, (int, float)) and not isinstance(data, bool)
    if kind in (int, str, bool):
        return type(data) is kind
    if kind is type(None):
        return data is None
    return isinstance(data, dict if dataclasses.is_dataclass(kind) else list)


def _require(holds: bool, kind: Any, data: Any, place: str) -> None:
    if not holds:
        raise _misfit(kind, data, place)


def _misfit(kind: Any, data: Any, place: str) -> ValueError:
    return ValueError(f"{place} is {type(data).__name__}, not {getattr(kind, '__name__', kind)}")
