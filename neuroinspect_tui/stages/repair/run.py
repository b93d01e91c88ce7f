"""Repair the decision layer for one class: fit, choose, judge once, beside the controls."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from ...repair_methods import RepairMethod
from ...results import Choice, ClassChange, Metrics, Opponent, SplitUse, Verdict
from ...tensors import NO_MEMORY, Head, Memory, OnProgress, SplitFeatures, no_progress
from ..metrics import fixed_and_broken, mcnemar_p, predict
from .candidates import Candidate
from .methods import LABEL_FREE, Task, fit, task_for
from .plan import Plan, plan_parts
from .verdict import Judged, class_changes, pass_verdict


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
    splits: tuple[SplitUse, ...]
    neurons: tuple[int, ...]
    seconds: float
    unchanged: bool


def repair_class(
    splits: Mapping[str, SplitFeatures],
    head: Head,
    target: int,
    class_names: Sequence[str],
    method: RepairMethod,
    neurons: Sequence[int],
    excluded: Mapping[str, Tensor] | None = None,
    tag_column: str | None = None,
    debugged_split: str = "val",
    seed: int = 0,
    on_progress: OnProgress = no_progress,
    memory: Memory = NO_MEMORY,
    device: torch.device | None = None,
) -> RepairOutcome:
    """Repair the head for class `target` by `method` and judge it beside the controls.

    `splits` maps names to features (`plan.plan_parts` says which images play which part), `neurons` are the
    culprits, `excluded` rows of each split are marked as mislabelled, `tag_column` is the group column that
    tags made. The untouched head is a candidate: the result is never worse than it on the choosing part.
    Where `memory` has epochs of an interrupted run, training goes on from the last. Logistic fits run on
    `device` (training on batches of 32 is no faster there: docs/benchmarks.md).
    Raises InputError when the method lacks groups, neurons or images, or a neuron does not exist.
    """
    head.require(neurons)
    plan = plan_parts(splits, debugged_split, excluded or {}, tag_column, seed)
    found = propose(plan, head, target, method, neurons, seed, on_progress, memory, device)
    return _outcome(plan, found, head, tuple(neurons), class_names, on_progress)


def _predictions(one: Head, untouched: Head, judge: SplitFeatures, on_progress: OnProgress) -> Tensor:
    """Return [N]: of the untouched head what the model itself predicted, before its features were rounded."""
    return judge.predicted if one is untouched else predict(one, judge.features, on_progress)


def _outcome(
    plan: Plan,
    found: Proposal,
    head: Head,
    neurons: tuple[int, ...],
    names: Sequence[str],
    on_progress: OnProgress,
) -> RepairOutcome:
    """Put the proposal, its verdict and the numbers of every head together."""
    target = found.task.target

    def judged(one: Head) -> Judged:
        return Judged.of(plan.judge, _predictions(one, head, plan.judge, on_progress), target, names)

    before, after = judged(head), judged(found.candidate.head)
    controls = {name: judged(one) for name, one in _controls(found.method, found.task).items()}
    fixed, broken = fixed_and_broken(plan.judge.labels, before.predicted, after.predicted)
    return RepairOutcome(
        head=found.candidate.head,
        method=found.method,
        parameters=found.candidate.parameters | ({"groups": plan.column} if plan.column else {}),
        before=before.metrics,
        after=after.metrics,
        controls={name: control.metrics for name, control in controls.items()},
        fixed=fixed,
        broken=broken,
        mcnemar_p=mcnemar_p(fixed, broken),
        verdict=pass_verdict(plan.judge, target, before, after, controls, names),
        choice=found.choice,
        classes=class_changes(plan.judge, before.predicted, after.predicted, names),
        splits=plan.uses,
        neurons=neurons,
        seconds=found.seconds,
        unchanged=found.choice.kept,
    )


@dataclass(frozen=True)
class Proposal:
    """The head that a method proposes for its task, before it is judged, and how it was chosen."""

    method: RepairMethod
    candidate: Candidate
    task: Task
    choice: Choice
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
    `neurons`, of the best score.
    """
    started = time.perf_counter()
    methods, choice = [method], Choice("asked")
    if method == "auto" and plan.column is not None:
        methods, choice = ["ridge"], Choice("groups", plan.column)
    elif method == "auto":
        methods = [*LABEL_FREE, "paper"] if neurons else [*LABEL_FREE]
    given = (plan, head, target, neurons, seed, on_progress, memory, device)
    tasks = {name: task_for(name, *given) for name in methods}
    found = {name: fit(name, task) for name, task in tasks.items()}
    best = max(methods, key=lambda name: found[name][1])
    if len(methods) > 1:
        choice = Choice("best", scores={name: score.worst for name, (_, score) in found.items()})
    candidate, score = found[best]
    if not score > tasks[best].score(head):
        candidate, choice = Candidate(head, {"kept": "untouched"}), replace(choice, kept=True)
    return Proposal(best, candidate, tasks[best], choice, time.perf_counter() - started)


def _controls(method: RepairMethod, task: Task) -> dict[Opponent, Head]:
    """Return the controls, fitted on the same images and chosen in the same way as the method."""
    names: list[Literal["bias", "finetune", "random"]] = ["bias", "finetune"]
    if method == "paper":
        names.append("random")
    return {name: fit(name, task)[0].head for name in names}
