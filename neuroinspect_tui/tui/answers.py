"""What the app does with each answer: it is kept in the state, and the topics that changed are named."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from .. import jobs
from ..jobs import Job
from ..results import (
    Concept,
    Cue,
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
from .knowledge import Knowledge

Topic = Literal[
    "opened", "evaluation", "modes", "culprits", "pictures", "preview", "samples", "thumbnails", "what-if",
    "review", "tags", "repairs", "layers", "exported", "verified", "progress", "log", "failure", "report",
    "found",
]  # fmt: skip


def _keep_opened(state: Knowledge, job: Job, value: Opened) -> frozenset[Topic]:
    state.opened = value
    said = {line.text for line in state.log}
    for text in value.notes:
        if text not in said:
            state.note(text)
    return frozenset({"opened", "log"})


def _keep_evaluation(state: Knowledge, job: Job, value: Evaluation) -> frozenset[Topic]:
    state.evaluated.add(value.split)
    if not state.debugged(value):
        return frozenset()
    state.evaluation, state.evaluation_final = value, True
    return frozenset({"evaluation"})


def _keep_duplicates(
    state: Knowledge, job: jobs.FindDuplicates, value: tuple[SplitDuplicates, ...]
) -> frozenset[Topic]:
    state.duplicates = value
    return frozenset({"modes"})


def _keep_failure_modes(
    state: Knowledge, job: jobs.FindFailureModes | jobs.ExamineFailureModes, value: tuple[FailureMode, ...]
) -> frozenset[Topic]:
    state.failure_modes = value
    state.modes_tested = state.modes_tested or isinstance(job, jobs.ExamineFailureModes)
    return frozenset({"modes"})


def _keep_stress(state: Knowledge, job: jobs.RunStress, value: StressResult) -> frozenset[Topic]:
    state.stress = value
    return frozenset({"modes"})


def _keep_report(state: Knowledge, job: jobs.FindCulprits, value: CulpritReport) -> frozenset[Topic]:
    state.reports[job.target] = value
    _know(state, value.samples)
    return frozenset({"culprits"})


def _know(state: Knowledge, samples: Iterable[Sample]) -> None:
    state.known.update({sample.path: sample for sample in samples})


def _keep_exemplars(
    state: Knowledge, job: jobs.FindExemplars, value: tuple[Exemplar, ...]
) -> frozenset[Topic]:
    state.exemplars[job.target, job.neuron] = value
    return frozenset({"pictures"})


def _keep_illusions(state: Knowledge, job: jobs.Illustrate, value: tuple[Illusion, ...]) -> frozenset[Topic]:
    state.drop_previews(job)
    for neuron in {*job.neurons, *(illusion.neuron for illusion in value)}:
        state.illusions[job.target, neuron] = tuple(i for i in value if i.neuron == neuron)
    return frozenset({"pictures"})


def _keep_concepts(state: Knowledge, job: jobs.NameNeurons, value: tuple[Concept, ...]) -> frozenset[Topic]:
    state.concepts.update({(job.target, concept.neuron): concept for concept in value})
    return frozenset({"culprits", "pictures"})


def _keep_samples(state: Knowledge, job: jobs.ListSamples, value: tuple[Sample, ...]) -> frozenset[Topic]:
    state.samples[job] = value
    _know(state, value)
    return frozenset({"samples"})


def _keep_neighbours(state: Knowledge, job: jobs.FindNeighbours, value: ImageNeighbours) -> frozenset[Topic]:
    state.neighbours[job] = value
    _know(state, value.right)
    return frozenset({"samples"})


def _keep_thumbnails(state: Knowledge, job: jobs.MakeThumbnails, value: dict[int, str]) -> frozenset[Topic]:
    state.thumbnails.update({(job.split, row): path for row, path in value.items()})
    return frozenset({"thumbnails"})


def _keep_what_if(state: Knowledge, job: jobs.AskWhatIf, value: WhatIf) -> frozenset[Topic]:
    state.what_ifs[job] = value
    return frozenset({"what-if"})


def _keep_repair_preview(state: Knowledge, job: jobs.PreviewRepair, value: RepairPreview) -> frozenset[Topic]:
    state.repair_previews[job] = value
    state.all_evaluated()
    return frozenset({"what-if"})


def _keep_review(state: Knowledge, job: jobs.OrderReview, value: tuple[ReviewItem, ...]) -> frozenset[Topic]:
    state.reviews[job] = value
    _know(state, (item.sample for item in value))
    return frozenset({"review"})


def _keep_tag(state: Knowledge, job: jobs.SetTag, value: Cue) -> frozenset[Topic]:
    state.cues[value.name] = value
    state.repair_previews.clear()
    return frozenset({"tags"})


def _keep_cues(state: Knowledge, job: Job, value: tuple[Cue, ...]) -> frozenset[Topic]:
    state.cues = {cue.name: cue for cue in value}
    state.repair_previews.clear()
    return frozenset({"tags"})


def _keep_renamed(state: Knowledge, job: jobs.RenameCue, value: tuple[Cue, ...]) -> frozenset[Topic]:
    state.tagged[job.new] = state.tagged.pop(job.name, {})
    return _keep_cues(state, job, value)


def _keep_merged(state: Knowledge, job: jobs.MergeCues, value: tuple[Cue, ...]) -> frozenset[Topic]:
    state.tagged[job.into] = state.tagged.pop(job.name, {}) | state.tagged.get(job.into, {})
    return _keep_cues(state, job, value)


def _keep_cleared(state: Knowledge, job: jobs.ClearCue, value: tuple[Cue, ...]) -> frozenset[Topic]:
    state.tagged.pop(job.name, None)
    return _keep_cues(state, job, value)


def _keep_repair(state: Knowledge, job: Job, value: Repair) -> frozenset[Topic]:
    state.repairs[value.number] = value
    state.all_evaluated()
    state.asked_repairs[value.target.index] = value.number
    topic: Topic = "repairs"
    if isinstance(job, jobs.ExportRepair):
        topic, state.through_repair = "exported", True
    return frozenset({"repairs", topic})


def _keep_verification(state: Knowledge, job: jobs.VerifyRepair, value: Verification) -> frozenset[Topic]:
    state.verifications[job.number] = value
    return frozenset({"repairs", "verified"})


def _keep_layer(state: Knowledge, job: jobs.LookThrough, value: RepairedLayer) -> frozenset[Topic]:
    state.layers[job.number] = value
    return frozenset({"layers"})


def _keep_prescription(state: Knowledge, job: jobs.Prescribe, value: Prescription) -> frozenset[Topic]:
    state.prescriptions[job.number] = value
    return frozenset({"repairs"})


def _drop_repair(state: Knowledge, job: Job, value: int) -> frozenset[Topic]:
    state.repairs.pop(value, None)
    state.verifications.pop(value, None)
    state.layers.pop(value, None)
    state.prescriptions.pop(value, None)
    return frozenset({"repairs"})


def _keep_found(state: Knowledge, job: Job, value: tuple[Concept, ...]) -> frozenset[Topic]:
    state.found = value
    return frozenset({"found"})


def _keep_directory(state: Knowledge, job: Job, value: str) -> frozenset[Topic]:
    state.report_directory = value
    return frozenset({"report"})


TAKERS: dict[type[Job], Callable[[Knowledge, Any, Any], frozenset[Topic]]] = dict(
    (
        jobs.Open.taken_by(_keep_opened),
        jobs.Evaluate.taken_by(_keep_evaluation),
        jobs.FindDuplicates.taken_by(_keep_duplicates),
        jobs.FindFailureModes.taken_by(_keep_failure_modes),
        jobs.ExamineFailureModes.taken_by(_keep_failure_modes),
        jobs.RunStress.taken_by(_keep_stress),
        jobs.FindCulprits.taken_by(_keep_report),
        jobs.FindExemplars.taken_by(_keep_exemplars),
        jobs.Illustrate.taken_by(_keep_illusions),
        jobs.NameNeurons.taken_by(_keep_concepts),
        jobs.ListSamples.taken_by(_keep_samples),
        jobs.FindNeighbours.taken_by(_keep_neighbours),
        jobs.MakeThumbnails.taken_by(_keep_thumbnails),
        jobs.AskWhatIf.taken_by(_keep_what_if),
        jobs.OrderReview.taken_by(_keep_review),
        jobs.SetTag.taken_by(_keep_tag),
        jobs.ListCues.taken_by(_keep_cues),
        jobs.AddCue.taken_by(_keep_cues),
        jobs.RenameCue.taken_by(_keep_renamed),
        jobs.MergeCues.taken_by(_keep_merged),
        jobs.ClearCue.taken_by(_keep_cleared),
        jobs.LeaveOutCue.taken_by(_keep_cues),
        jobs.PreviewRepair.taken_by(_keep_repair_preview),
        jobs.RepairHead.taken_by(_keep_repair),
        jobs.ExportRepair.taken_by(_keep_repair),
        jobs.Prescribe.taken_by(_keep_prescription),
        jobs.LookThrough.taken_by(_keep_layer),
        jobs.VerifyRepair.taken_by(_keep_verification),
        jobs.DiscardRepair.taken_by(_drop_repair),
        jobs.SearchNeurons.taken_by(_keep_found),
        jobs.WriteReport.taken_by(_keep_directory),
    )
)
"""What is done with each answer; `Job.taken_by` has checked that the method takes the job and its answer."""
