"""`python -m tests.benchmarks.repair_two`: does a repair of one cue feed another one?

On the planted set *two* (horse with a checkered square, horse with a warm tint), told the true values of one cue
or of both, with val as it is and with both cues as rare as on train. A gap is how much better images of the usual
value do, in points, on test: within horse, over all classes, and between images with both usual values and both
rare ones.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from neuroinspect_tui.stages.repair.gaps import cue_gaps
from neuroinspect_tui.stages.repair.plan import plan_parts, rows_of
from neuroinspect_tui.stages.repair.run import propose
from neuroinspect_tui.tensors import GroupColumn, Head, SplitFeatures

from .mode_sets import stored
from .repair_rare import FEWEST_TRAINED, TARGETS, planted

SEEDS = (70, 71, 72)
CUES = ("checker", "warm")


def two_cues() -> tuple[dict[str, SplitFeatures], Head, int]:
    """Return the splits with both cues as columns, without the class that no model learns."""
    case, made = planted("two", TARGETS["two"]), stored("two")
    learned = torch.bincount(case.splits["train"].labels) > FEWEST_TRAINED
    splits = {}
    for name, split in case.splits.items():
        columns = {
            cue: GroupColumn(cue, ("without", "with"), made[name]["cue"][:, place].long())
            for place, cue in enumerate(CUES)
        }
        splits[name] = rows_of(replace(split, groups=columns), learned[split.labels].nonzero()[:, 0])
    return splits, case.head, case.target


def both(split: SplitFeatures) -> torch.Tensor:
    """Return label × 4 + values of both cues, [N]."""
    first, second = (split.groups[cue].codes for cue in CUES)
    return split.labels * 4 + 2 * first + second


def as_skewed(splits: dict[str, SplitFeatures]) -> dict[str, SplitFeatures]:
    """Return the splits with val cut so that every pair of values is as rare as on train, at least one image."""
    train, val = splits["train"], splits["val"]
    count = torch.bincount(both(train), minlength=4 * 10).view(-1, 4).float()
    kept = []
    for label in val.labels.unique().tolist():
        usual = int(count[label].argmax())
        most = int((both(val) == label * 4 + usual).sum())
        for value in range(4):
            rows = (both(val) == label * 4 + value).nonzero()[:, 0]
            kept.append(rows[: max(1, round(most * float(count[label, value] / count[label, usual])))])
    return {**splits, "val": rows_of(val, torch.cat(kept).sort().values)}


def both_rare_gap(splits: dict[str, SplitFeatures], right: torch.Tensor) -> float:
    """Return how much better images with both usual values do than those with both rare ones, in points."""
    train, test = splits["train"], splits["test"]
    usual = torch.ones(2, len(test), dtype=torch.bool)
    for place, cue in enumerate(CUES):
        cell = torch.bincount(train.labels * 2 + train.groups[cue].codes, minlength=20).view(-1, 2)
        usual[place] = test.groups[cue].codes == cell.argmax(1)[test.labels]
    return 100 * float(right[usual.all(0)].mean() - right[~usual.any(0)].mean())


def main() -> None:
    """Print one line a val, told cues and draw."""
    torch.set_num_threads(1)
    splits, head, target = two_cues()
    for val, own in (("balanced", splits), ("skewed", as_skewed(splits))):
        for told in ((), ("checker",), ("warm",), CUES):
            for seed in SEEDS if told else SEEDS[:1]:
                plan = plan_parts(own, "val", {}, (), seed, told)
                new = propose(plan, head, target, "auto", (), seed).candidate.head if told else head
                found = new.logits(plan.judge.features).argmax(1)
                right = (found == plan.judge.labels).float()
                unasked = replace(plan, columns=())
                gaps = cue_gaps(own, unasked, target, plan.judge.predicted, found)
                words = [
                    f"{gap.column} {'horse' if gap.label is not None else 'all'} "
                    f"{100 * gap.before:.1f} → {100 * gap.after:.1f}{' FED' if gap.fed else ''}"
                    for gap in gaps
                ]
                line = ", ".join([*words, f"both rare {both_rare_gap(own, right):.1f}"])
                print(f"{val}, told {' and '.join(told) or 'untouched'}, {seed}: {line}", flush=True)


if __name__ == "__main__":
    main()
