import pytest
import torch

from neuroinspect_tui.stages.repair.examples import Examples
from neuroinspect_tui.stages.repair.plan import plan_parts
from neuroinspect_tui.stages.repair.prescription import more_images, sampled_cells, sampler_weights
from neuroinspect_tui.tensors import GroupColumn, Head, SplitFeatures


def examples(labels, codes):
    return Examples.plain(torch.zeros(len(labels), 1), torch.tensor(labels), torch.tensor(codes))


def test_each_cell_is_drawn_as_often_up_to_the_cap_and_as_far_as_it_is_trusted():
    found = examples([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 0, 0, 1, -1])
    trust = torch.tensor([1.0, 1, 1, 0.5, 1, 1, 1, 0.5])
    weights = sampler_weights(found, trust)
    # seven known images in four cells: 7/4 for each cell
    assert weights.tolist() == pytest.approx([7 / 12] * 3 + [7 / 8] + [7 / 8] * 2 + [7 / 4] + [1.0])
    assert sampler_weights(found, torch.ones(8), cap=1.5).tolist()[3] == 1.5
    cells = sampled_cells(found, weights, torch.arange(8) == 3, [("has", "not")])
    shown = [(cell.label, cell.values, cell.images, cell.by_hand) for cell in cells]
    assert shown == [
        (0, ("has",), 3, 0),
        (0, ("not",), 1, 1),
        (1, ("",), 1, 0),
        (1, ("has",), 2, 0),
        (1, ("not",), 1, 0),
    ]
    assert sum(cell.share for cell in cells) == pytest.approx(1)


def world(count, rare, seed):
    """Two classes told apart by a weak neuron and, but for the rare cell of class 0, by a cue."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    codes = labels.clone()
    flipped = (labels == 0).nonzero()[:rare, 0]
    codes[flipped] = 1
    noise = torch.randn(count, 40, generator=generator)
    noise[:, 0] += 1.5 * (2 * labels - 1)
    noise[:, 1] = 3.0 * (2 * codes - 1) + 0.3 * noise[:, 1]
    top = torch.stack([codes, 1 - codes], dim=1)
    logits = torch.tensor([[1.0, 0.0]]).expand(count, -1)
    paths = [f"{seed}-{row}" for row in range(count)]
    groups = {"cue": GroupColumn("cue", ("has", "not"), codes)}
    return SplitFeatures(
        "train", noise, labels, logits, top, logits[:, 0], paths, torch.arange(count), groups
    )


def test_more_of_a_rare_cell_helps_where_it_is_learned_and_is_not_told_of_too_few():
    head = Head(torch.zeros(2, 40), torch.zeros(2))
    head.weight[:, 1] = torch.tensor([-1.0, 1.0])
    values = [("has", "not")]
    splits = {"train": world(800, 24, 0), "val": world(400, 12, 1), "test": world(1000, 250, 2)}
    plan = plan_parts(splits, "val", {}, columns=("cue",))
    (found, *_) = more_images(plan, head, 0, values)
    assert (found.label, found.column, found.value) == (0, "cue", "not")
    assert (found.present, found.judged, found.added) == (30, 250, 90)
    assert found.gain is not None and found.interval is not None
    # fitted with 120 in the place of 30, by the same rule on other images
    low, high = found.interval
    assert low <= found.gain <= high
    assert 0.0 < found.gain < 0.2
    few = {"train": world(800, 3, 0), "val": world(400, 2, 1), "test": world(1000, 5, 2)}
    (none, *_) = more_images(plan_parts(few, "val", {}, columns=("cue",)), head, 0, values)
    assert (none.gain, none.interval, none.judged) == (None, None, 5)
