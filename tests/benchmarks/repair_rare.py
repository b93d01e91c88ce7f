"""`heavy python -m tests.benchmarks.repair_rare FILE [--seeds …] [--sets …]`: few tags, and a val as skewed as train.

In every draw (seed) images are tagged four at a time as the product proposes them, first by the failure mode
among the first eight that follows the cue best on val, as a user who sees its exemplars would pick it; answers
come from the known truth. The repair is `auto` with these tags, with all true groups, and told nothing. Worst
group and accuracy are those of `test` by the true groups. With `--both` stands beside the product's choice
among the candidates (docs/method.md) that by A + B. Results are added to FILE as lines of JSON; `--tables`
prints what is in it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from neuroinspect_tui.results import WorstGroup
from neuroinspect_tui.stages.estimates import with_estimate
from neuroinspect_tui.stages.failure_modes import find_failure_modes, scores
from neuroinspect_tui.stages.repair import rare_cells
from neuroinspect_tui.stages.repair.plan import Plan, plan_parts
from neuroinspect_tui.stages.repair.run import propose, rare_pool
from neuroinspect_tui.stages.review import rare_first, review_order
from neuroinspect_tui.stages.tags import COLUMN, VALUES, cue_probe, make_groups, tag_evidence
from neuroinspect_tui.tensors import GroupColumn, Head, SplitFeatures

from .mode_sets import stored
from .mode_study import within_class_auroc
from .repair_data import TRUTH, Case, load_cases, skewed, split_of

TARGETS = {"faint": "ship", "two": "horse", "frame": "truck", "sticker": "square"}
COUNTS = (40, 80)
AT_ONCE, MODES = 4, 8
FEWEST_TRAINED = 60
"""The planted sets have 30 training images of one class, which no model learns."""
Tags = dict[str, dict[int, str]]
Draw = dict[str, object]


@dataclass(frozen=True)
class Line:
    """One repair: `told` is untouched, groups, nothing or tags; rates in percent."""

    name: str
    val: str
    seed: int
    told: str
    tags: int
    worst: float
    mean: float
    by_sum: float | None = None
    precision: float | None = None
    recall: float | None = None
    covered: tuple[bool, ...] = ()
    estimate: tuple[float, float, float, float] | None = None
    """Low, high and truth of the target's rare cell, in percent, and the width by the tags in it alone."""


def cases(names: Sequence[str]) -> Iterator[Case]:
    """Yield the sets of the repair study and the planted ones."""
    for case in load_cases():
        if not names or case.name in names:
            yield case
    for name, target in TARGETS.items():
        if not names or name in names:
            yield planted(name, target)


def planted(name: str, target: str, cue: int = 0) -> Case:
    """Return a planted set with one of its cues as the truth."""
    made = stored(name)
    head, classes = Head(made["weight"].float(), made["bias"].float()), tuple(made["names"])
    splits = {}
    for split in ("train", "val", "test"):
        arrays = {key: made[split][key] for key in ("features", "labels")}
        splits[split] = split_of(split, arrays | {"cue": made[split]["cue"][:, cue].long()}, head)
    return Case(name, splits, head, classes, classes.index(target))


def bare(case: Case) -> dict[str, SplitFeatures]:
    """Return the splits without groups."""
    return {name: replace(split, groups={}) for name, split in case.splits.items()}


