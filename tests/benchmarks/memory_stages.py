"""Every stage that works on cached features, on synthetic ones that a session keeps as after an evaluation."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args

import torch

from neuroinspect_tui.errors import Cancelled
from neuroinspect_tui.repair_methods import RepairMethod
from neuroinspect_tui.results import ClassRef
from neuroinspect_tui.session.features import FeatureStore, iterate_samples
from neuroinspect_tui.session.store import Session
from neuroinspect_tui.stages.culprits import find_culprits
from neuroinspect_tui.stages.evaluation import detect_permutation, summarise
from neuroinspect_tui.stages.exemplars import rank_exemplars
from neuroinspect_tui.stages.failure_modes import find_failure_modes
from neuroinspect_tui.stages.label_issues import find_label_issues
from neuroinspect_tui.stages.neuron_statistics import neuron_statistics
from neuroinspect_tui.stages.repair.run import repair_class
from neuroinspect_tui.stages.review import review_order
from neuroinspect_tui.stages.spurious import pulls
from neuroinspect_tui.stages.tags import make_groups
from neuroinspect_tui.stages.whatif import what_if
from neuroinspect_tui.tensors import GroupColumn, Shard, SplitFeatures

from .worlds import Numbered, draw, make_head

NOISE = 1.6
SHARD = 4096
PATIENCE = 30.0
"""Seconds after which a repair is stopped: by then every array of it has been made."""
CULPRITS = (3, 14, 159, 265, 358)


class Synthetic:
    """`rows` rows as train and val at once (the largest case), and a tenth as test."""

    def __init__(self, folder: Path, rows: int, neurons: int, classes: int, target: int) -> None:
        self.folder, self.target = folder, target
        self.head, self.means = make_head(neurons, classes)
        self.names = [f"class {index}" for index in range(classes)]
        with Session.open(folder / "session") as session:
            val = self._split(session, "val", rows)
            test = self._split(session, "test", max(1000, rows // 10))
        self.val, self.splits = val, {"val": val, "test": test}

    def _split(self, session: Session, name: str, rows: int) -> SplitFeatures:
        """Write shards as the evaluation does, unless they are there; merge and map them."""
        store = FeatureStore(session, name, rows)
        generator = torch.Generator().manual_seed(rows)
        for start in range(0, rows, SHARD) if not store.done() else ():
            store.write(self._shard(start, min(start + SHARD, rows), generator))
        place = (torch.arange(rows) * 2654435761 % 7 == 0).long()
        groups = {"place": GroupColumn("place", ("usual", "rare"), place)}
        return replace(store.open(Numbered(rows)), groups=groups)

    def _shard(self, start: int, stop: int, generator: torch.Generator) -> Shard:
        labels = torch.randint(self.head.classes, (stop - start,), generator=generator)
        features = draw(labels, self.means, NOISE, generator)
        logits, kinds = self.head.logits(features).topk(5, dim=1)
        confidence = logits.softmax(dim=1)[:, 0]
        rows = torch.arange(start, stop)
        return Shard(start, stop, rows, features, labels, logits, kinds, confidence)

    def stages(self) -> dict[str, Callable[[], object]]:
        """Return every stage by name."""
        data, head, target = self.val, self.head, self.target
        where = ClassRef(target, self.names[target])
        tags = {"val": {row: ("has", "not")[row % 2] for row in range(40)}}
        stages: dict[str, Callable[[], object]] = {
            "class table": lambda: summarise(data, (), self.names),
            "class order": lambda: detect_permutation(data.labels, data.predicted, head.classes),
            "culprits, default": lambda: find_culprits(data, head, where),
            "culprits, paper": lambda: find_culprits(data, head, where, "paper", step_limit=50),
            "what-if for the class": lambda: what_if(data, head, self.names, target, CULPRITS),
            "what-if everywhere": lambda: what_if(data, head, self.names, target, CULPRITS, 0.0, True),
            "review order": lambda: review_order(data, head, target, CULPRITS, tags["val"]),
            "tags carried to all images": lambda: make_groups(self.splits, tags),
            "exemplars": lambda: rank_exemplars(data, head, target, CULPRITS[0], 8),
            "spurious scores": lambda: pulls(data, head, target, CULPRITS),
            "neuron statistics": lambda: neuron_statistics(data),
            "label issues": lambda: find_label_issues(data, head),
            "failure modes": lambda: find_failure_modes(data, head),
            "every image for samples.csv": lambda: deque(iterate_samples(data), maxlen=0),
        }
        for method in get_args(RepairMethod):
            if method not in ("none", "auto"):
                stages[f"repair by {method}"] = partial(self._repair, method)
        return stages

    def _repair(self, method: RepairMethod) -> None:
        """Repair, but for no longer than it takes to see how much memory that needs."""
        until = time.monotonic() + PATIENCE

        def on_progress(done: int, total: int) -> None:
            if time.monotonic() > until:
                raise Cancelled

        with contextlib.suppress(Cancelled):
            repair_class(
                self.splits, self.head, self.target, self.names, method, CULPRITS, on_progress=on_progress
            )
