"""Stage 1: the neurons ranked for a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .evaluation import ClassRef, Sample

PropertyKind = Literal["insufficient", "excessive"]


@dataclass(frozen=True)
class Culprit:
    """A neuron ranked for a class (design §3.1, §3.2).

    `prec_at_5` percent of the mistakes that have it among their five largest scores; `importance` the
    retaining ratio; `mended` share of the class's mistakes mended by setting it alone (class mean for
    insufficient, zero for excessive), `mended_random` the same averaged over random neurons.
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
    spurious_reason: str = ""


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
    spurious_reason: str = ""
