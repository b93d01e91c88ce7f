"""Repairs: every method on cached features, against the backbone in the loop and scikit-learn.

With a GPU: the fits that run there, against the same on the CPU.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from torch import Tensor, nn

from neuroinspect_tui.repair_methods import RepairMethod
from neuroinspect_tui.stages.repair.candidates import Score
from neuroinspect_tui.stages.repair.examples import Examples
from neuroinspect_tui.stages.repair.gradient import EditSettings, edit
from neuroinspect_tui.stages.repair.logistic import towards
from neuroinspect_tui.stages.repair.methods import METHODS, fit, task_for
from neuroinspect_tui.stages.repair.plan import plan_parts
from neuroinspect_tui.tensors import Head, SplitFeatures, no_progress

from .baselines import edit_epoch
from .networks import plain_resnet
from .table import Row, Table
from .timing import Time, once, take_turns
from .worlds import make_head, make_split

NOISE = 1.6
CULPRITS = [3, 14, 15, 26, 5]
LOGISTIC: tuple[RepairMethod, ...] = ("dfr", "afr", "neurontune")
FAST: tuple[RepairMethod, ...] = ("ridge", "leace", "bias")
GROWTH = (
    (12_500, 2048, 100),
    (25_000, 2048, 100),
    (12_500, 512, 100),
    (12_500, 1024, 100),
    (12_500, 2048, 10),
)


def run(table: Table, quick: bool) -> None:
    """Fill the rows of stage 3."""
    if table.machine.on_gpu:
        _methods(table, (1_000, 64, 10) if quick else (50_000, 2048, 100), LOGISTIC)
        return
    _editing(table, images=32 if quick else 64, epochs=2 if quick else 20)
    _logistic(table, *((300, 32, 5) if quick else (4_000, 512, 20)))
    if quick:
        _methods(table, (1_000, 64, 10), tuple(METHODS))
        return
    for size in GROWTH:
        _methods(table, size, ("ridge",))
    _methods(table, (50_000, 2048, 100), tuple(METHODS), goals=True)
    _methods(table, (50_000, 2048, 1000), ("ridge",), goals=True)


def _methods(
    table: Table, size: tuple[int, int, int], methods: tuple[RepairMethod, ...], goals: bool = False
) -> None:
    """Fit and choose by each method once; `size` is that of the training split."""
    images, neurons, classes = size
    head, means = make_head(neurons, classes)
    with tempfile.TemporaryDirectory() as folder:
        splits = {
            name: make_split(Path(folder), count, head, means, NOISE, seed, name)
            for seed, (name, count) in enumerate(
                [("train", images), ("val", images // 10), ("test", images // 10)]
            )
        }
        plan = plan_parts(splits, "val", {})
        for method in methods:
            task = task_for(method, plan, head, 0, CULPRITS, 0, no_progress)
            pick, pick_name = None, ""
            if method == "ridge" and goals and classes == 100:
                pick, pick_name = _sklearn_ridge(splits["train"]), "sklearn, one strength"
            if table.machine.on_gpu:
                pick, pick_name = once(lambda task=task, method=method: fit(method, task)), "on the CPU"
                task = replace(task, device=torch.device(table.machine.device))
            products = 2 * len(plan.fit) * neurons * (neurons + classes)
            passes = 2 * len(plan.fit) * neurons
            wanted = 2.0 if method in FAST else 60.0
            table.add(
                Row(
                    f"repair by {method}",
                    f"{images} × {neurons} × {classes}",
                    once(lambda task=task, method=method: fit(method, task)),
                    pick=pick,
                    pick_name=pick_name,
                    floor=table.machine.floor(flops=products if method == "ridge" else 0, moved=passes),
                    goal=(10.0 if classes == 1000 else wanted) if goals else None,
                    basis=table.machine.basis,
                )
            )


def _sklearn_ridge(data: SplitFeatures) -> Time:
    """RidgeClassifier at one strength, without groups and without a choice of strength."""
    features, labels = data.features.float().numpy(), data.labels.numpy()
    return once(lambda: RidgeClassifier(alpha=1.0, solver="cholesky").fit(features, labels))


def _logistic(table: Table, images: int, neurons: int, classes: int) -> None:
    """The logistic head that afr and neurontune fit, and scikit-learn's, both for 50 iterations."""
    head, means = make_head(neurons, classes)
    with tempfile.TemporaryDirectory() as folder:
        data = make_split(Path(folder), images, head, means, NOISE)
        features, labels = data.features.float(), data.labels
    weights = torch.full((images,), 1.0 / images)
    model = LogisticRegression(C=1.0, max_iter=50, tol=1e-7)
    taken = take_turns(
        {
            "ours": lambda: towards(features, labels, weights, head, 1.0 / images),
            "sklearn": lambda: quietly(lambda: model.fit(features.numpy(), labels.numpy())),
        },
        rounds=1,
    )
    table.add(
        Row(
            "logistic head",
            f"{images} × {neurons} × {classes}",
            taken["ours"],
            pick=taken["sklearn"],
            pick_name="sklearn",
            floor=table.machine.floor(flops=4 * images * neurons * classes),
            note="floor: one iteration",
        )
    )


def quietly(way: Callable[[], object]) -> None:
    """Call `way` without scikit-learn's remark that the iterations are over."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        way()


def _editing(table: Table, images: int, epochs: int) -> None:
    """The paper's edit: features once and then heads alone, against the backbone in every epoch."""
    backbone = plain_resnet()
    for parameter in backbone.parameters():
        parameter.requires_grad_(True)
    pixels, labels = torch.rand(images, 3, 112, 112), torch.arange(images) % 10
    layer = nn.Linear(512, 10)
    start = Head(layer.weight.detach().clone(), layer.bias.detach().clone())
    batches = list(zip(pixels.split(32), labels.split(32), strict=True))
    published = once(lambda: edit_epoch(backbone, layer, batches, torch.tensor(CULPRITS)))

    def ours() -> None:
        with torch.inference_mode():
            features = torch.cat([backbone(batch) for batch, _ in batches])
        _edit(features.clone(), labels, start, epochs)

    table.add(
        Row(
            f"paper's edit, {epochs} epochs",
            f"{images} images, ResNet-18 at 112",
            once(ours),
            published=Time(published.wall * epochs, published.cpu * epochs),
            note="with the feature pass; published: one epoch, times the rest",
        )
    )


def _edit(features: Tensor, labels: Tensor, start: Head, epochs: int) -> None:
    settings = EditSettings(epochs=epochs, patience=epochs)
    neurons = torch.tensor(CULPRITS)
    edit(Examples.plain(features, labels), start, 0, neurons, settings, lambda head: Score(0.0, 0.0))
