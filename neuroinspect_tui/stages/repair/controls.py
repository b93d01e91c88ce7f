"""What a repair is compared with: heads fitted on the same images by less, or knowing less of them.

A control is the best that its method proposes; whether that beats the untouched layer is not asked, for the
untouched layer is compared with anyway. Otherwise a control that keeps it would make any tags look useful.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor

from ...errors import InputError
from ...repair_methods import RepairMethod
from ...results import Opponent
from ...tensors import NO_MEMORY, Head, SplitFeatures
from ..metrics import predict
from .candidates import Candidate, choose
from .methods import GROUPED, Task, candidates_of, fit, task_for
from .plan import Plan
from .rare_cells import choose_by_margins, has_rare_cells


def controls(method: RepairMethod, task: Task) -> dict[Opponent, Head]:
    """Return the heads of the methods that know no cause, fitted and chosen on the same images."""
    names: list[Literal["bias", "finetune", "random"]] = ["bias", "finetune"]
    if method == "paper":
        names.append("random")
    return {name: fit(name, task)[0].head for name in names}


def without_tags(
    method: RepairMethod,
    task: Task,
    pool: Sequence[RepairMethod],
    splits: Mapping[str, SplitFeatures],
    shuffled: Sequence[Mapping[str, SplitFeatures]],
    aim: Tensor,
) -> dict[Opponent, Head]:
    """Return what the same method does without groups, and with shuffled tags.

    `pool` are the methods that the repair was chosen from; the others are chosen from the same ones, those
    without groups by how they do on the judged images, of which `aim` [N] are to be repaired: what the tags
    add must be more than the best choice among a few heads adds. `shuffled` are the splits with the columns
    that shuffled tags make, one each draw; of those the head of middle accuracy stands for all. Nothing is
    compared where the repair has no groups.
    """
    plan = task.plan
    if not plan.columns or method not in GROUPED:
        return {}
    ungrouped = plan.with_groups(splits, (), task.seed)
    # Erasing needs a cue to erase: without one, it leaves the untouched head.
    proposed = [one for name in pool if name != "leace" for one in _proposed(ungrouped, task, name)]
    heads = [one.head for one in proposed] or [task.head]
    rates = [sum(_rates(one, plan.judge, aim)) for one in heads]
    found: dict[Opponent, Head] = {"told_nothing": heads[rates.index(max(rates))]}
    if shuffled:
        draws = [_chosen(plan.with_groups(one, plan.columns, task.seed), task, pool) for one in shuffled]
        draws.sort(key=lambda one: _rates(one, plan.judge, aim))
        found["shuffled_tags"] = draws[len(draws) // 2]
    return found


def _proposed(plan: Plan, task: Task, name: RepairMethod) -> list[Candidate]:
    """Return the heads that a method proposes for another plan of the same images."""
    given = (plan, task.head, task.target, (), task.seed, task.on_progress, NO_MEMORY, task.device)
    try:
        return candidates_of(name, task_for(name, *given))
    except InputError:
        return []


def _chosen(plan: Plan, task: Task, pool: Sequence[RepairMethod]) -> Head:
    """Return the head that would be chosen for another plan of the same images."""
    proposed = [one for name in pool for one in _proposed(plan, task, name)]
    if not proposed:
        return task.head
    if has_rare_cells(plan):
        _, scores = choose_by_margins(plan, task.head, proposed)
        return proposed[scores.index(max(scores))].head
    return choose(plan.choose, proposed, task.on_progress)[0].head


def _rates(head: Head, judge: SplitFeatures, aim: Tensor) -> tuple[float, float]:
    """Return the head's accuracy on the images of the aim and on all."""
    right = predict(head, judge.features) == judge.labels
    return float(right[aim].double().mean()) if bool(aim.any()) else 0.0, float(right.double().mean())
