"""Stage 1: the neurons ranked for a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .evaluation import ClassRef, Sample

PropertyKind = Literal["insufficient", "excessive"]


@dataclass(frozen=True)
class Culprit:
    """A neuron ranked for a class (docs/method.md, culprits).

    `prec_at_5` percent of the mistakes that have it among their five largest scores; `importance` the
    retaining ratio; `mended` share of the class's mistakes fixed by setting it alone (class mean for
    insufficient, zero for excessive), `mended_random` the same averaged over random neurons. `spurious` 0…1
    is the suspicion that it follows a cue beside the class; it rests on `pull` −1…1, how its firing moves
    images of other classes, and on `outside` 0…1, the share of exemplars whose class CLIP sees elsewhere.
    """

    neuron: int
    kind: PropertyKind
    prec_at_5: float
    importance: float
    mended: float
    mended_random: float
    concept: str | None = None
    concept_score: float | None = None
    spurious: float | None = None
    pull: float | None = None
    outside: float | None = None


@dataclass(frozen=True)
class CulpritReport:
    """Stage 1 for one class; `mended_together` sets the five first of each list at once."""

    target: ClassRef
    mode: str
    mistakes: int
    unflipped: int
    insufficient: tuple[Culprit, ...]
    excessive: tuple[Culprit, ...]
    mended_together: float | None
    mended_random_together: float | None
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True)
class Concept:
    """The text label CLIP gives a neuron; `label` None means "no clear concept"."""

    neuron: int
    label: str | None
    score: float | None
    spurious: float | None = None
    pull: float | None = None
    outside: float | None = None
