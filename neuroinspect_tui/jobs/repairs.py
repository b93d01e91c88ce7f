"""Repairs of the decision layer, what is done with them, and the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..config import RunConfig
from ..repair_methods import RepairMethod
from ..results import Prescription, Repair, RepairedLayer, RepairPreview, Verification, states
from .base import Job


@dataclass(frozen=True)
class RepairHead(Job[Repair]):
    """Fit, choose, judge and save a repaired decision layer.

    It uses `cues` and group `columns` (None: those that are not left out), and with a failure `mode`
    judged on the images of that instead of the class. It starts from the layer of repair `base` (None: the
    untouched one), beside which it is judged. A session keeps it by the number that it is given, as
    `ExportRepair` finds it.
    """

    target: int
    method: RepairMethod
    neurons: tuple[int, ...] = ()
    cues: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    mode: int | None = None
    base: int | None = None
    priority: ClassVar[int] = 3
    label: ClassVar[str] = "repairing"


@dataclass(frozen=True)
class PreviewRepair(Job[RepairPreview]):
    """Tell what `RepairHead` of the same arguments would give now, without its controls, and keep nothing.

    The parts, the tags and the judged images are the repair's own, so `before`, `after`, `fixed` and `broken`
    are the numbers that it will show; ask again after a tag. With `ridge` it takes a moment once every split
    is evaluated and compared for copies; what is missing of that is done first, as for the repair. `cues` and
    `columns` are those to be told of (None: those that are not left out), `neurons` matter to `paper` and
    `random` alone.
    """

    target: int
    method: RepairMethod = "ridge"
    neurons: tuple[int, ...] = ()
    cues: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    mode: int | None = None
    base: int | None = None
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "previewing a repair"
    private: ClassVar[bool] = True


@dataclass(frozen=True)
class ExportRepair(Job[Repair]):
    """Accept a repair and write the full repaired state dict."""

    number: int
    priority: ClassVar[int] = 2
    label: ClassVar[str] = "exporting weights"
    in_order: ClassVar[bool] = True

    def key(self, config: RunConfig) -> str:
        """One for each repair."""
        return states.repair(self.number)


@dataclass(frozen=True)
class VerifyRepair(Job[Verification]):
    """Load an accepted repair's weights in a fresh process and compare its answers with the verdict's."""

    number: int
    priority: ClassVar[int] = 3
    label: ClassVar[str] = "verifying weights"

    def key(self, config: RunConfig) -> str:
        """One for each repair: what was found last."""
        return states.verification(self.number)


@dataclass(frozen=True)
class LookThrough(Job[RepairedLayer]):
    """List the judged images that a repair's layer or the one before it gets wrong, and its failure modes."""

    number: int
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "looking through the repaired layer"
    private: ClassVar[bool] = True


@dataclass(frozen=True)
class Prescribe(Job[Prescription]):
    """Write sampler weights for training by the groups of a repair; estimate what more images would bring."""

    number: int
    priority: ClassVar[int] = 3
    label: ClassVar[str] = "prescribing training data"

    def key(self, config: RunConfig) -> str:
        """One for each repair."""
        return states.prescription(self.number)


@dataclass(frozen=True)
class DiscardRepair(Job[int]):
    """Delete a repair; the answer is its number."""

    number: int
    priority: ClassVar[int] = 2
    label: ClassVar[str] = "discarding"
    in_order: ClassVar[bool] = True


@dataclass(frozen=True)
class WriteReport(Job[str]):
    """Write report.json, report.html, report.md and the csv files of `targets` (empty: every class debugged).

    The answer is the directory.
    """

    targets: tuple[int, ...] = ()
    priority: ClassVar[int] = 3
    label: ClassVar[str] = "writing the report"
