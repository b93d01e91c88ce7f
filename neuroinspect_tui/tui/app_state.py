"""All that the app knows, kept up to date by the worker's events: values only, no widgets.

`AppState.apply(event)` returns the topics that changed, so that each screen redraws what it shows of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from .. import jobs
from ..events import Elsewhere, Event, Failed, Finished, Note, Partial, Preview, Progress, Started, Stopped
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
from .protocol import SavedState

Topic = Literal[
    "opened", "evaluation", "modes", "culprits", "pictures", "preview", "samples", "thumbnails", "what-if",
    "review", "tags", "repairs", "layers", "exported", "verified", "progress", "log", "failure", "report",
    "found",
]  # fmt: skip
LOG_LENGTH = 2000
QUIET = (
    jobs.AskWhatIf, jobs.PreviewRepair, jobs.MakeThumbnails, jobs.ListSamples, jobs.SetTag, jobs.LookThrough,
)  # fmt: skip


@dataclass(frozen=True)
class LogLine:
    """A line of the log screen."""

    time: str
    level: str
    text: str
    detail: str = ""


@dataclass
class AppState:
    """The app's knowledge.

    Keys are (class, neuron) for pictures and concepts, cue, then (split, path) for tags, jobs for what is
    under way; `known` has the images that any list told of, by path.
    """

    root: Path = field(default_factory=Path)
    opened: Opened | None = None
    evaluation: Evaluation | None = None
    evaluation_final: bool = False
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

    @classmethod
    def of(cls, state: SavedState) -> AppState:
        """Return the state of an app that knows what the session knows."""
        app_state = cls(state.session_root)
        for answer in state.answers:
            app_state._take(answer)
        app_state.through_repair = False
        for cue in state.cues:
            app_state.cues[cue.name] = cue.shown()
            app_state.tagged[cue.name] = {
                (split, path): tag for split, tags in cue.tags.items() for path, tag in tags.items()
            }
        return app_state

    def ask(self, job: Job) -> None:
        """Note that `job` was submitted."""
        self.pending[job] = None
        self.failures.pop(job, None)

    def apply(self, event: Event) -> frozenset[Topic]:
        """Take in one event and say what changed."""
        match event:
            case Started():
                return self._started(event)
            case Progress():
                return self._progress(event)
            case Preview():
                return self._preview(event)
            case Partial():
                return self._partial(event)
            case Finished():
                return self._finished(event)
            case Stopped():
                return self._stopped(event)
            case Failed():
                return self._failed(event)
            case Note():
                return self._noted(event)
            case Elsewhere():
                return self._elsewhere(event)

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

    def _end(self, job: Job) -> None:
        self.pending.pop(job, None)
        self.progress.pop(job, None)
        if job in self.running:
            self.running.remove(job)
        if job == self.stopping:
            self.stopping = None

    def _started(self, event: Started) -> frozenset[Topic]:
        self.running.append(event.job)
        return frozenset({"progress"})

    def _progress(self, event: Progress) -> frozenset[Topic]:
        self.progress[event.job] = event
        return frozenset({"progress"})

    def _preview(self, event: Preview) -> frozenset[Topic]:
        target = event.job.target if isinstance(event.job, jobs.Illustrate) else -1
        self.previews.setdefault((target, event.neuron), {})[event.seed] = event
        return frozenset({"preview"})

    def _partial(self, event: Partial) -> frozenset[Topic]:
        if isinstance(event.value, Evaluation) and self._debugged(event.value):
            self.evaluation, self.evaluation_final = event.value, False
            return frozenset({"evaluation"})
        if isinstance(event.job, jobs.FindFailureModes | jobs.ExamineFailureModes) and isinstance(
            event.value, tuple
        ):
            self.failure_modes = event.value
            return frozenset({"modes"})
        return frozenset()

    def _finished(self, event: Finished) -> frozenset[Topic]:
        self._end(event.job)
        self.failures.pop(event.job, None)
        ended: frozenset[Topic] = frozenset({"progress"})
        if not isinstance(event.job, QUIET):
            self.note(f"{event.job.label}: done")
            ended = frozenset({"progress", "log"})
        return self._take(event) | ended

    def _stopped(self, event: Stopped) -> frozenset[Topic]:
        self._end(event.job)
        self._drop_previews(event.job)
        self.note(f"{event.job.label}: stopped")
        return frozenset({"progress", "log", "pictures"})

    def _failed(self, event: Failed) -> frozenset[Topic]:
        self._end(event.job)
        self._drop_previews(event.job)
        self.failures[event.job] = event
        self.note(f"{event.job.label}: {event.line}", "error", event.detail)
        return frozenset({"progress", "log", "failure", "pictures"})

    def _noted(self, event: Note) -> frozenset[Topic]:
        self.note(event.text, event.level)
        return frozenset({"log"})

    def _elsewhere(self, event: Elsewhere) -> frozenset[Topic]:
        self.elsewhere = event.process
        return frozenset({"progress"})

    def _drop_previews(self, job: Job) -> None:
        if isinstance(job, jobs.Illustrate):
            for neuron in job.neurons:
                self.previews.pop((job.target, neuron), None)

    def _debugged(self, found: Evaluation) -> bool:
        """Whether it is of the debugged split: a repair evaluates the others on its way."""
        return self.opened is None or found.split == self.opened.split

    def _take(self, event: Finished) -> frozenset[Topic]:
        """Take in an answer, fresh or from a saved session."""
        return _TAKERS[type(event.job)](self, event.job, event.value)

    def _keep_opened(self, job: Job, value: Opened) -> frozenset[Topic]:
        self.opened = value
        said = {line.text for line in self.log}
        for text in value.notes:
            if text not in said:
                self.note(text)
        return frozenset({"opened", "log"})

    def _keep_evaluation(self, job: Job, value: Evaluation) -> frozenset[Topic]:
        if not self._debugged(value):
            return frozenset()
        self.evaluation, self.evaluation_final = value, True
        return frozenset({"evaluation"})

    def _keep_duplicates(
        self, job: jobs.FindDuplicates, value: tuple[SplitDuplicates, ...]
    ) -> frozenset[Topic]:
        self.duplicates = value
        return frozenset({"modes"})

    def _keep_failure_modes(
        self, job: jobs.FindFailureModes | jobs.ExamineFailureModes, value: tuple[FailureMode, ...]
    ) -> frozenset[Topic]:
        self.failure_modes = value
        self.modes_tested = self.modes_tested or isinstance(job, jobs.ExamineFailureModes)
        return frozenset({"modes"})

    def _keep_stress(self, job: jobs.RunStress, value: StressResult) -> frozenset[Topic]:
        self.stress = value
        return frozenset({"modes"})

    def _keep_report(self, job: jobs.FindCulprits, value: CulpritReport) -> frozenset[Topic]:
        self.reports[job.target] = value
        self._know(value.samples)
        return frozenset({"culprits"})

    def _know(self, samples: Iterable[Sample]) -> None:
        self.known.update({sample.path: sample for sample in samples})

    def _keep_exemplars(self, job: jobs.FindExemplars, value: tuple[Exemplar, ...]) -> frozenset[Topic]:
        self.exemplars[job.target, job.neuron] = value
        return frozenset({"pictures"})

    def _keep_illusions(self, job: jobs.Illustrate, value: tuple[Illusion, ...]) -> frozenset[Topic]:
        self._drop_previews(job)
        for neuron in {*job.neurons, *(illusion.neuron for illusion in value)}:
            self.illusions[job.target, neuron] = tuple(i for i in value if i.neuron == neuron)
        return frozenset({"pictures"})

    def _keep_concepts(self, job: jobs.NameNeurons, value: tuple[Concept, ...]) -> frozenset[Topic]:
        self.concepts.update({(job.target, concept.neuron): concept for concept in value})
        return frozenset({"culprits", "pictures"})

    def _keep_samples(self, job: jobs.ListSamples, value: tuple[Sample, ...]) -> frozenset[Topic]:
        self.samples[job] = value
        self._know(value)
        return frozenset({"samples"})

    def _keep_thumbnails(self, job: jobs.MakeThumbnails, value: dict[int, str]) -> frozenset[Topic]:
        self.thumbnails.update({(job.split, row): path for row, path in value.items()})
        return frozenset({"thumbnails"})

    def _keep_what_if(self, job: jobs.AskWhatIf, value: WhatIf) -> frozenset[Topic]:
        self.what_ifs[job] = value
        return frozenset({"what-if"})

    def _keep_repair_preview(self, job: jobs.PreviewRepair, value: RepairPreview) -> frozenset[Topic]:
        self.repair_previews[job] = value
        return frozenset({"what-if"})

    def _keep_review(self, job: jobs.OrderReview, value: tuple[ReviewItem, ...]) -> frozenset[Topic]:
        self.reviews[job] = value
        self._know(item.sample for item in value)
        return frozenset({"review"})

    def _keep_tag(self, job: jobs.SetTag, value: Cue) -> frozenset[Topic]:
        self.cues[value.name] = value
        self.repair_previews.clear()
        return frozenset({"tags"})

    def _keep_cues(self, job: Job, value: tuple[Cue, ...]) -> frozenset[Topic]:
        self.cues = {cue.name: cue for cue in value}
        self.repair_previews.clear()
        return frozenset({"tags"})

    def _keep_renamed(self, job: jobs.RenameCue, value: tuple[Cue, ...]) -> frozenset[Topic]:
        self.tagged[job.new] = self.tagged.pop(job.name, {})
        return self._keep_cues(job, value)

    def _keep_merged(self, job: jobs.MergeCues, value: tuple[Cue, ...]) -> frozenset[Topic]:
        self.tagged[job.into] = self.tagged.pop(job.name, {}) | self.tagged.get(job.into, {})
        return self._keep_cues(job, value)

    def _keep_cleared(self, job: jobs.ClearCue, value: tuple[Cue, ...]) -> frozenset[Topic]:
        self.tagged.pop(job.name, None)
        return self._keep_cues(job, value)

    def _keep_repair(self, job: Job, value: Repair) -> frozenset[Topic]:
        self.repairs[value.number] = value
        self.asked_repairs[value.target.index] = value.number
        topic: Topic = "repairs"
        if isinstance(job, jobs.ExportRepair):
            topic, self.through_repair = "exported", True
        return frozenset({"repairs", topic})

    def _keep_verification(self, job: jobs.VerifyRepair, value: Verification) -> frozenset[Topic]:
        self.verifications[job.number] = value
        return frozenset({"repairs", "verified"})

    def _keep_layer(self, job: jobs.LookThrough, value: RepairedLayer) -> frozenset[Topic]:
        self.layers[job.number] = value
        return frozenset({"layers"})

    def _keep_prescription(self, job: jobs.Prescribe, value: Prescription) -> frozenset[Topic]:
        self.prescriptions[job.number] = value
        return frozenset({"repairs"})

    def _drop_repair(self, job: Job, value: int) -> frozenset[Topic]:
        self.repairs.pop(value, None)
        self.verifications.pop(value, None)
        self.layers.pop(value, None)
        self.prescriptions.pop(value, None)
        return frozenset({"repairs"})

    def _keep_found(self, job: Job, value: tuple[Concept, ...]) -> frozenset[Topic]:
        self.found = value
        return frozenset({"found"})

    def _keep_directory(self, job: Job, value: str) -> frozenset[Topic]:
        self.report_directory = value
        return frozenset({"report"})


def _number(made: Repair) -> int:
    return made.number


_TAKERS: dict[type[Job], Callable[[AppState, Any, Any], frozenset[Topic]]] = dict(
    (
        jobs.Open.taken_by(AppState._keep_opened),
        jobs.Evaluate.taken_by(AppState._keep_evaluation),
        jobs.FindDuplicates.taken_by(AppState._keep_duplicates),
        jobs.FindFailureModes.taken_by(AppState._keep_failure_modes),
        jobs.ExamineFailureModes.taken_by(AppState._keep_failure_modes),
        jobs.RunStress.taken_by(AppState._keep_stress),
        jobs.FindCulprits.taken_by(AppState._keep_report),
        jobs.FindExemplars.taken_by(AppState._keep_exemplars),
        jobs.Illustrate.taken_by(AppState._keep_illusions),
        jobs.NameNeurons.taken_by(AppState._keep_concepts),
        jobs.ListSamples.taken_by(AppState._keep_samples),
        jobs.MakeThumbnails.taken_by(AppState._keep_thumbnails),
        jobs.AskWhatIf.taken_by(AppState._keep_what_if),
        jobs.OrderReview.taken_by(AppState._keep_review),
        jobs.SetTag.taken_by(AppState._keep_tag),
        jobs.ListCues.taken_by(AppState._keep_cues),
        jobs.AddCue.taken_by(AppState._keep_cues),
        jobs.RenameCue.taken_by(AppState._keep_renamed),
        jobs.MergeCues.taken_by(AppState._keep_merged),
        jobs.ClearCue.taken_by(AppState._keep_cleared),
        jobs.LeaveOutCue.taken_by(AppState._keep_cues),
        jobs.PreviewRepair.taken_by(AppState._keep_repair_preview),
        jobs.RepairHead.taken_by(AppState._keep_repair),
        jobs.ExportRepair.taken_by(AppState._keep_repair),
        jobs.Prescribe.taken_by(AppState._keep_prescription),
        jobs.LookThrough.taken_by(AppState._keep_layer),
        jobs.VerifyRepair.taken_by(AppState._keep_verification),
        jobs.DiscardRepair.taken_by(AppState._drop_repair),
        jobs.SearchNeurons.taken_by(AppState._keep_found),
        jobs.WriteReport.taken_by(AppState._keep_directory),
    )
)
"""What is done with each answer; `Job.taken_by` has checked that the method takes the job and its answer."""
