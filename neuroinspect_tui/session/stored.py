"""Values of `results` and `config` ↔ the plain JSON that a session stores, by pydantic."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, to_jsonable_python

from .upgrades import UPGRADES

T = TypeVar("T")


def to_json(value: object) -> Any:
    """Return `value` (dataclasses, tuples, dicts, text, numbers) as JSON; what is not finite is None."""
    try:
        return to_jsonable_python(value, inf_nan_mode="null")
    except UnicodeEncodeError:  # a file name that is not UTF-8: pydantic knows no surrogates, json does
        return _plain(value)


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def from_json(kind: type[T], data: Any) -> T:
    """Return the value of type `kind` that `to_json` wrote as `data`, also by an older version.

    A missing key takes the field's default, an unknown one is passed over, and a float that was not finite
    comes back as NaN. Raises ValueError that says where `data` does not fit `kind`.
    """
    upgrade = UPGRADES.get(kind)
    data = upgrade(data) if upgrade and isinstance(data, dict) else data
    adapter: TypeAdapter[T] = _adapter(cast("Hashable", kind))
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        missing = error.errors(include_url=False)
        if not all(map(_is_null_number, missing)):
            raise ValueError(_line(missing)) from error
    for found in missing:
        data = _with_nan(data, found["loc"])
    return adapter.validate_python(data)


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast("type[Any]", kind))


def _is_null_number(found: ErrorDetails) -> bool:
    """Whether a null stands where a number was not finite."""
    return found["type"] == "float_type" and found["input"] is None


def _with_nan(data: Any, place: tuple[int | str, ...]) -> Any:
    """Return `data` with NaN at `place`."""
    if not place:
        return math.nan
    key, inner = place[0], place[1:]
    if isinstance(data, list):
        return [_with_nan(item, inner) if index == key else item for index, item in enumerate(data)]
    return {name: _with_nan(item, inner) if name == key else item for name, item in data.items()}


def _line(errors: list[ErrorDetails]) -> str:
    """Say in one line where the first misfit is, and what it is."""
    place = ".".join(map(str, ("value", *errors[0]["loc"])))
    return f"{place}: {errors[0]['msg']}"
