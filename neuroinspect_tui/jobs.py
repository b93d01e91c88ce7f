"""What a face may ask of the worker. Each job says what its `Finished.value` is.

Jobs are values: equal jobs are the same job, so asking twice runs once. Neurons and classes are indices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .repair_methods import RepairMethod


@dataclass(frozen=True)
class Job:
    """Base of all jobs; the queue runs the lowest `priority` first, then the newest request.

    Jobs that change what the user has (`in_order`) run before others of their priority, the oldest first.
    """

    priority: ClassVar[int] = 5
    label: ClassVar[str] = "working"
    in_order: ClassVar[bool] = False


@dataclass(frozen=True)
class Open(Job):
    """Load the classifier and the data set. Yields `results.Opened`."""

    priority: ClassVar[int] = 0
    label: ClassVar[str] = "loading"


@dataclass(frozen=True)
class Evaluate(Job):
    """Evaluate a split (None: the debugged one). Partial and final values: `results.Evaluation`."""

    split: str | None = None
    priority: ClassVar[int] = 2
    label: ClassVar[str] = "evaluating"


@dataclass(frozen=True)
class FindCulprits(Job):
    """Yields `results.CulpritReport`, concepts filled in where they are already known."""

    target: int
    priority: ClassVar[int] = 2
    label: ClassVar[str] = "finding culprits"


@dataclass(frozen=True)
class FindExemplars(Job):
    """Yields `tuple[results.Exemplar, ...]` for the neuron, strongest first within each kind."""

    target: int
    neuron: int
    priority: ClassVar[int] = 3
    label: ClassVar[str] = "finding exemplars"


@dataclass(frozen=True)
class NameNeurons(Job):
    """Yields `tuple[results.Concept, ...]`, one for each neuron (empty without CLIP)."""

    target: int
    neurons: tuple[int, ...]
    priority: ClassVar[int] = 4
    label: ClassVar[str] = "naming neurons"


@dataclass(frozen=True)
class Illustrate(Job):
    """Make `pictures` illusions (None: one each), neuron after neuron, then again from other seeds.

    Sends `Preview`s; yields `tuple[results.Illusion, ...]`.
    """

    target: int
    neurons: tuple[int, ...]
    iters: int | None = None
    pictures: int | None = None
    priority: ClassVar[int] = 4
    label: ClassVar[str] = "visualising"


@dataclass(frozen=True)
class AskWhatIf(Job):
    """Scale neurons for the class (`everywhere`: for all). Yields `results.WhatIf`.

    Those of them that are too weak, `raised`, are scaled by 2 − `scale`: doubled where the others are off.
    """

    target: int
    neurons: tuple[int, ...]
    scale: float = 0.0
    everywhere: bool = False
    raised: tuple[int, ...] = ()
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "what-if"


@dataclass(frozen=True)
class ListSamples(Job):
    """Yields `tuple[results.Sample, ...]` of the debugged split: label and, if given, prediction match."""

    target: int
    predicted: int | None = None
    only_mistakes: bool = True
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "listing images"


@dataclass(frozen=True)
class MakeThumbnails(Job):
    """Yields `dict[int, str]`: row of the split to a PNG path relative to the session, "" if it has gone."""

    split: str
    rows: tuple[int, ...]
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "reading images"


@dataclass(frozen=True)
class OrderReview(Job):
    """Images to tag next, in the order of design §3.5. Yields `tuple[results.ReviewItem, ...]`."""

    target: int
    neurons: tuple[int, ...]
    limit: int = 80
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "ordering images"


@dataclass(frozen=True)
class SetTag(Job):
    """Tag an image by hand ("" removes the tag, "mislabelled" excludes it). Yields `results.Propagation`."""

    split: str
    row: int
    tag: str
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "tagging"
    in_order: ClassVar[bool] = True


@dataclass(frozen=True)
class RepairHead(Job):
    """Fit, choose, judge and save a repaired decision layer. Yields `results.Repair`."""

    target: int
    method: RepairMethod
    neurons: tuple[int, ...] = ()
    priority: ClassVar[int] = 3
    label: ClassVar[str] = "repairing"


@dataclass(frozen=True)
class ExportRepair(Job):
    """Accept a repair and write the full repaired state dict. Yields `results.Repair`."""

    number: int
    priority: ClassVar[int] = 2
    label: ClassVar[str] = "exporting weights"
    in_order: ClassVar[bool] = True


@dataclass(frozen=True)
class DiscardRepair(Job):
    """Delete a repair. Yields its number."""

    number: int
    priority: ClassVar[int] = 2
    label: ClassVar[str] = "discarding"
    in_order: ClassVar[bool] = True


@dataclass(frozen=True)
class SearchNeurons(Job):
    """Neurons whose concept matches a text. Yields `tuple[results.Concept, ...]`, best first."""

    text: str
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "searching neurons"


@dataclass(frozen=True)
class WriteReport(Job):
    """Write report.json, report.html, report.md and the csv files of `targets` (empty: every class debugged).

    Yields the directory as text.
    """

    targets: tuple[int, ...] = ()
    priority: ClassVar[int] = 3
    label: ClassVar[str] = "writing the report"
