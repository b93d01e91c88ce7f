"""Repair the decision layer for one class: fit, choose, judge once, beside the controls."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ...repair_methods import RepairMethod
from ...results import (
    Choice,
    ClassChange,
    ClassRef,
    CueGap,
    JudgedImages,
    Metrics,
    Opponent,
    RepairPreview,
    SplitUse,
    Verdict,
)
from ...significance import SIGNIFICANT, mcnemar_p
from ...tensors import NO_MEMORY, Head, Memory, OnProgress, SplitFeatures, no_progress
from ..estimates import Evidence, with_estimate
from ..metrics import fixed_and_broken, predict
from .candidates import Candidate
from .controls import controls, without_tags
from .gaps import cue_gaps
from .leace import has_groups
from .methods import GROUPED, LABEL_FREE, Task, candidates_of, fit, task_for
from .plan import Plan, plan_parts
from .rare_cells import choose_by_margins, has_rare_cells
from .verdict import CONTROLS, Judged, class_changes, compare_heads, pass_verdict


@dataclass(frozen=True)
class RepairOutcome:
    """A repaired head and what it is worth; `seconds` is the time to fit and choose it, without controls."""

    head: Head
    method: RepairMethod
    parameters: dict[str, float | int | str]
    before: Metrics
    after: Metrics
    controls: dict[str, Metrics]
    fixed: int
    broken: int
    mcnemar_p: float
    verdict: Verdict
    choice: Choice
    classes: tuple[ClassChange, ...]
    cues: tuple[str, ...]
    columns: tuple[str, ...]
    splits: tuple[SplitUse, ...]
    neurons: tuple[int, ...]
    seconds: float
    unchanged: bool
    judged: JudgedImages
    gaps: tuple[CueGap, ...]


@dataclass(frozen=True)
class GroupInfo:
    """What a repair knows of groups beside the manifest's columns.

    `columns` are those to weight by (None: the tags', else the worst), `tags` those that were made from tags
    and carried to all images, `evidence` the tagged images of each of those, `shuffled` the same splits with
    columns made from shuffled tags, one each draw; `excluded` rows of each split are marked as mislabelled,
    `unjudged` ones copies of images elsewhere.
    """

    columns: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    shuffled: Sequence[Mapping[str, SplitFeatures]] = ()
    excluded: Mapping[str, Tensor] = field(default_factory=dict)
    unjudged: Mapping[str, Tensor] = field(default_factory=dict)


NO_GROUPS = GroupInfo()


def repair_class(
    splits: Mapping[str, SplitFeatures],
    head: Head,
    target: int,
    class_names: Sequence[str],
    method: RepairMethod,
    neurons: Sequence[int],
    groups: GroupInfo = NO_GROUPS,
    debugged_split: str = "val",
    seed: int = 0,
    on_progress: OnProgress = no_progress,
    memory: Memory = NO_MEMORY,
    device: torch.device | None = None,
    mode: ModeAim | None = None,
) -> RepairOutcome:
    """Repair the head for class `target` by `method` and judge it beside the controls.

    `splits` maps names to features (`plan.plan_parts` says which images play which part), `neurons` are the
    culprits, `groups` what is known of groups, `mode` the failure mode that is the aim instead of the class.
    The untouched head is a candidate: the result is never worse than it on the choosing part. A method that
    weights by groups is fitted again without groups and with shuffled tags: only what it does better than
    those is owed to the tags. Where `memory` has epochs of an interrupted run, training goes on from the
    last. Logistic fits run on `device` (training on batches of 32 is no faster there: docs/benchmarks.md).
    Raises InputError when the method lacks groups, neurons or images, or a neuron does not exist.
    """
    head.require(neurons)
    plan = plan_parts(
        splits, debugged_split, groups.excluded, groups.tags, seed, groups.columns, groups.unjudged
    )
    given = (neurons, seed, on_progress, memory, device)
    found = propose(plan, head, target, method, *given)
    others = controls(found.method, found.task)
    images = None if mode is None else mode.images(plan.judge)
    aim = plan.judge.labels == target if images is None else images
    others |= without_tags(found.method, found.task, found.pool, splits, groups.shuffled, aim)
    measure = _Measure(plan, head, target, class_names, groups, on_progress)
    return _outcome(splits, found, measure, others, tuple(neurons), images)


def preview(
    splits: Mapping[str, SplitFeatures],
    head: Head,
    target: int,
    class_names: Sequence[str],
    method: RepairMethod = "ridge",
    neurons: Sequence[int] = (),
    groups: GroupInfo = NO_GROUPS,
    debugged_split: str = "val",
    seed: int = 0,
    on_progress: OnProgress = no_progress,
    device: torch.device | None = None,
    mode: ModeAim | None = None,
) -> RepairPreview:
    """Return the numbers that `repair_class` would give for the same arguments, without its controls."""
    head.require(neurons)
    plan = plan_parts(
        splits, debugged_split, groups.excluded, groups.tags, seed, groups.columns, groups.unjudged
    )
    found = propose(plan, head, target, method, neurons, seed, on_progress, device=device)
    judge, measure = plan.judge, _Measure(plan, head, target, class_names, groups, on_progress)
    before, after = measure.of(head), measure.of(found.candidate.head)
    fixed, broken = fixed_and_broken(judge.labels, before.predicted, after.predicted)
    images = None if mode is None else mode.images(judge)
    return RepairPreview(
        target=ClassRef(target, class_names[target]),
        method=found.method,
        before=before.metrics,
        after=after.metrics,
        fixed=fixed,
        broken=broken,
        comparisons=compare_heads(judge, target, before, after, {"untouched": before}, images),
        unchanged=found.choice.kept,
        cues=measure.cues,
    )


@dataclass(frozen=True)
class ModeAim:
    """A failure mode as the aim of a repair: images of `classes` whose score z·`direction` [D] is highest.

    `threshold` is the score from which on an image belongs to the mode.
    """

    direction: Tensor
    threshold: float
    classes: tuple[int, ...]

    def images(self, split: SplitFeatures) -> Tensor:
        """Return a mask [N] of the images of the mode."""
        own = torch.isin(split.labels, torch.tensor(self.classes, dtype=torch.int64))
        return own & (self.scores(split) >= self.threshold)

    def scores(self, split: SplitFeatures) -> Tensor:
        """Return z·d of every image, [N]."""
        scores = torch.zeros(len(split))
        for rows in torch.arange(len(split)).split(4096):
            scores[rows] = split.features[rows].float() @ self.direction
        return scores


@dataclass(frozen=True)
class _Measure:
    """Measures heads on the images that a repair is judged on, for the debugged class `target`.

    The `untouched` one is measured by what the model itself predicted.
    """

    plan: Plan
    untouched: Head
    target: int
    names: Sequence[str]
    groups: GroupInfo
    on_progress: OnProgress

    def of(self, head: Head) -> Judged:
        """Return the head's numbers; where a probe carried the tags of its worst group, with an estimate."""
        judge = self.plan.judge
        known = head is self.untouched
        predicted = judge.predicted if known else predict(head, judge.features, self.on_progress)
        found = Judged.of(judge, predicted, self.target, self.names)
        worst = found.metrics.worst_group
        if worst is None or not judge.groups[worst.column].estimated:
            return found
        evidence = self.groups.evidence.get(worst.column)
        worst = replace(worst, estimated=True)
        if evidence is not None:
            worst = with_estimate(worst, judge, predicted, head, evidence)
        return replace(found, metrics=replace(found.metrics, worst_group=worst))

    @property
    def cues(self) -> tuple[str, ...]:
        """The columns that the repair is weighted by and that were made from tags."""
        return tuple(name for name in self.plan.columns if name in self.groups.tags)


def _outcome(
    splits: Mapping[str, SplitFeatures],
    found: Proposal,
    measure: _Measure,
    others: Mapping[Opponent, Head],
    neurons: tuple[int, ...],
    mode: Tensor | None,
) -> RepairOutcome:
    """Put the proposal, its verdict and the numbers of every head together; `mode` [N] are its images."""
    plan, target, names = measure.plan, measure.target, measure.names
    judge, head = plan.judge, found.candidate.head
    before, after = measure.of(measure.untouched), measure.of(head)
    rivals = {name: measure.of(one) for name, one in others.items()}
    fixed, broken = fixed_and_broken(judge.labels, before.predicted, after.predicted)
    worst = before.metrics.worst_group
    estimated = worst is not None and worst.estimated
    weighted: dict[str, float | int | str] = {"groups": ", ".join(plan.columns)} if plan.columns else {}
    return RepairOutcome(
        head=head,
        method=found.method,
        parameters=found.candidate.parameters | weighted,
        before=before.metrics,
        after=after.metrics,
        controls={name: rival.metrics for name, rival in rivals.items() if name in CONTROLS},
        fixed=fixed,
        broken=broken,
        mcnemar_p=mcnemar_p(fixed, broken),
        verdict=pass_verdict(judge, target, before, after, rivals, names, estimated, mode),
        choice=found.choice,
        classes=class_changes(judge, before.predicted, after.predicted, names),
        cues=measure.cues,
        columns=plan.columns,
        splits=plan.uses,
        neurons=neurons,
        seconds=found.seconds,
        unchanged=found.choice.kept,
        judged=judged_images(judge, before.predicted, after.predicted, names),
        gaps=cue_gaps(splits, plan, target, before.predicted, after.predicted),
    )


def judged_images(
    judge: SplitFeatures, untouched: Tensor, repaired: Tensor, names: Sequence[str]
) -> JudgedImages:
    """Return the judged images as plain values, with the predictions [N] of both heads."""
    columns = (judge.rows, judge.labels, untouched, repaired)
    rows, labels, before, after = (tuple(column.tolist()) for column in columns)
    return JudgedImages(judge.split, rows, tuple(judge.paths), labels, before, after, tuple(names))


@dataclass(frozen=True)
class Proposal:
    """The head that a method proposes for its task, before it is judged, and how it was chosen.

    `pool` are the methods that it was chosen from.
    """

    method: RepairMethod
    candidate: Candidate
    task: Task
    choice: Choice
    pool: tuple[RepairMethod, ...]
    seconds: float


def propose(
    plan: Plan,
    head: Head,
    target: int,
    method: RepairMethod,
    neurons: Sequence[int],
    seed: int = 0,
    on_progress: OnProgress = no_progress,
    memory: Memory = NO_MEMORY,
    device: torch.device | None = None,
) -> Proposal:
    """Fit the method and choose its best head, or the untouched one where none does better on `plan.choose`.

    `auto` is ridge where there are groups; otherwise the label-free method, or the paper's edit if there are
    `neurons`, of the best score, if it does better beyond chance: a class's rate on a few images of a skewed
    split says little of its rare groups.
    """
    started = time.perf_counter()
    if plan.columns and method in ("auto", *GROUPED) and has_rare_cells(plan):
        return _propose_rare(plan, head, target, method, seed, on_progress, device)
    methods, choice = [method], Choice("asked")
    if method == "auto" and plan.columns:
        methods, choice = ["ridge"], Choice("groups", ", ".join(plan.columns))
    elif method == "auto":
        methods = [*LABEL_FREE, "paper"] if neurons else [*LABEL_FREE]
    given = (plan, head, target, neurons, seed, on_progress, memory, device)
    tasks = {name: task_for(name, *given) for name in methods}
    found = {name: fit(name, task) for name, task in tasks.items()}
    best = max(methods, key=lambda name: found[name][1])
    if len(methods) > 1:
        choice = Choice("best", scores={name: score.worst for name, (_, score) in found.items()})
    candidate, score = found[best]
    doubtful = choice.rule == "best" and not _beyond_chance(plan, head, candidate.head)
    if doubtful or not score > tasks[best].score(head):
        candidate, choice = Candidate(head, {"kept": "untouched"}), replace(choice, kept=True)
    seconds = time.perf_counter() - started
    return Proposal(best, candidate, tasks[best], choice, tuple(methods), seconds)


def _beyond_chance(plan: Plan, head: Head, new: Head) -> bool:
    """Return whether chance would hardly make `new` as much better on the choosing part (exact McNemar)."""
    before, after = (plan.choose.predictions(one) for one in (head, new))
    fixed, broken = fixed_and_broken(plan.choose.labels, before, after)
    return fixed > broken and mcnemar_p(fixed, broken) < SIGNIFICANT


def _propose_rare(
    plan: Plan,
    head: Head,
    target: int,
    method: RepairMethod,
    seed: int,
    on_progress: OnProgress,
    device: torch.device | None,
) -> Proposal:
    """Choose by margins and flipped copies among the candidates of `rare_pool`."""
    started = time.perf_counter()
    pool = rare_pool(plan, head, target, method, seed, on_progress, device)
    best, scores = choose_by_margins(plan, head, [candidate for _, _, candidate in pool])
    kept = best.head is head
    place = scores.index(max(scores))
    rates: dict[str, float] = {}
    for (name, _, _), score in zip(pool, scores, strict=True):
        rates[name] = max(score, rates.get(name, 0.0))
    choice = Choice("rare", ", ".join(plan.columns), rates, kept)
    name, task, _ = pool[place]
    seconds = time.perf_counter() - started
    return Proposal(name, best, task, choice, tuple(dict.fromkeys(one for one, *_ in pool)), seconds)


def rare_pool(
    plan: Plan,
    head: Head,
    target: int,
    method: RepairMethod,
    seed: int = 0,
    on_progress: OnProgress = no_progress,
    device: torch.device | None = None,
) -> list[tuple[RepairMethod, Task, Candidate]]:
    """Return all candidates of `method`; of auto, those of every method that weights by groups."""
    pool: list[tuple[RepairMethod, Task, Candidate]] = []
    for name in GROUPED if method == "auto" else (method,):
        task = task_for(name, plan, head, target, (), seed, on_progress, device=device)
        if name != "leace" or method == "leace" or has_groups(task.examples):
            pool += [(name, task, candidate) for candidate in candidates_of(name, task)]
    return pool
