"""The neurons that the user marked, class by class, and the question that they ask."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from ..jobs import AskWhatIf

MILDEST = 0.75
"""The scale of the least change: at 1 nothing would change."""


@dataclass
class Marks:
    """Marked neurons by class; `scale` is what happens to them, `everywhere` whether in all classes."""

    neurons: dict[int, tuple[int, ...]] = field(default_factory=dict)
    scale: float = 0.0
    everywhere: bool = False

    def of(self, target: int | None) -> tuple[int, ...]:
        """The neurons marked for a class, in the order of marking."""
        return self.neurons.get(target, ()) if target is not None else ()

    def toggle(self, target: int, neuron: int) -> None:
        """Mark a neuron, or take its mark away."""
        now = self.of(target)
        self.neurons[target] = tuple(n for n in now if n != neuron) if neuron in now else (*now, neuron)

    def clear(self, target: int) -> None:
        """Take away all marks of a class."""
        self.neurons.pop(target, None)
        self.forget_scale()

    def change_scale(self, change: float) -> None:
        """Change the marked neurons more or less: ▼ from ×0.75 to off, ▲ from ×1.25 to ×2."""
        self.scale = max(0.0, min(MILDEST, self.scale + change))

    def forget_scale(self) -> None:
        """Ask again for the full change, of this class alone."""
        self.scale, self.everywhere = 0.0, False

    def question(self, target: int | None, insufficient: Container[int] = ()) -> AskWhatIf | None:
        """The what-if that the marks of a class ask, or None; `insufficient` neurons are raised."""
        if target is None or not self.of(target):
            return None
        marked = tuple(sorted(self.of(target)))
        raised = tuple(neuron for neuron in marked if neuron in insufficient)
        return AskWhatIf(target, marked, self.scale, self.everywhere, raised)
