"""What the app knows: values only, no widgets."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from .. import jobs
from ..events import Failed, Preview, Progress
from ..jobs import Job
from ..results import (
    Concept,
    Cue,
    Culprit,
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
)

LOG_LENGTH = 2000
QUIET = (
    jobs.AskWhatIf, jobs.PreviewRepair, jobs.MakeThumbnails, jobs.ListSamples, jobs.SetTag, jobs.LookThrough,
    jobs.FindNeighbours,
)  # fmt: skip


@dataclass(frozen=True)
class LogLine:
    """A line of the log screen."""

    time: str
    level: str
    text: str
    detail: str = ""


@dataclass
class Knowledge:
    """The app's knowledge.

    Keys are (class, neuron) for pictures and concepts, cue, then (split, path) for tags, jobs for what is
    under way; `known` has the images that any list told of, by path.
    """

    root: Path = field(default_factory=Path)
    opened: Opened | None = None
    evaluation: Evaluation | None = None
    evaluation_final: bool = False
    evaluated: set[str] = field(default_factory=set)
    duplicates: tuple[SplitDuplicates, ...] = ()
    failure_modes: tuple[FailureMode, ...] | None = None
    modes_tested: bool = False
    stress: StressResult | None = None
    reports: dict[int, CulpritReport] = field(default_factory=dict)
    exemplars: dict[tuple[int, int], tuple[Exemplar, ...]] = field(default_factory=dict)
    illusions: dict[tuple[int, int], tuple[Illusion, ...]] = field(default_factory=dict)
    previews: dict[tuple[int, int], dict[int, Preview]] = field(default_factory=dict)
    concepts: dict[tuple[int, int], Concept] = field(default_factory=dict)
    samples: dict[jobs.ListSamples, tuple[Sample, ...]] = field(default_factory=dict)
    neighbours: dict[jobs.FindNeighbours, ImageNeighbours] = field(default_factory=dict)
    thumbnails: dict[tuple[str, int], str] = field(default_factory=dict)
    what_ifs: dict[jobs.AskWhatIf, WhatIf] = field(default_factory=dict)
    repair_previews: dict[jobs.PreviewRepair, RepairPreview] = field(default_factory=dict)
    known: dict[str, Sample] = field(default_factory=dict)
    reviews: dict[jobs.OrderReview, tuple[ReviewItem, ...]] = field(default_factory=dict)
    tagged: dict[str, dict[tuple[str, str], str]] = field(default_factory=dict)
    cues: dict[str, Cue] = field(default_factory=dict)
    repairs: dict[int, Repair] = field(default_factory=dict)
    prescriptions: dict[int, Prescription] = field(default_factory=dict)
    verifications: dict[int, Verification] = field(default_factory=dict)
    layers: dict[int, RepairedLayer] = field(default_factory=dict)
    through_repair: bool = False
    asked_repairs: dict[int, int] = field(default_factory=dict)
    found: tuple[Concept, ...] = ()
    report_directory: str = ""
    pending: dict[Job, None] = field(default_factory=dict)
    running: list[Job] = field(default_factory=list)
    progress: dict[Job, Progress] = field(default_factory=dict)
    failures: dict[Job, Failed] = field(default_factory=dict)
    stopping: Job | None = None
    elsewhere: str = ""
    log: deque[LogLine] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))

    def ask(self, job: Job) -> None:
        """Note that `job` was submitted."""
        self.pending[job] = None
        self.failures.pop(job, None)

    def waits_for(self, job: Job) -> bool:
        """Whether `job` was asked for and has not ended."""
        return job in self.pending

    @property
    def at_work(self) -> Job | None:
        """The job to show in the title line: the longest under way, not a quick one inside it."""
        slow = [job for job in self.running if not isinstance(job, QUIET)]
        return slow[-1] if slow else None

    @property
    def would_be_lost(self) -> list[Job]:
        """Long jobs under way or waiting, to name before quitting."""
        long = (jobs.Evaluate, jobs.Illustrate, jobs.RepairHead, jobs.ExportRepair, jobs.WriteReport)
        return [job for job in self.pending if isinstance(job, long)]

    @property
    def teaching_tags(self) -> int:
        """How many images are tagged by what they show; a mislabelled one says nothing of that."""
        tags = (tag for tagged in self.tagged.values() for tag in tagged.values())
        return sum(tag != "mislabelled" for tag in tags)

    def tag_of(self, sample: Sample) -> str:
        """What the user tagged an image with, `has` or, of several cues, `water has, sticker not`."""
        place = (sample.split, sample.path)
        given = [(cue, tagged[place]) for cue, tagged in self.tagged.items() if place in tagged]
        words = [f"{cue} {tag}" if len(self.tagged) > 1 else tag for cue, tag in given]
        return ", ".join(words) or sample.tag

    def tag(self, cue: str, sample: Sample) -> str:
        """What the user tagged an image with for one cue, or ""."""
        return self.tagged.get(cue, {}).get((sample.split, sample.path), "")

    def tag_count(self, cue: str) -> int:
        """How many images are tagged for a cue by what they show."""
        return sum(tag != "mislabelled" for tag in self.tagged.get(cue, {}).values())

    @property
    def class_names(self) -> Sequence[str]:
        """The class names, as far as known."""
        if self.opened is not None:
            return self.opened.classes
        return tuple(found.name for found in self.evaluation.classes) if self.evaluation else ()

    def mode(self, number: object) -> FailureMode | None:
        """The failure mode of this number."""
        return next((mode for mode in self.failure_modes or () if mode.id == number), None)

    def sample_at(self, path: str) -> Sample | None:
        """The image of a path, where any list told of it."""
        return self.known.get(path)

    def right_images(self, target: int) -> tuple[Sample, ...]:
        """Images of a class that are predicted right, as far as listed."""
        return self.samples.get(jobs.ListSamples(target, target, only_mistakes=False), ())

    def mistakes_of(self, target: int) -> tuple[Sample, ...]:
        """The mistakes of a class, the most confident first, as far as listed."""
        report = self.reports.get(target)
        found = self.samples.get(jobs.ListSamples(target), report.samples if report else ())
        return tuple(sorted(found, key=lambda sample: -sample.confidence))

    @property
    def accepted(self) -> Repair | None:
        """The repair that was accepted last."""
        return max((made for made in self.repairs.values() if made.accepted), key=_number, default=None)

    def wants(self, job: jobs.PreviewRepair) -> bool:
        """Whether the preview of a repair is neither known, under way, known to fail, nor long work."""
        known = job in self.repair_previews or job in self.failures
        return not (known or self.waits_for(job) or self.large_unevaluated)

    @property
    def large_unevaluated(self) -> dict[str, int]:
        """The sizes of the splits that a repair has to evaluate first, too long for a preview."""
        splits = self.opened.splits if self.opened else {}
        return {
            name: images
            for name, images in splits.items()
            if images > jobs.LARGEST_UNASKED and name not in self.evaluated
        }

    def all_evaluated(self) -> None:
        """Note that a repair has evaluated every split."""
        self.evaluated.update(self.opened.splits if self.opened else ())

    @property
    def modes_settled(self) -> bool:
        """Whether nothing more is found out about the failure modes: they are tested, none, or failed."""
        asked = (jobs.FindFailureModes(), jobs.ExamineFailureModes())
        return self.modes_tested or self.failure_modes == () or any(job in self.failures for job in asked)

    @property
    def seen_through(self) -> Repair | None:
        """The accepted repair through whose layer the main screen looks, None for the untouched layer."""
        return self.accepted if self.through_repair else None

    def toggle_layer(self) -> bool:
        """Look through the repair accepted last, or the untouched layer again; False where none is."""
        self.through_repair = self.accepted is not None and not self.through_repair
        return self.accepted is not None

    def note(self, text: str, level: str = "info", detail: str = "") -> None:
        """Write a line into the log."""
        self.log.append(LogLine(datetime.now().strftime("%H:%M:%S"), level, text, detail))

    def culprit(self, target: int, neuron: int) -> Culprit | None:
        """The row of `neuron` in the lists of a class."""
        report = self.reports.get(target)
        listed = (*report.insufficient, *report.excessive) if report else ()
        return next((culprit for culprit in listed if culprit.neuron == neuron), None)

    def culprit_neurons(self, target: int, each: int = 5) -> tuple[int, ...]:
        """The `each` first neurons of both lists of a class."""
        report = self.reports.get(target)
        if report is None:
            return ()
        return tuple(c.neuron for c in (*report.insufficient[:each], *report.excessive[:each]))

    def one_sided(self, target: int, neuron: int | None, count: int = 5) -> tuple[int, ...]:
        """The first `count` of the list that `neuron` is in, else of the first list that has any.

        What excites a neuron that is missing is not what excites one that pulls away.
        """
        report = self.reports.get(target)
        if report is None:
            return ()
        sides = [[culprit.neuron for culprit in side] for side in (report.insufficient, report.excessive)]
        return tuple(min(sides, key=lambda side: (neuron not in side, not side))[:count])

    def concepts_of(self, target: int) -> dict[int, Concept]:
        """The names found for a class, by neuron."""
        return {neuron: concept for (own, neuron), concept in self.concepts.items() if own == target}

    def label_of(self, target: int, neuron: int) -> str | None:
        """The name of a neuron, as found for the class or as its report has it."""
        concept, culprit = self.concepts.get((target, neuron)), self.culprit(target, neuron)
        return concept.label if concept else culprit.concept if culprit else None

    def repair_of(self, target: int) -> int | None:
        """The number of the repair of a class that was asked for last, else of its newest."""
        own = [number for number, made in self.repairs.items() if made.target.index == target]
        asked = self.asked_repairs.get(target)
        return asked if asked in own else max(own, default=None)

    def drop_previews(self, job: Job) -> None:
        """Forget the previews of the illusions that a job made."""
        if isinstance(job, jobs.Illustrate):
            for neuron in job.neurons:
                self.previews.pop((job.target, neuron), None)

    def debugged(self, found: Evaluation) -> bool:
        """Whether it is of the debugged split: a repair evaluates the others on its way."""
        return self.opened is None or found.split == self.opened.split


def _number(made: Repair) -> int:
    return made.number
