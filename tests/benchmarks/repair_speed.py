"""How long the repair methods take at 50 000 images × 2048 neurons × 100 classes.

    python -m tests.benchmarks.repair_speed [method …]

Features are random fp16 in memory-mapped files, as the session keeps them; groups are a value of two for every
image, 95 % of them the usual one of the class. One line a method: seconds to fit and choose it, the controls
not included. Goals: ridge, leace and bias in 2 s, the others in 60 s, on 2 cores.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from neuroinspect_tui.repairs import RepairMethod
from neuroinspect_tui.stages.repair.methods import METHODS, fit, task_for
from neuroinspect_tui.stages.repair.plan import plan_parts
from neuroinspect_tui.tensors import GroupColumn, Head, SplitFeatures, no_tick

IMAGES = {"train": 50_000, "val": 5_000, "test": 5_000}
NEURONS, CLASSES = 2048, 100
CULPRITS = [3, 14, 159, 265, 358]
GOALS = {"ridge": 2, "leace": 2, "bias": 2}


def make_split(name: str, folder: Path, centres: torch.Tensor, head: Head) -> SplitFeatures:
    """Draw one split: non-negative features around a centre for each class and one for each group."""
    generator = torch.Generator().manual_seed(len(name))
    count = IMAGES[name]
    labels = torch.randint(CLASSES, (count,), generator=generator)
    codes = (labels % 2) ^ (torch.rand(count, generator=generator) < 0.05).long()
    path = folder / f"{name}.npy"
    features = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(count, NEURONS))
    for start in range(0, count, 5_000):
        rows = slice(start, start + 5_000)
        noise = torch.randn(len(labels[rows]), NEURONS, generator=generator)
        block = (noise + centres[labels[rows]] + centres[CLASSES + codes[rows]]).relu_()
        features[rows] = block.half().numpy()
    features.flush()
    stored = torch.from_numpy(np.load(path, mmap_mode="c"))
    logits, classes = torch.cat([head.logits(part) for part in stored.split(5_000)]).topk(5, dim=1)
    return SplitFeatures(
        split=name,
        features=stored,
        labels=labels,
        top_logits=logits,
        top_classes=classes,
        confidence=logits.softmax(dim=1)[:, 0],
        paths=[str(row) for row in range(count)],
        rows=torch.arange(count),
        groups={"place": GroupColumn("place", ("usual", "rare"), codes)},
    )


def main(methods: list[str]) -> None:
    """Time the methods that are named, or all."""
    generator = torch.Generator().manual_seed(0)
    centres = 0.1 * torch.randn(CLASSES + 2, NEURONS, generator=generator)
    head = Head(centres[:CLASSES] - centres.mean(dim=0), torch.zeros(CLASSES))
    with tempfile.TemporaryDirectory() as folder:
        splits = {name: make_split(name, Path(folder), centres, head) for name in IMAGES}
        plan = plan_parts(splits, "val", {})
        print(f"{torch.get_num_threads()} threads, {len(plan.fit)} × {NEURONS} × {CLASSES}")
        names: list[RepairMethod] = [name for name in METHODS if not methods or name in methods]
        for name in names:
            task = task_for(name, plan, head, 0, CULPRITS, 0, no_tick)
            started, worked = time.perf_counter(), time.process_time()
            candidate, score = fit(name, task)
            seconds, cpu = time.perf_counter() - started, time.process_time() - worked
            said = "reached" if seconds <= GOALS.get(name, 60) else "missed"
            print(
                f"{name:11s}{seconds:7.1f} s ({cpu:.1f} s CPU)  goal {GOALS.get(name, 60)} s {said}  "
                f"worst {score.worst:.3f} {candidate.parameters}",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
