"""The verdict draw after draw: whichever images are tagged, and whatever nonsense the tags are.

Of the controls the bias shift alone is fitted: training takes most of the time and is tested elsewhere.
`tests.benchmarks.verdict_study` does the same with all of them on the demo and on a drawn set.
"""

from dataclasses import replace

import pytest
import torch

from neuroinspect_tui.stages.repair import GroupInfo, RepairOutcome, repair_class, run
from neuroinspect_tui.stages.repair.methods import fit
from neuroinspect_tui.stages.tags import COLUMN, make_groups

from .worlds import CULPRITS, NAMES, make_world

DRAWS = 20


def repaired(seed: int, coin: bool) -> RepairOutcome:
    """Repair with 30 tags of one draw, true or by coin flips."""
    splits, head = make_world()
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(400, generator=generator)[:30]
    codes = splits["val"].groups["place"].codes[rows]
    codes = torch.randint(2, (30,), generator=generator) if coin else codes
    tags = {row: ("not", "has")[code] for row, code in zip(rows.tolist(), codes.tolist(), strict=True)}

    columns, _ = make_groups(splits, {"val": tags})
    tagged = {name: replace(split, groups={COLUMN: columns[name]}) for name, split in splits.items()}
    return repair_class(tagged, head, 0, NAMES, "ridge", CULPRITS, GroupInfo(tags=(COLUMN,)), seed=seed)


@pytest.fixture(autouse=True)
def _no_training(monkeypatch):
    monkeypatch.setattr(run, "controls", lambda method, task: {"bias": fit("bias", task)[0].head})


def test_true_tags_help_in_every_draw():
    assert [repaired(seed, False).verdict.outcome for seed in range(DRAWS)] == ["helps"] * DRAWS


def test_coin_flips_are_no_better_than_being_told_nothing_more_often_than_chance():
    """Two of twenty or fewer: three would come in one of thirteen cases at 5 %."""
    lines = [repaired(seed, True).verdict.on("class", "told_nothing") for seed in range(DRAWS)]
    assert sum(line.p < 0.05 and line.fixed > line.broken for line in lines) <= 2
