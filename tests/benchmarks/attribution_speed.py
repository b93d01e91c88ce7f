"""Counterfactuals and importance: batched on cached features, against the published loops."""

from __future__ import annotations

import torch
from torch import Tensor

from neuroinspect_tui.stages.counterfactual import contribution_scores, counterfactual_deltas
from neuroinspect_tui.stages.importance import retaining_ratio
from neuroinspect_tui.tensors import Head

from .baselines import counterfactual_loop, importance_tensor
from .networks import plain_resnet
from .table import Row, Table
from .timing import Time, once, take_turns
from .worlds import make_head

NOISE = 1.5
LIMIT = 200


def mistakes(count: int, head: Head, means: Tensor) -> tuple[Tensor, Tensor]:
    """Draw `count` features [M,D] that the head gets wrong, and their labels [M]."""
    generator = torch.Generator().manual_seed(5)
    kept: list[tuple[Tensor, Tensor]] = []
    while sum(len(labels) for _, labels in kept) < count:
        labels = torch.randint(head.classes, (4 * count,), generator=generator)
        z = (means[labels] + 2 * NOISE * torch.randn(len(labels), head.neurons, generator=generator)).relu()
        wrong = head.logits(z).argmax(dim=1) != labels
        kept.append((z[wrong], labels[wrong]))
    features, labels = (torch.cat(column)[:count] for column in zip(*kept, strict=True))
    return features, labels


def run(table: Table, quick: bool) -> None:
    """Fill the rows of stage 1."""
    neurons, classes = (256, 20) if quick else (2048, 102)
    head, means = make_head(neurons, classes)
    for count in (8,) if quick else (16, 64, 256):
        _counterfactuals(table, count, head, means, loop=count <= 64)
    if not quick:
        for size in ((512, 102), (1024, 102), (2048, 10), (2048, 1000)):
            _counterfactuals(table, 64, *make_head(*size), loop=False)
    for size in ((256, 20),) if quick else ((512, 102), (1024, 102), (2048, 10), (2048, 102), (2048, 1000)):
        _importance(table, *make_head(*size))


def _counterfactuals(table: Table, count: int, head: Head, means: Tensor, loop: bool) -> None:
    features, labels = mistakes(count, head, means)
    deltas = counterfactual_deltas(features, labels, head, LIMIT)
    steps = int(deltas.steps.sum())
    ways = {"ours": lambda: counterfactual_deltas(features, labels, head, LIMIT)}
    if loop:
        ways["loop"] = lambda: counterfactual_loop(features, labels.tolist(), lambda z: z, head, LIMIT)
    taken = take_turns(ways, rounds=3)
    table.add(
        Row(
            "counterfactuals, paper mode",
            f"{count} mistakes × {head.neurons} × {head.classes}",
            taken["ours"],
            published=_published(count, steps) if loop else None,
            pick=taken.get("loop"),
            pick_name="loop on features",
            floor=table.machine.floor(flops=4 * steps * head.neurons * head.classes),
            note=f"{steps / count:.0f} steps",
        )
    )
    targets = torch.zeros(count, dtype=torch.int64)
    scores = take_turns({"ours": lambda: contribution_scores(features, targets, 1, means[1], head)}, rounds=5)
    table.add(
        Row(
            "contribution scores, default mode",
            f"{count} mistakes × {head.neurons} × {head.classes}",
            scores["ours"],
            published=taken.get("loop"),
            floor=table.machine.floor(moved=4 * 4 * count * head.neurons),
            note="published: the loop on features",
        )
    )


def _published(count: int, steps: int) -> Time:
    """The published loop asks ResNet-18 again at every step, one image at a time: a few steps, times the rest."""
    backbone = plain_resnet()
    image = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        backbone(image)
        one = once(lambda: [backbone(image) for _ in range(5)])
    return Time(one.wall / 5 * (steps + count), one.cpu / 5 * (steps + count))


def _importance(table: Table, head: Head, means: Tensor) -> None:
    mean = means[0] + 0.5
    taken = take_turns(
        {
            "ours": lambda: retaining_ratio(mean, head, 0),
            "published": lambda: importance_tensor(mean[None], head, 0),
        },
        rounds=3,
    )
    table.add(
        Row(
            "importance of every neuron",
            f"{head.neurons} × {head.classes}",
            taken["ours"],
            published=taken["published"],
            floor=table.machine.floor(moved=4 * head.neurons * head.classes),
        )
    )
