"""What a face may ask of the worker: each job names the type of its answer and where a session keeps it.

Jobs are values: equal jobs are the same job, so asking twice runs once. Neurons and classes are indices.
`Job` alone stands for a job with any answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, get_args, get_origin

from typing_extensions import TypeVar as TypeVarWithDefault

from .config import RunConfig
from .repair_methods import RepairMethod
from .results import (
    Concept,
    Cue,
    CueOrigin,
    CulpritReport,
    Evaluation,
    Exemplar,
    FailureMode,
    Illusion,
    ImageNeighbours,
    Opened,
    Prescription,
    Repair,
    RepairedLayer,
    RepairPreview,
    ReviewItem,
    Sample,
    SplitDuplicates,
    StressResult,
    Verification,
    WhatIf,
    states,
)
from .results.culprit_lists import named
from .results.stored_cues import StoredCue

DEFAULT_CUE = "cue"

R = TypeVarWithDefault("R", covariant=True, default=object)
T = TypeVar("T")
Owner = TypeVar("Owner")
Out = TypeVar("Out")


class Load(Protocol):
    """`Session.load`: the value stored under a name, or None; raises InputError for a damaged one."""

    def __call__(self, name: str, kind: type[T], /) -> T | None:
        """Return the value of type `kind` stored under `name`."""


@dataclass(frozen=True)
class Job(Generic[R]):
    """Base of all jobs, `R` the type of the answer.

    The queue runs the lowest `priority` first, then the newest request. Jobs that change what the user has
    (`in_order`) run before others of their priority, the oldest first. A `private` answer is of use only to
    the face that asked: those that follow the session do not see it.
    """

    kinds: ClassVar[dict[str, type[Job]]] = {}
    priority: ClassVar[int] = 5
    label: ClassVar[str] = "working"
    in_order: ClassVar[bool] = False
    private: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        Job.kinds[cls.__name__] = cls

    @classmethod
    def result(cls) -> type[R]:
        """Return the type of the answer: what stands in the brackets of `class Kind(Job[...])`."""
        bases = cls.__orig_bases__  # type: ignore[attr-defined]
        kind: type[R] = next(get_args(base)[0] for base in bases if get_origin(base) is Job)
        return kind

    def key(self, config: RunConfig) -> str | None:
        """Return the name under which a session keeps the answer; None where it keeps none.

        Jobs whose answers are parts of one whole share a name: the value under it may hold more than was
        asked for.
        """
        return None

    def recall(self, config: RunConfig, load: Load) -> R | None:
        """Return the answer that a session knows, with what was found about it since, or None."""
        key = self.key(config)
        return None if key is None else load(key, self.result())

    # Tables of functions by job: a classmethod knows both the job's own type and that of its answer, so the
    # type checker sees whether a function fits; a plain dict could not say that the two belong together.

    @classmethod
    def handled_by(
        cls, handler: Callable[[Owner, Self, Out], R]
    ) -> tuple[type[Job], Callable[[Owner, Any, Out], object]]:
        """Return an entry for a table of what does each job: `handler(owner, job, out)` gives the answer."""
        return cls, handler

    @classmethod
    def taken_by(
        cls, taker: Callable[[Owner, Self, R], Out]
    ) -> tuple[type[Job], Callable[[Owner, Any, Any], Out]]:
        """Return an entry for a table of what is done with each answer by `taker(owner, job, answer)`."""
        return cls, taker


@dataclass(frozen=True)
class Open(Job[Opened]):
    """Load the classifier and the data set."""

    priority: ClassVar[int] = 0
    label: ClassVar[str] = "loading"

    def key(self, config: RunConfig) -> str:
        """One for each session."""
        return "opened"


@dataclass(frozen=True)
class Evaluate(Job[Evaluation]):
    """Evaluate a split (None: the debugged one); partial answers are sent on the way."""

    split: str | None = None
    priority: ClassVar[int] = 2
    label: ClassVar[str] = "evaluating"

    def key(self, config: RunConfig) -> str:
        """One for each split."""
        return f"evaluation/{states.settings(self.split or config.data.split)}"


# Stage 1 and 2: what is wrong with a class, and what its neurons have learned


@dataclass(frozen=True)
class FindDuplicates(Job[tuple[SplitDuplicates, ...]]):
    """Find images that stand in two of the evaluated splits, recompressed, resized or mirrored too."""

    priority: ClassVar[int] = 3
    label: ClassVar[str] = "looking for copies between splits"

    def key(self, config: RunConfig) -> str:
        """One for each session."""
        return "duplicates"


@dataclass(frozen=True)
class FindFailureModes(Job[tuple[FailureMode, ...]]):
    """Group the mistakes of all classes by their cause, from the features alone; most mistakes first.

    There are at most `k` (None: as configured).
    """

    k: int | None = None
    priority: ClassVar[int] = 2
    label: ClassVar[str] = "finding failure modes"

    def key(self, config: RunConfig) -> str:
        """One for each number of modes and seed."""
        return states.failure_modes(config, self.k)

    def recall(self, config: RunConfig, load: Load) -> tuple[FailureMode, ...] | None:
        """Return the modes with the evidence that was found since they were stored."""
        return ExamineFailureModes(self.k).recall(config, load) or super().recall(config, load)


@dataclass(frozen=True)
class ExamineFailureModes(Job[tuple[FailureMode, ...]]):
    """Test each failure mode in the pictures: cover its region, name it, look at image statistics."""

    k: int | None = None
    priority: ClassVar[int] = 3
    label: ClassVar[str] = "testing failure modes"

    def key(self, config: RunConfig) -> str:
        """One for each number of modes, seed and CLIP guide."""
        debug = config.debug
        return f"{states.failure_modes(config, self.k)}-{states.settings(debug.clip, debug.vocabulary)}"


@dataclass(frozen=True)
class RunStress(Job[StressResult]):
    """Change images in ways that should not matter and see which classes each change pulls them towards."""

    priority: ClassVar[int] = 4
    label: ClassVar[str] = "running the stress battery"

    def key(self, config: RunConfig) -> str:
        """One for each split and the failure modes whose regions are put in."""
        return f"stress/{states.settings(config.data.split, config.debug.modes, config.compute.seed)}"


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


# Images


@dataclass(frozen=True)
class ListSamples(Job[tuple[Sample, ...]]):
    """List images of a class in the debugged split; `predicted` keeps those predicted as that class."""

    target: int
    predicted: int | None = None
    only_mistakes: bool = True
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "listing images"
    private: ClassVar[bool] = True


@dataclass(frozen=True)
class FindNeighbours(Job[ImageNeighbours]):
    """Find the images nearest to one in feature space: right ones of its class, and the labels of others."""

    split: str
    row: int
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "finding similar images"
    private: ClassVar[bool] = True


@dataclass(frozen=True)
class MakeThumbnails(Job[dict[int, str]]):
    """Write small pictures: row of the split to a PNG path relative to the session, "" if it has gone."""

    split: str
    rows: tuple[int, ...]
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "reading images"
    private: ClassVar[bool] = True


# Cues and tags


class _Cues:
    """What jobs have in common that answer with all cues."""

    def key(self, config: RunConfig) -> str:
        """One for all cues."""
        return states.CUES

    def recall(self, config: RunConfig, load: Load) -> tuple[Cue, ...] | None:
        """Return the cues as they are now."""
        stored = load(states.CUES, tuple[StoredCue, ...])
        return None if stored is None else tuple(cue.shown() for cue in stored)


@dataclass(frozen=True)
class OrderReview(Job[tuple[ReviewItem, ...]]):
    """Propose images to tag next for a cue, of `split` (None: the debugged one, and rare ones of `train`)."""

    target: int
    neurons: tuple[int, ...]
    limit: int = 80
    cue: str = DEFAULT_CUE
    split: str | None = None
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "ordering images"
    private: ClassVar[bool] = True


@dataclass(frozen=True)
class SetTag(Job[Cue]):
    """Tag an image by hand for a cue: "has", "not", "mislabelled", or "" to remove its tag."""

    split: str
    row: int
    tag: str
    cue: str = DEFAULT_CUE
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "tagging"
    in_order: ClassVar[bool] = True

    def key(self, config: RunConfig) -> str:
        """One for all cues."""
        return states.CUES

    def recall(self, config: RunConfig, load: Load) -> Cue | None:
        """Return the cue as it is now, if there is still one of that name."""
        return next((cue for cue in ListCues().recall(config, load) or () if cue.name == self.cue), None)


@dataclass(frozen=True)
class ListCues(_Cues, Job[tuple[Cue, ...]]):
    """List the cues, in the order in which they were made."""

    priority: ClassVar[int] = 1
    label: ClassVar[str] = "listing cues"


@dataclass(frozen=True)
class AddCue(_Cues, Job[tuple[Cue, ...]]):
    """Make a cue, from the failure mode, neuron or column `source` where it comes from one."""

    name: str
    origin: CueOrigin = "hand"
    source: str = ""
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "adding a cue"
    in_order: ClassVar[bool] = True


@dataclass(frozen=True)
class RenameCue(_Cues, Job[tuple[Cue, ...]]):
    """Give a cue another name."""

    name: str
    new: str
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "renaming a cue"
    in_order: ClassVar[bool] = True


@dataclass(frozen=True)
class MergeCues(_Cues, Job[tuple[Cue, ...]]):
    """Add the tags of the cue `name` to those of `into`, whose own win, and remove the first."""

    name: str
    into: str
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "merging cues"
    in_order: ClassVar[bool] = True


@dataclass(frozen=True)
class ClearCue(_Cues, Job[tuple[Cue, ...]]):
    """Remove all tags of a cue, and with `forget` the cue itself."""

    name: str
    forget: bool = False
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "clearing a cue"
    in_order: ClassVar[bool] = True


@dataclass(frozen=True)
class LeaveOutCue(_Cues, Job[tuple[Cue, ...]]):
    """Let repairs do without a cue, or use it again."""

    name: str
    left_out: bool = True
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "leaving out a cue"
    in_order: ClassVar[bool] = True


# Stage 3 and the report


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
