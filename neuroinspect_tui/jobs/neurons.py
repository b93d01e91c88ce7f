"""The neurons of a class: which fail it, and what they have learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..config import RunConfig
from ..results import Concept, CulpritReport, Exemplar, Illusion, WhatIf, states
from ..results.culprit_lists import named
from .base import Job, Load


@dataclass(frozen=True)
class FindCulprits(Job[CulpritReport]):
    """Rank the neurons of a class; concepts are filled in where they are already known."""

    target: int
    priority: ClassVar[int] = 2
    label: ClassVar[str] = "finding culprits"

    def key(self, config: RunConfig) -> str:
        """One for each class and mode."""
        settings = states.settings(config.debug.mode, config.compute.seed, config.data.split)
        return f"culprits/{self.target}-{settings}"

    def recall(self, config: RunConfig, load: Load) -> CulpritReport | None:
        """Return the ranking with the concepts that were found since it was stored."""
        report = super().recall(config, load)
        return report and named(report, NameNeurons(self.target).recall(config, load) or ())


@dataclass(frozen=True)
class FindExemplars(Job[tuple[Exemplar, ...]]):
    """Find real images on which the neuron fires, the strongest first within each kind."""

    target: int
    neuron: int
    priority: ClassVar[int] = 3
    label: ClassVar[str] = "finding exemplars"

    def key(self, config: RunConfig) -> str:
        """One for each neuron and class."""
        return f"exemplars/{self.target}-{self.neuron}-{states.settings(config.data.split)}"


@dataclass(frozen=True)
class NameNeurons(Job[tuple[Concept, ...]]):
    """Find a concept for each neuron; the answer is empty without CLIP."""

    target: int
    neurons: tuple[int, ...] = ()
    priority: ClassVar[int] = 4
    label: ClassVar[str] = "naming neurons"

    def key(self, config: RunConfig) -> str:
        """One for all neurons named so far for the class."""
        debug = config.debug
        return f"concepts/{self.target}-{states.settings(debug.clip, debug.vocabulary, config.data.split)}"


@dataclass(frozen=True)
class Illustrate(Job[tuple[Illusion, ...]]):
    """Make `pictures` illusions (None: one each), neuron after neuron, then again from other seeds.

    Sends `Preview`s on the way.
    """

    target: int
    neurons: tuple[int, ...] = ()
    iters: int | None = None
    pictures: int | None = None
    priority: ClassVar[int] = 4
    label: ClassVar[str] = "visualising"

    def key(self, config: RunConfig) -> str:
        """One for all made so far for the class in so many steps."""
        debug, steps = config.debug, self.iters or config.debug.iters
        settings = states.settings(debug.clip, debug.mode, steps, config.compute.seed, config.data.split)
        return f"illusions/{self.target}-{settings}"


@dataclass(frozen=True)
class SearchNeurons(Job[tuple[Concept, ...]]):
    """Find neurons whose concept matches a text, the best first."""

    text: str
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "searching neurons"
    private: ClassVar[bool] = True


@dataclass(frozen=True)
class AskWhatIf(Job[WhatIf]):
    """Scale neurons for the class (`everywhere`: for all).

    Those of them that are too weak, `raised`, are scaled by 2 − `scale`: doubled where the others are off.
    """

    target: int
    neurons: tuple[int, ...]
    scale: float = 0.0
    everywhere: bool = False
    raised: tuple[int, ...] = ()
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "what-if"
    private: ClassVar[bool] = True
