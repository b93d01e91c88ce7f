"""What a repair is compared with: heads fitted on the same images by less, or told less of them.

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
from .candidates import choose
from .methods import GROUPED, Task, candidates_of, fit, task_for
from .plan import Plan
from .rare_cells import choose_by_margins, has_rare_cells


def controls(method: RepairMethod, task: Task) -> dict[Opponent, Head]:
    """Return the heads of the methods that know no cause, fitted and chosen on the same images."""
    names: list[Literal["bias", "finetune", "random"]] = ["bias", "finetune"]
    if method == "paper":
        names.append("random")
    return {name: fit(name, task)[0].head for name in names}


def told_less(
    method: RepairMethod,
    task: Task,
    pool: Sequence[RepairMethod],
    splits: Mapping[str, SplitFeatures],
    shuffled: Sequence[Mapping[str, SplitFeatures]],
) -> dict[Opponent, Head]:
    """Return what the same method proposes told nothing of groups, and told shuffled tags.

    `pool` are the methods that the repair was chosen from; the others are chosen from the same ones.
    `shuffled` are the splits with the columns that shuffled tags make, one each draw; of those the head of
    middle accuracy stands for all. Nothing is compared where the repair has no groups.
    """
    plan = task.plan
    if not plan.columns or method not in GROUPED:
        return {}
    # Erasing needs a cue to erase: told nothing, it leaves the untouched head.
    untold = [name for name in pool if name != "leace"]
    found: dict[Opponent, Head] = {"told_nothing": task.head}
    if untold:
        found["told_nothing"] = _again(plan.told(splits, (), task.seed), task, untold)
    draws = [_again(plan.told(one, plan.columns, task.seed), task, pool) for one in shuffled]
    if draws:
        found["shuffled_tags"] = _middle(draws, plan.judge, task.target)
    return found


def _again(plan: Plan, task: Task, pool: Sequence[RepairMethod]) -> Head:
    """Return the best head that the methods of `pool` propose for another plan of the same images."""
    given = (plan, task.head, task.target, (), task.seed, task.on_progress, NO_MEMORY, task.device)
    try:
        tasks = {name: task_for(name, *given) for name in pool}
        candidates = [one for name in pool for one in candidates_of(name, tasks[name])]
    except InputError:
        return task.head
    if has_rare_cells(plan):
        _, scores = choose_by_margins(plan, task.head, candidates)
        return candidates[scores.index(max(scores))].head
    return choose(plan.choose, candidates, task.on_progress)[0].head


def _middle(draws: Sequence[Head], judge: SplitFeatures, target: int) -> Head:
    """Return the head of middle accuracy on the judged images of `target`."""
    own = judge.labels == target
    rates = [_hits(one, judge, own, target) for one in draws]
    return draws[sorted(range(len(draws)), key=rates.__getitem__)[len(draws) // 2]]


def _hits(head: Head, judge: SplitFeatures, own: Tensor, target: int) -> int:
    return int((predict(head, judge.features)[own] == target).sum())