def measure(case: Case, head: Head) -> tuple[float, float]:
    """Return the worst (cue, class) and the accuracy on test, in percent."""
    test = case.splits["test"]
    right = head.logits(test.features).argmax(1) == test.labels
    trained = torch.bincount(case.splits["train"].labels, minlength=len(case.names))
    cell = test.labels * 2 + test.groups[TRUTH].codes
    rates = [
        float(right[cell == one].float().mean())
        for one in cell.unique().tolist()
        if int(trained[one // 2]) > FEWEST_TRAINED
    ]
    return 100 * min(rates), 100 * float(right.float().mean())


def cue_direction(case: Case, seed: int) -> Tensor:
    """Return the direction of the failure mode that follows the cue best on val."""
    val = case.splits["val"]
    found = find_failure_modes(val, case.head, MODES, seed).directions[:MODES]
    values, cue = scores(val.features, found).numpy(), val.groups[TRUTH].codes.bool().numpy()
    follows = [within_class_auroc(column, val.labels.numpy(), cue) for column in values.T]
    return found[max(range(len(follows)), key=lambda one: max(follows[one], 1 - follows[one]))]


def tagged(case: Case, seed: int, direction: Tensor) -> Iterator[Tags]:
    """Yield the tags after so many images."""
    splits = {name: split for name, split in bare(case).items() if name != "test"}
    tags: Tags = {name: {} for name in splits}
    for count in COUNTS:
        while (given := sum(map(len, tags.values()))) < count:
            probe, val = cue_probe(splits, tags), splits["val"]
            order = (case.head, case.target, (), tags["val"], 80, seed, probe, direction)
            items = rare_first(review_order(val, *order), splits, tags, case.target, AT_ONCE)
            if not items:
                break
            for item in items[: count - given]:
                truth = case.splits[item.sample.split].groups[TRUTH].codes
                tags[item.sample.split][item.sample.row] = ("not", "has")[int(truth[item.sample.row])]
        yield {name: dict(rows) for name, rows in tags.items()}


def choose_by_sum(plan: Plan, head: Head, heads: Sequence[Head]) -> Head:
    """Return the head of the highest A + B: the worst cell on train, and on unseen images with their copies."""
    unseen = rare_cells._unseen(plan)
    features, labels = unseen.take(torch.arange(len(unseen))), unseen.labels
    flip = rare_cells._Flips.of(plan, unseen, features, 0)
    classes = int(max(labels.max(), plan.fit.labels.max())) + 1

    def worst(total: Tensor) -> float:
        return float((total[0] / total[1])[total[1] > 0].min())

    def score(one: Head) -> float:
        own = rare_cells._margins(one.logits(features), labels)
        scale = float(own.std()) / 2 or 1.0
        copies = rare_cells._margins(one.logits(flip.features), flip.labels)
        trained = rare_cells._margins(plan.fit.logits(one), plan.fit.labels)
        total = rare_cells._totals(own, labels, unseen.codes[:, 0], scale, classes)
        total += rare_cells._totals(copies, flip.labels, flip.codes, scale, classes)
        first = rare_cells._totals(trained, plan.fit.labels, plan.fit.codes[:, 0], scale, classes)
        return worst(first) + worst(total)

    best = max(heads, key=score)
    return best if score(best) > score(head) else head


def precision_and_recall(case: Case, columns: dict[str, GroupColumn]) -> tuple[float, float]:
    """Return both over the images of train and val that are in a cell which is rare on train."""
    train = case.splits["train"]
    cell = train.labels * 2 + train.groups[TRUTH].codes
    rare = torch.bincount(cell, minlength=2 * len(case.names)).view(-1, 2).argmin(1)
    said, true, both = 0, 0, 0
    for name in ("train", "val"):
        labels, codes = case.splits[name].labels, columns[name].codes
        here = case.splits[name].groups[TRUTH].codes == rare[labels]
        counted = (codes >= 0) & (1 - codes == rare[labels])
        said, true, both = (
            said + int(counted.sum()),
            true + int(here.sum()),
            both + int((here & counted).sum()),
        )
    return both / max(1, said), both / max(1, true)


def _line(
    case: Case, val: str, seed: int, splits: dict[str, SplitFeatures], columns: Sequence[str], both: bool
) -> Draw:
    """Repair as the product does; with `both`, also choose from the same candidates by A + B."""
    plan = plan_parts(splits, "val", {}, (COLUMN,) if COLUMN in columns else (), seed, columns)
    head = propose(plan, case.head, case.target, "auto", (), seed).candidate.head
    worst, mean = measure(case, head)
    by_sum = None
    if both and plan.columns:
        pool = rare_pool(plan, case.head, case.target, "auto", seed)
        by_sum = measure(case, choose_by_sum(plan, case.head, [one.head for _, _, one in pool]))[0]
    return {"name": case.name.removesuffix(", skewed val"), "val": val, "seed": seed, "worst": worst,
            "mean": mean, "by_sum": by_sum}  # fmt: skip


def study(case: Case, val: str, seed: int, both: bool) -> Iterator[Line]:
    """Yield every line of one draw."""
    worst, mean = measure(case, case.head)
    yield Line(case.name.removesuffix(", skewed val"), val, seed, "untouched", 0, worst, mean)
    yield Line(told="groups", tags=0, **_line(case, val, seed, case.splits, (TRUTH,), both))
    yield Line(told="nothing", tags=0, **_line(case, val, seed, bare(case), (), both))
    direction, splits = cue_direction(case, seed), bare(case)
    for count, tags in zip(COUNTS, tagged(case, seed, direction), strict=True):
        columns, quality = make_groups(splits, tags)
        grouped = {name: replace(split, groups={COLUMN: columns[name]}) for name, split in splits.items()}
        precision, recall = precision_and_recall(case, columns)
        covered = tuple(_covered(case, columns, cell) for cell in quality.cells if cell.confirmed)
        estimate = _estimated(case, grouped, tags)
        line = _line(case, val, seed, grouped, (COLUMN,), both)
        yield Line(told="tags", tags=count, precision=precision, recall=recall, covered=covered,
                   estimate=estimate, **line)  # fmt: skip


def _covered(case: Case, columns: dict[str, GroupColumn], cell: object) -> bool:
    """Return whether the interval of a cell's right images holds their true number."""
    code, right = VALUES.index(cell.value), 0
    for name in ("train", "val"):
        labels, truth = case.splits[name].labels, case.splits[name].groups[TRUTH].codes
        inside = (labels == cell.label) & (columns[name].codes == code)
        right += int((inside & (1 - truth == code)).sum())
    return cell.interval[0] <= right <= cell.interval[1]


def _estimated(case: Case, splits: dict[str, SplitFeatures], tags: Tags) -> tuple[float, ...] | None:
    """Estimate the untouched head's rate on the target's rare cell of test, beside the truth and tags alone."""
    train, test = case.splits["train"], splits["test"]
    usual = torch.bincount(train.groups[TRUTH].codes[train.labels == case.target], minlength=2)
    rare = int(usual.argmin())
    evidence = tag_evidence(bare(case), tags)
    if evidence is None:
        return None
    group = WorstGroup(COLUMN, VALUES[1 - rare], case.target, 0.0)
    found = with_estimate(group, test, test.predicted, case.head, evidence).estimate
    here = (test.labels == case.target) & (case.splits["test"].groups[TRUTH].codes == rare)
    truth = float((test.predicted == test.labels)[here].float().mean())
    own = (evidence.labels == case.target) & (evidence.tags == 1 - rare)
    right = int((case.head.logits(evidence.features[own]).argmax(1) == case.target).sum())
    alone = torch.distributions.Beta(0.5 + right, 0.5 + int(own.sum()) - right)
    torch.manual_seed(0)
    low, high = alone.sample((4000,)).quantile(torch.tensor([0.05, 0.95])).tolist()
    if found is None:
        return None
    return tuple(100 * value for value in (*found.interval, truth, high - low))


def main() -> None:
    """Run draws, or print the tables of a file."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.repair_rare")
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--sets", nargs="*", default=[])
    parser.add_argument("--val", nargs="*", default=["balanced", "skewed"])
    parser.add_argument("--both", action="store_true", help="choose by A + B as well")
    parser.add_argument("--tables", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.tables:
        from .repair_rare_tables import tables

        lines = [json.loads(line) for line in asked.file.read_text().splitlines()]
        print(tables(lines))
        return
    for case in cases(asked.sets):
        for val in asked.val:
            for seed in asked.seeds:
                with asked.file.open("a") as file:
                    for line in study(skewed(case) if val == "skewed" else case, val, seed, asked.both):
                        file.write(json.dumps(asdict(line)) + "\n")


if __name__ == "__main__":
    main()
