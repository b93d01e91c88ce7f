"""`python -m tests.benchmarks.repair_more [DRAWS]`: does "100 more images of X: +9 ± 4 points" come true?

On the tint sets most training images of a rare cell are put aside. What as many more would bring is estimated
from the rest as in the product, and compared with what it brings to add that many of those put aside, draw by
draw. The estimate was tuned on drawn features (tests/stages/repair); these sets were not looked at for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import torch

from neuroinspect_tui.stages.repair.plan import Plan, plan_parts, rows_of
from neuroinspect_tui.stages.repair.prescription import more_images
from neuroinspect_tui.stages.repair.ridge import ridge_repairs
from neuroinspect_tui.tensors import Head

from .repair_data import TRUTH, Case, load_cases, skewed

KEPT = 25
VALUES = (("without", "with"),)


def draws(case: Case, label: int, count: int) -> Iterator[tuple[float, float, float, float]]:
    """Yield the estimated gain, its interval and the gain that came, in points, for a class's rare cell."""
    train = case.splits["train"]
    cell = (train.labels == label) & (train.groups[TRUTH].codes == label_rare(case, label))
    for seed in range(count):
        order = cell.nonzero()[:, 0]
        order = order[torch.randperm(len(order), generator=torch.Generator().manual_seed(seed))]
        few = _plan(case, (~cell).nonzero()[:, 0], order[:KEPT], seed)
        found = next(one for one in more_images(few, case.head, label, VALUES, seed) if one.label == label)
        if found.gain is None or found.interval is None:
            continue
        more = _plan(case, (~cell).nonzero()[:, 0], order[: KEPT + found.added], seed)
        before, after = (rate(plan, case.head, case, label, seed) for plan in (few, more))
        yield 100 * found.gain, 100 * found.interval[0], 100 * found.interval[1], 100 * (after - before)


def label_rare(case: Case, label: int) -> int:
    """Return the value that few training images of a class have."""
    train = case.splits["train"]
    return int(torch.bincount(train.groups[TRUTH].codes[train.labels == label], minlength=2).argmin())


def _plan(case: Case, rest: torch.Tensor, own: torch.Tensor, seed: int) -> Plan:
    train = rows_of(case.splits["train"], torch.cat([rest, own]).sort().values)
    return plan_parts({**case.splits, "train": train}, "val", {}, (), seed, (TRUTH,))


def rate(plan: Plan, head: Head, case: Case, label: int, seed: int) -> float:
    """Return the rate of ridge towards the old head on the cell of test."""
    test, rare = case.splits["test"], label_rare(case, label)
    new = ridge_repairs(plan.fit, head, seed=seed)[0].head
    own = (test.labels == label) & (test.groups[TRUTH].codes == rare)
    return float((new.logits(test.features[own]).argmax(1) == label).float().mean())


def main() -> None:
    """Print one line a set."""
    torch.set_num_threads(1)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    for case in load_cases():
        if "tint" not in case.name:
            continue
        case = replace(skewed(case), name=case.name)
        found = [one for label in (0, 1) for one in draws(case, label, count)]
        inside = sum(low <= came <= high for _, low, high, came in found)
        half = sum(high - low for _, low, high, _ in found) / len(found) / 2
        told, came = (sum(one[place] for one in found) / len(found) for place in (0, 3))
        words = f"told {told:+.1f} ± {half:.1f}, came {came:+.1f}, inside {inside} of {len(found)}"
        print(f"{case.name}: {words}", flush=True)


if __name__ == "__main__":
    main()
