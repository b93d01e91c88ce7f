"""What the user waits for, at the size of ImageNet's validation set, and how it grows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.metrics import classification_report, confusion_matrix

from neuroinspect_tui.results import ClassRef
from neuroinspect_tui.stages.culprits import find_culprits
from neuroinspect_tui.stages.evaluation import summarise
from neuroinspect_tui.stages.review import review_order
from neuroinspect_tui.stages.whatif import what_if
from neuroinspect_tui.tensors import GroupColumn, Head, SplitFeatures

from .baselines import all_logits
from .table import Row, Table
from .timing import take_turns
from .worlds import make_head, make_split

NOISE = 1.6
"""Makes a head of 2048 neurons and 1000 classes right on about 70 % of the images."""
TARGET = 3
SIZES = ((12_500, 2048, 1000), (25_000, 2048, 1000), (50_000, 2048, 1000))
WIDTHS = ((12_500, 512, 1000), (12_500, 1024, 1000))
CLASSES = ((12_500, 2048, 10), (12_500, 2048, 100))


def run(table: Table, quick: bool) -> None:
    """Fill the rows of every stage that works on cached features, smallest sizes first."""
    sizes = ((2_000, 256, 20),) if quick else (*WIDTHS, *CLASSES, *SIZES)
    with tempfile.TemporaryDirectory() as folder:
        for neurons, classes in dict.fromkeys(size[1:] for size in reversed(sizes)):
            head, means = make_head(neurons, classes)
            counts = [size[0] for size in reversed(sizes) if size[1:] == (neurons, classes)]
            whole = make_split(Path(folder), counts[0], head, means, NOISE)
            for images in counts:
                goals = quick or (images, neurons, classes) == SIZES[-1]
                _stages(table, first(whole, images), head, goals)


def first(data: SplitFeatures, images: int) -> SplitFeatures:
    """Return the first rows of a split."""
    columns = {
        name: GroupColumn(name, column.values, column.codes[:images]) for name, column in data.groups.items()
    }
    names = ("features", "labels", "top_logits", "top_classes", "confidence", "rows")
    return replace(data, groups=columns, **{name: getattr(data, name)[:images] for name in names})


def _stages(table: Table, data: SplitFeatures, head: Head, goals: bool) -> None:
    size = f"{len(data)} × {head.neurons} × {head.classes}"
    names = [f"class {index}" for index in range(head.classes)]
    report = find_culprits(data, head, ClassRef(TARGET, names[TARGET]))
    culprits = [row.neuron for row in (*report.excessive, *report.insufficient)]
    accuracy = float((data.predicted == data.labels).double().mean())

    def add(
        stage: str,
        ours: Callable[[], object],
        goal: float,
        moved: float,
        pick: tuple[str, Callable] | None = None,
    ) -> None:
        taken = take_turns({"ours": ours, **({pick[0]: pick[1]} if pick else {})}, rounds=5 if goals else 3)
        table.add(
            Row(
                stage,
                size,
                taken["ours"],
                pick=taken[pick[0]] if pick else None,
                pick_name=pick[0] if pick else "",
                floor=table.machine.floor(moved=moved),
                goal=goal if goals else None,
                note=f"accuracy {accuracy:.0%}" if stage == "class table" else "",
            )
        )

    labels, predicted = data.labels.numpy(), data.predicted.numpy()
    add(
        "class table",
        lambda: summarise(data, (), names),
        0.5,
        16 * len(data),
        ("sklearn", lambda: sklearn_table(labels, predicted, names)) if goals else None,
    )
    add(
        "culprits of a class",
        lambda: find_culprits(data, head, ClassRef(TARGET, names[TARGET])),
        0.5,
        16 * len(data) + 2 * head.neurons * int((data.labels == TARGET).sum()),
    )
    for count in (1, 5, 30) if goals else (5,):
        chosen = culprits[:count]
        for where, target in (("for the class", TARGET), ("everywhere", None)):
            add(
                f"what-if, {len(chosen)} neurons {where}",
                lambda chosen=chosen, target=target: what_if(
                    data, head, names, TARGET, chosen, 0.0, target is None
                ),
                0.1,
                2 * len(data) * len(chosen),
                (
                    "all logits",
                    lambda chosen=chosen, target=target: all_logits(data.features, head, chosen, target),
                )
                if goals and count == 5
                else None,
            )
    add("review order", lambda: review_order(data, head, TARGET, culprits[:5], {}), 0.2, 16 * len(data))


def sklearn_table(labels: np.ndarray, predicted: np.ndarray, names: list[str]) -> object:
    """What a user would write: scikit-learn's report and confusion matrix."""
    every = list(range(len(names)))
    report = classification_report(
        labels, predicted, labels=every, target_names=names, output_dict=True, zero_division=0
    )
    return report, confusion_matrix(labels, predicted, labels=every)
