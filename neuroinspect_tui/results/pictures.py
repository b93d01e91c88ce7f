"""Stage 2: real images and painted pictures of a neuron or a direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .evaluation import ClassRef

ExemplarKind = Literal["overall", "class", "mistakes"]


@dataclass(frozen=True)
class Exemplar:
    """A real image on which `neuron` fires; `image` and `mask` are PNG crops relative to the session."""

    neuron: int
    kind: ExemplarKind
    path: str
    label: int
    activation: float
    contribution: float
    image: str
    mask: str | None = None


@dataclass(frozen=True)
class Illusion:
    """A CLIP-Illusion picture and the numbers it was measured by (docs/method.md, Illusions).

    `ratio` = activation / q99.9 on the data, `robust_ratio` the same under random affines, `rank` of its own
    neuron among all by ratio (1 = identified), `probability` and `logit` of the class, `clip_similarity` the
    cosine, `clip_percentile` its place among real images of the class; `image`, `mask`: PNGs in the session.
    """

    neuron: int
    target: ClassRef
    seed: int
    image: str
    mask: str | None
    activation: float
    ratio: float
    robust_ratio: float
    rank: int
    probability: float
    logit: float
    clip_similarity: float | None
    clip_percentile: float | None

    @property
    def shown(self) -> bool:
        """False when the picture does not reach the neuron's real activation: "not shown here"."""
        return self.ratio >= 1
