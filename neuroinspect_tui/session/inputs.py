"""In what the inputs of a run differ from those that a session was made from, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ..config import RunConfig
from ..text import safe

_OPTIONS = {"spec": "-m", "weights": "-w", "source": "-d", "root": "--data-root"}
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
    before, after = (asdict(config).get(section, {}) for config in (old, new))
    for name in after:
        if before[name] != after[name]:
            option = _OPTIONS.get(name) or f"--{name.replace('_', '-')}"
            yield f"{option} {_brief(before[name])} → {_brief(after[name])}"


def _brief(value: object) -> str:
    return "none" if value is None else safe(str(value), 60)
