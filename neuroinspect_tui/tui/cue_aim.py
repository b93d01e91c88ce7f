"""Which cue is tagged where, and which images and neurons propose what to tag."""

from __future__ import annotations

from dataclasses import dataclass

from ..jobs import DEFAULT_CUE
from ..results import CueOrigin, FailureMode
from ..results.stored_cues import LONGEST_NAME
from ..wording.modes import brief_title
from .app_state import AppState


@dataclass(frozen=True)
class CueAim:
    """The cue `name`, born from `source`, and the class `target` and `neurons` that order its images."""

    name: str
    origin: CueOrigin
    source: str
    target: int
    neurons: tuple[int, ...] = ()


def aim_of_mode(app_state: AppState, mode: FailureMode) -> CueAim | None:
    """Return the cue of a failure mode: the one that came from it under its present name, else a new one."""
    if not mode.classes:
        return None
    new = (mode.name or brief_title(mode, app_state.class_names))[: LONGEST_NAME - 4].strip()
    new = f"{new} {mode.id}" if new in app_state.cues else new
    name = _known(app_state, "mode", str(mode.id)) or new
    neurons = tuple(row.neuron for row in mode.neurons if row.weight > 0)[:5]
    return CueAim(name, "mode", str(mode.id), mode.classes[0], neurons)


def aim_of_class(app_state: AppState, target: int, neurons: tuple[int, ...]) -> CueAim:
    """Return the cue of a class: there is one for each until the user names others."""
    own = app_state.class_names[target] if target < len(app_state.class_names) else str(target)
    source = f"class {target}"
    name = _known(app_state, "hand", source) or f"{own.strip()[: LONGEST_NAME - 4]} {DEFAULT_CUE}"
    return CueAim(name, "hand", source, target, neurons)


def _known(app_state: AppState, origin: CueOrigin, source: str) -> str:
    found = (cue.name for cue in app_state.cues.values() if (cue.origin, cue.source) == (origin, source))
    return next(found, "")
