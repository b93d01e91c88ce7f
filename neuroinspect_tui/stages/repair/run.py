"""Repair the decision layer for one class: fit, choose, judge once, beside the controls."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ...config import RepairMethod
from ...results import Metrics, SplitUse
from ...tensors import Head, SplitFeatures, Tick, no_tick
from ..metrics import fixed_and_broken, mcnemar_p, predict
from .candidates import Candidate, Score
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
    tick: Tick = no_tick,
) -> RepairOutcome:
    """Repair the head for class `target` by `method` and judge it beside the controls.

    `splits` maps names to features (`plan.plan_parts` says which images play which part), `neurons` are the
    culprits, `excluded` rows of each split are marked as mislabelled, `tag_column` is the group column that
    tags made. The untouched head is a candidate: the result is never worse than it on the choosing part.
    Raises InputError when the method lacks groups, neurons or images.
    """
    plan = plan_parts(splits, debugged_split, excluded or {}, tag_column, seed)
    started = time.perf_counter()
    method, why = _resolve(method, plan, head, target, neurons, seed, tick)
    task = task_for(method, plan, head, target, neurons, seed, tick)
    chosen = _or_untouched(task, *fit(method, task))
    seconds = time.perf_counter() - started
    heads = {"before": head, "after": chosen.head, **_controls(method, task)}
    judged = {
        name: Judged.of(plan.judge, predict(one, plan.judge.features), target, class_names)
        for name, one in heads.items()
    }
    before, after = judged.pop("before"), judged.pop("after")
    verdict, reason = pass_verdict(plan.judge, target, before, after, judged)
    if chosen.head is head:
        reason = f"on the choosing part nothing beat the untouched head, which is kept; {reason}"
    fixed, broken = fixed_and_broken(plan.judge.labels, before.predicted, after.predicted)
    return RepairOutcome(
        head=chosen.head,
        method=method,
        parameters={**chosen.parameters, **({"groups": plan.column} if plan.column else {})},
        before=before.metrics,
        after=after.metrics,
        controls={name: control.metrics for name, control in judged.items()},
        fixed=fixed,
        broken=broken,
        mcnemar_p=mcnemar_p(fixed, broken),
        verdict=verdict,
        reason="; ".join(filter(None, [why, reason])),
        splits=plan.uses,
        neurons=tuple(neurons),
        seconds=seconds,
    )


def _resolve(
    method: RepairMethod,
    plan: Plan,
    head: Head,
    target: int,
    neurons: Sequence[int],
    seed: int,
    tick: Tick,
) -> tuple[RepairMethod, str]:
    """Return the method that `auto` stands for, and why; any other method is itself."""
    if method != "auto":
        return method, ""
    if plan.column is not None:
        return "ridge", f"auto: ridge, because {plan.column!r} makes groups"
    tried: dict[RepairMethod, Score] = {}
    for name in (*LABEL_FREE, *(("paper",) if neurons else ())):
        tried[name] = fit(name, task_for(name, plan, head, target, neurons, seed, tick))[1]
    best = max(tried, key=tried.__getitem__)
    scores = ", ".join(f"{name} {100 * found.worst:.1f}" for name, found in tried.items())
    return best, f"auto: {best}, because without tags or groups it has the best worst class ({scores} %)"


def _or_untouched(task: Task, found: Candidate, score: Score) -> Candidate:
    """Return the candidate, or the untouched head where that does as well on the choosing part."""
    return found if score > task.score(task.head) else Candidate(task.head, {"kept": "untouched"})


def _controls(method: RepairMethod, task: Task) -> dict[str, Head]:
    """Return the controls, fitted on the same images and chosen in the same way as the method."""
    names: list[RepairMethod] = ["bias", "finetune", *(["random"] if method == "paper" else [])]  # type: ignore[list-item]
    return {str(name): fit(name, task)[0].head for name in names}
