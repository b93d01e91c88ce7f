"""`python -m tests.benchmarks.verdict_study > table.md`: is the verdict right, draw after draw?

A drawn set with a sticker, the demo's boat, and a real set whose val is as skewed as its train, on features
that are cached. In every draw other images of the debugged class and its rival are tagged: as they are
("true"), by coin flips ("coin"), or with the true tags dealt anew among them ("shuffled"). The repair is
judged as in the product, controls included. "bias" shifts one logit and is given the true tags. The options
take a slice.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch

from neuroinspect_tui.repair_methods import RepairMethod
from neuroinspect_tui.results import Aim
from neuroinspect_tui.stages.repair import GroupInfo, RepairOutcome, repair_class
from neuroinspect_tui.stages.review import rival_class
from neuroinspect_tui.stages.tags import make_groups, shuffled
from neuroinspect_tui.tensors import Head, SplitFeatures

from .mode_sets import stored
from .repair_data import TRUTH, Case, load_cases, skewed, split_of

Kind = Literal["true", "coin", "shuffled", "bias"]
TAGS = {
    "sticker": (20, 40),
    "demo, boat on water": (27, 40),
    "bird/plane tint, ResNet-20, skewed val": (40,),
}
METRICS: tuple[Aim, ...] = ("class", "all", "worst_group")
SHUFFLED_DRAWS = 3
CUE = "cue"


@dataclass(frozen=True)
class Draw:
    """One repair with the tags of one draw."""

    case: str
    kind: Kind
    tags: int
    seed: int
    found: RepairOutcome

    def favoured(self, metric: Aim) -> bool:
        """Return whether the repair is significantly better than the same method without groups."""
        line = self.found.verdict.on(metric, "told_nothing")
        return line is not None and line.p < 0.05 and line.fixed > line.broken


def cases() -> Iterator[Case]:
    """Yield the sticker set, its class square debugged, and the demo."""
    made = stored("sticker")
    head, names = Head(made["weight"], made["bias"]), tuple(made["names"])
    splits = {}
    for name in ("train", "val", "test"):
        arrays = {key: made[name][key] for key in ("features", "labels")}
        splits[name] = split_of(name, arrays | {"cue": made[name]["cue"][:, 0]}, head)
    yield Case("sticker", splits, head, names, names.index("square"))
    every = (form for case in load_cases() for form in (case, skewed(case)))
    yield from (case for case in every if case.name in TAGS)


def tagged(case: Case, kind: Kind, count: int, seed: int) -> dict[int, str]:
    """Tag random images of val of the debugged class and its rival."""
    generator = torch.Generator().manual_seed(seed)
    val = case.splits["val"]
    pool = torch.isin(val.labels, torch.tensor([case.target, rival_class(val, case.target)])).nonzero()[:, 0]
    rows = pool[torch.randperm(len(pool), generator=generator)[:count]]
    codes = val.groups[TRUTH].codes[rows]
    if kind == "coin":
        codes = torch.randint(2, (count,), generator=generator)
    tags = {row: ("not", "has")[code] for row, code in zip(rows.tolist(), codes.tolist(), strict=True)}
    return shuffled({"val": val}, {"val": tags}, seed)["val"] if kind == "shuffled" else tags


def repaired(case: Case, tags: dict[int, str], seed: int = 0, method: RepairMethod = "auto") -> RepairOutcome:
    """Repair with tags of val, as the product does."""
    splits = {name: replace(split, groups={}) for name, split in case.splits.items()}
    draws = [
        _with_groups(splits, shuffled(splits, {"val": tags}, seed + draw)["val"])
        for draw in range(SHUFFLED_DRAWS)
    ]
    groups = GroupInfo(tags=(CUE,), shuffled=draws)
    return repair_class(
        _with_groups(splits, tags), case.head, case.target, case.names, method, (), groups, seed=seed
    )


def _with_groups(splits: dict[str, SplitFeatures], tags: dict[int, str]) -> dict[str, SplitFeatures]:
    columns, _ = make_groups(splits, {"val": tags}, name=CUE)
    return {name: replace(split, groups={CUE: columns[name]}) for name, split in splits.items()}


def study(named: str, kinds: Sequence[Kind], seeds: range) -> Iterator[Draw]:
    """Yield every draw of the sets whose name begins with `named`."""
    for case in (case for case in cases() if case.name.startswith(named)):
        for count in TAGS[case.name]:
            for kind in kinds:
                for seed in seeds:
                    tags = tagged(case, kind, count, seed)
                    found = repaired(case, tags, method="bias" if kind == "bias" else "auto")
                    yield Draw(case.name, kind, count, seed, found)


def table(draws: Iterable[Draw]) -> str:
    """Return a Markdown table, a row for every set, kind and number of tags."""
    rows: dict[tuple[str, Kind, int], list[Draw]] = {}
    for draw in draws:
        rows.setdefault((draw.case, draw.kind, draw.tags), []).append(draw)
        _log(draw)
    lines = []
    for (case, kind, count), own in rows.items():
        outcomes = [draw.found.verdict.outcome for draw in own]
        counts = [outcomes.count(name) for name in ("helps", "no_better", "hurts", "too_few")]
        counts += [sum(draw.favoured(metric) for draw in own) for metric in METRICS]
        lines.append(f"| {case} | {count} {kind} | {len(own)} | {' | '.join(map(str, counts))} |")
    return "\n".join(lines)


def _log(draw: Draw) -> None:
    verdict = draw.found.verdict
    own, every = verdict.on("class"), verdict.on("all")
    assert own is not None
    assert every is not None
    losers = ", ".join(
        f"{one.target.name} {one.before:.2f}→{one.after:.2f} p={one.p:.1g}" for one in verdict.losers
    )
    words = f"{own.before:.2f}→{own.after:.2f}, all {every.before:.3f}→{every.after:.3f}; {losers}"
    place = f"{draw.case} {draw.tags} {draw.kind} {draw.seed}"
    print(
        f"{place}: {draw.found.method} {verdict.outcome} {verdict.hurt}: {words}", file=sys.stderr, flush=True
    )


def main() -> None:
    """Print the rows of a slice; those of several make one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", default="", help="how the name of the set begins")
    parser.add_argument("--kinds", nargs="+", default=get_args(Kind), choices=get_args(Kind))
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--header", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.header:
        print("| set | tags | draws | helps | no better | hurts | too few | class | all | worst group |")
        print("|---|---|---|---|---|---|---|---|---|---|")
    print(table(study(given.set, given.kinds, range(given.first, given.first + given.draws))))


if __name__ == "__main__":
    main()
