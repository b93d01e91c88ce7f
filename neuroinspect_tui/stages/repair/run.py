"""Repair the decision layer for one class: fit, choose, judge once, beside the controls."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...repair_methods import RepairMethod
from ...results import Metrics, SplitUse
from ...tensors import NO_MEMORY, Head, Memory, OnProgress, SplitFeatures, no_progress
from ..metrics import fixed_and_broken, mcnemar_p, predict
from .candidates import Candidate
from .methods import LABEL_FREE, Task, fit, task_for
from .plan import Plan, plan_parts
from .verdict import Judged, pass_verdict


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
    verdict: str
    reason: str
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
    heads = {"before": head, "after": found.candidate.head, **_controls(found.method, found.task)}
    judged = {
        name: Judged.of(plan.judge, _predictions(one, head, plan.judge, on_progress), target, class_names)
        for name, one in heads.items()
    }
    return _outcome(plan, found, judged, tuple(neurons), class_names)


def _predictions(one: Head, untouched: Head, judge: SplitFeatures, on_progress: OnProgress) -> Tensor:
    """Return [N]: of the untouched head what the model itself predicted, before its features were rounded."""
    return judge.predicted if one is untouched else predict(one, judge.features, on_progress)


def _outcome(
    plan: Plan,
    found: Proposal,
    judged: dict[str, Judged],
    neurons: tuple[int, ...],
    class_names: Sequence[str],
) -> RepairOutcome:
    """Put the proposal, its verdict and the numbers of every head together."""
    before, after = judged.pop("before"), judged.pop("after")
    verdict, reason = pass_verdict(plan.judge, found.task.target, before, after, judged, class_names)
    fixed, broken = fixed_and_broken(plan.judge.labels, before.predicted, after.predicted)
    return RepairOutcome(
        head=found.candidate.head,
        method=found.method,
        parameters=found.candidate.parameters | ({"groups": plan.column} if plan.column else {}),
        before=before.metrics,
        after=after.metrics,
        controls={name: control.metrics for name, control in judged.items()},
        fixed=fixed,
        broken=broken,
        mcnemar_p=mcnemar_p(fixed, broken),
        verdict=verdict,
        reason="; ".join(filter(None, [found.why, reason])),
        splits=plan.uses,
        neurons=neurons,
        seconds=found.seconds,
        unchanged=found.unchanged,
    )


@dataclass(frozen=True)
class Proposal:
    """The head that a method proposes for its task, before it is judged; `why` explains an `auto` choice.

    `unchanged` says that it is the untouched head, because nothing beat it on the choosing part.
    """

    method: RepairMethod
    candidate: Candidate
    task: Task
    why: str
    seconds: float
    unchanged: bool


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
    methods, why = [method], ""
    if method == "auto" and plan.column is not None:
        methods, why = ["ridge"], f"auto took ridge, weighted by the groups of “{plan.column}”"
    elif method == "auto":
        methods = [*LABEL_FREE, "paper"] if neurons else [*LABEL_FREE]
    given = (plan, head, target, neurons, seed, on_progress, memory, device)
    tasks = {name: task_for(name, *given) for name in methods}
    found = {name: fit(name, task) for name, task in tasks.items()}
    best = max(methods, key=lambda name: found[name][1])
    if len(methods) > 1:
        scores = ", ".join(f"{name} {100 * score.worst:.1f}" for name, (_, score) in found.items())
        why = f"auto took {best}: without tags or groups it has the best worst class ({scores} %)"
    candidate, score = found[best]
    unchanged = not score > tasks[best].score(head)
    if unchanged:
        candidate = Candidate(head, {"kept": "untouched"})
        why = f"{why}; " * bool(why) + "on the choosing part nothing beat the untouched head, which is kept"
    return Proposal(best, candidate, tasks[best], why, time.perf_counter() - started, unchanged)


def _controls(method: RepairMethod, task: Task) -> dict[str, Head]:
    """Return the controls, fitted on the same images and chosen in the same way as the method."""
    names: list[RepairMethod] = ["bias", "finetune"]
    if method == "paper":
        names.append("random")
    return {name: fit(name, task)[0].head for name in names}
