"""Which of several labels is looked at: the value that data and classifier agree on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LabelView:
    """The label `names[chosen]` of L.

    Label k is the classifier's output `outputs[k]`; an image is said to have it where its probability, the
    sigmoid of its logit, is above `thresholds[k]`.
    """

    names: tuple[str, ...]
    outputs: tuple[int, ...]
    chosen: int
    thresholds: tuple[float, ...]

    @property
    def name(self) -> str:
        """The label that is looked at."""
        return self.names[self.chosen]

    @property
    def output(self) -> int:
        """The classifier's output that stands for it."""
        return self.outputs[self.chosen]

    @property
    def threshold(self) -> float:
        """The probability above which an image is said to have it."""
        return self.thresholds[self.chosen]

    @property
    def classes(self) -> tuple[str, str]:
        """The two classes in its place."""
        return f"not {self.name}", self.name


@dataclass(frozen=True)
class LabelChoice:
    """What is asked for: the label `wanted` (None: the one that most images have) and its threshold.

    `thresholds` is what `--threshold` says. Other labels may be among the columns that make `groups`.
    """

    wanted: str | None = None
    thresholds: str = "0.5"
    groups: tuple[str, ...] = ()
