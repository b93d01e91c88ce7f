"""Worst-group accuracy of every repair on confounded sets: with true groups, with tags, with neither.

    python -m tests.benchmarks.repair_study > tables.md

Three seeds of the split into parts, of the review order and of the random tags. Tags are answered from the
known truth. Heads are fitted on train and half of val, chosen on the other half of val by what the method was
given (true groups, propagated tags, or the classes alone), and measured on test by the true groups.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from neuroinspect_tui.repair_methods import RepairMethod
from neuroinspect_tui.results import ClassRef
from neuroinspect_tui.results.selection import leading_culprits
from neuroinspect_tui.stages.culprits import find_culprits
from neuroinspect_tui.stages.repair import repair_class
from neuroinspect_tui.stages.repair.plan import plan_parts
from neuroinspect_tui.stages.repair.run import propose
from neuroinspect_tui.stages.review import review_order, rival_class
from neuroinspect_tui.stages.tags import COLUMN, make_groups
from neuroinspect_tui.tensors import GroupColumn, Head, SplitFeatures

from .repair_data import TRUTH, Case, load_cases, skewed
from .repair_tables import Result, tables

SEEDS = (0, 1, 2)
TAGS = (20, 40, 80, 160)
GROUPED: tuple[RepairMethod, ...] = ("ridge", "leace", "dfr")
UNGROUPED: tuple[RepairMethod, ...] = (
    "auto",
    "afr",
    "neurontune",
    "paper",
    "ridge",
    "dfr",
    "bias",
    "finetune",
    "random",
)
ASKED_AT_ONCE = 4
Tags = dict[int, str]


@dataclass(frozen=True)
class Setting:
    """What a repair is told: which splits, with which groups, and how that is called in the tables."""

    splits: dict[str, SplitFeatures]
    told: str
    count: int = 0
    order: str = ""
    carried: bool = False
    right: float | None = None


def measure(case: Case, head: Head) -> tuple[float, float]:
    """Return the accuracy and the worst (cue, class) accuracy on test, counted plainly, in percent."""
    test = case.splits["test"]
    right = head.logits(test.features).argmax(dim=1) == test.labels
    cell = test.labels * 2 + test.groups[TRUTH].codes
    rates = [float(right[cell == one].float().mean()) for one in cell.unique()]
    return 100 * float(right.float().mean()), 100 * min(rates)


def told(case: Case, columns: Mapping[str, GroupColumn]) -> dict[str, SplitFeatures]:
    """Return the splits with no other groups than `columns`."""
    return {
        name: replace(split, groups={columns[name].name: columns[name]} if columns else {})
        for name, split in case.splits.items()
    }


def reviewed(
    case: Case, neurons: tuple[int, ...], seed: int, counts: tuple[int, ...] = TAGS
) -> Iterator[Tags]:
    """Yield the tags after so many images in review order, asked again every four images."""
    val = told(case, {})["val"]
    tags: Tags = {}
    for count in counts:
        while len(tags) < count:
            items = review_order(val, case.head, case.target, neurons, tags, ASKED_AT_ONCE, seed)
            if not items:
                return
            tags |= answers(case, [item.sample.row for item in items])
        yield tags.copy()


def drawn(case: Case, seed: int, counts: tuple[int, ...] = TAGS) -> Iterator[Tags]:
    """Yield as many random tags, of images of the same two classes."""
    val = case.splits["val"]
    rival = rival_class(val, case.target)
    pool = ((val.labels == case.target) | (val.labels == rival)).nonzero()[:, 0]
    order = pool[torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed))].tolist()
    for count in counts:
        if count <= len(order):
            yield answers(case, order[:count])


def answers(case: Case, rows: list[int]) -> Tags:
    """Tag rows of val from the truth."""
    cue = case.splits["val"].groups[TRUTH]
    return {row: ("not", "has")[int(cue.codes[row])] for row in rows}


def agreement(case: Case, columns: Mapping[str, GroupColumn]) -> float:
    """Return the percent of the images with a tag on which it is the truth."""
    right, known = 0, 0
    for name, split in case.splits.items():
        truth, column = split.groups[TRUTH], columns[name]
        expected = 1 - truth.codes  # of (has, not) as of (without, with) the first is code 0
        right += int((column.codes == expected).sum())
        known += int((column.codes >= 0).sum())
    return 100 * right / max(known, 1)


def tag_settings(
    case: Case, neurons: tuple[int, ...], seed: int, counts: tuple[int, ...]
) -> Iterator[Setting]:
    """Yield a setting for every number of tags, in review order and random, carried and not."""
    for order, stages in (
        ("review", reviewed(case, neurons, seed, counts)),
        ("random", drawn(case, seed, counts)),
    ):
        for tags in stages:
            for carried in (True, False):
                columns, _ = make_groups(told(case, {}), {"val": tags}, carried)
                right = agreement(case, columns) if carried else None
                yield Setting(told(case, columns), "tags", len(tags), order, carried, right)


def quick(case: Case, setting: Setting, method: RepairMethod, seed: int) -> Result:
    """Fit and choose a repair without its controls."""
    plan = plan_parts(setting.splits, "val", {}, (COLUMN,), seed)
    found = propose(plan, case.head, case.target, method, (), seed)
    mean, worst = measure(case, found.candidate.head)
    return Result(
        case.name,
        setting.reported,
        method,
        mean,
        worst,
        setting.count,
        setting.order,
        setting.carried,
        setting.right,
    )


def full(case: Case, setting: Setting, method: RepairMethod, neurons: tuple[int, ...], seed: int) -> Result:
    """Repair as the product does, verdict included."""
    found = repair_class(
        setting.splits, case.head, case.target, case.names, method, neurons, debugged_split="val", seed=seed
    )
    mean, worst = measure(case, found.head)
    return Result(
        case.name,
        setting.reported,
        method,
        mean,
        worst,
        verdict=found.verdict.outcome,
        chosen=found.method,
        seconds=found.seconds,
    )


def study(case: Case, counts: tuple[int, ...] = TAGS) -> Iterator[Result]:
    """Yield every result on one set, with so many tags."""
    target = ClassRef(case.target, case.names[case.target])
    neurons = leading_culprits(find_culprits(told(case, {})["val"], case.head, target), 5)
    yield Result(case.name, "", "untouched", *measure(case, case.head))
    truth = Setting(case.splits, "groups")
    nothing = Setting(told(case, {}), "nothing")
    for seed in SEEDS:
        for method in GROUPED:
            yield full(case, truth, method, neurons, seed)
        for method in UNGROUPED:
            yield full(case, nothing, method, neurons, seed)
        for setting in tag_settings(case, neurons, seed, counts):
            for method in GROUPED:
                yield quick(case, setting, method, seed)


def main() -> None:
    """Run the study on every set that is there and print its tables."""
    torch.set_num_threads(1)
    results = []
    for case in load_cases():
        print(f"{case.name}: class {case.names[case.target]}", file=sys.stderr, flush=True)
        results += list(study(case))
        results += list(study(skewed(case), (40,)))
    print(tables(results))


if __name__ == "__main__":
    main()
