"""In what the inputs of a run differ from those that a session was made from, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from ..config import RunConfig, Section, flags_of
from ..text import safe

_SECTIONS = {"model": "model", "data": "data", "preprocessing": "preprocess"}
_CONTENTS = {
    "model": "what -m and -w name has changed",
    "data": "what -d names has changed",
    "preprocessing": "the preprocessing that the model carries has changed",
}


def changes_of_inputs(old: RunConfig | None, new: RunConfig, differing: Sequence[str]) -> str:
    """Return which options of the `differing` inputs changed or, where none did, that their files have.

    The inputs are named as in `pipeline.identity.hashes`.
    """
    options = [change for key in differing if old for change in _options(old, new, _SECTIONS.get(key, ""))]
    return ", ".join(options or [_CONTENTS.get(key, f"{key} has changed") for key in differing])


def _options(old: RunConfig, new: RunConfig, section: str) -> Iterator[str]:
    before, after = getattr(old, section, None), getattr(new, section, None)
    if not isinstance(after, Section):
        return
    for one in fields(after):
        values = getattr(before, one.name), getattr(after, one.name)
        if values[0] != values[1]:
            yield f"{flags_of(type(after), one.name)[0]} {_brief(values[0])} → {_brief(values[1])}"


def _brief(value: object) -> str:
    return "none" if value is None else safe(str(value), 60)
