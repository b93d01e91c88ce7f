"""`python -m tests.benchmarks.gpu [--device cuda] [--tiny]`: what only a GPU can tell, in at most twelve minutes.

In order of worth: evaluation from JPEG files and reading by processes, threads and DataLoader; illusions; 64 units
painted; failure modes and cover test at 50 000 images; repairs; key latency while a GPU works; peak memory. A part
that fails is named and the others go on. `--tiny --device cpu` runs every part in small, to see that it runs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.models.classifier import Classifier, prepare
from neuroinspect_tui.models.device import choose_painting_precision
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.stages.counterfactual_pictures import without_cue
from neuroinspect_tui.stages.failure_modes import find_failure_modes
from neuroinspect_tui.stages.illusion import make_illusions
from neuroinspect_tui.stages.illusion_optimizer import Guide, Pair
from neuroinspect_tui.stages.neuron_statistics import NeuronStatistics
from neuroinspect_tui.stages.recipes import DEFAULT

from . import evaluation_speed, heads_speed, illusion_speed
from .latency import centiles, latencies
from .networks import plain_resnet
from .table import Row, Table
from .timing import Machine, take_turns
from .worlds import make_head, make_split

MINUTES = 12.0
TARGET = 3


def main() -> None:
    """Run the parts while there is time and write the table after each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="small sizes: a check that everything runs")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="after which nothing more is begun")
    parser.add_argument("--out", type=Path, default=Path("out/bench-gpu.json"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    table, until = Table(Machine.measured(chosen.device)), time.monotonic() + 60 * chosen.minutes
    for part in PARTS:
        if time.monotonic() > until:
            print(f"left out, for {chosen.minutes:g} minutes were over: {part.__name__}")
            continue
        try:
            part(table, chosen.tiny)
        except Exception:
            print(f"{part.__name__} failed:\n{traceback.format_exc()}", flush=True)
        table.write(chosen.out)
    print(f"\n{table.text()}")


def evaluation(table: Table, tiny: bool) -> None:
    """Images in memory, reading, and JPEG folders from end to end."""
    evaluation_speed.run(table, tiny)


def illusions(table: Table, tiny: bool) -> None:
    """A picture and step, against the published loop."""
    illusion_speed.run(table, tiny)


def units(table: Table, tiny: bool) -> None:
    """10 and 64 neurons painted by the default recipe, from the request to the measured pictures."""
    device, size = torch.device(table.machine.device), 64 if tiny else 224
    classifier = _classifier(device, size, tiny)
    clip = illusion_speed.random_clip(device, choose_painting_precision(device))
    guide = Guide(clip, {TARGET: F.normalize(torch.randn(512), dim=0).to(device)}, {})
    statistics = NeuronStatistics(torch.ones(classifier.head.neurons))
    recipe = replace(DEFAULT, steps=2) if tiny else DEFAULT
    for count in (1, 2) if tiny else (10, 64):
        pairs = [Pair(neuron, TARGET) for neuron in range(count)]
        paint = partial(
            make_illusions,
            classifier,
            Preprocess(size),
            guide,
            pairs,
            statistics,
            recipe,
            dtype=choose_painting_precision(device),
        )
        taken = take_turns({"ours": paint}, rounds=1)
        goal = 1.0 if count == 10 else None
        table.add(
            Row("illusions, after a first one", f"{count} neurons, {size} px", taken["ours"], goal=goal)
        )


def modes(table: Table, tiny: bool) -> None:
    """Failure modes of cached features, and the cover test of 64 images."""
    device, size = torch.device(table.machine.device), 64 if tiny else 224
    images, neurons, classes = (600, 64, 10) if tiny else (50_000, 2048, 100)
    head, means = make_head(neurons, classes)
    with tempfile.TemporaryDirectory() as folder:
        data = make_split(Path(folder), images, head, means, noise=1.6)
        found = take_turns({"ours": lambda: find_failure_modes(data, head)}, rounds=1, warm=False)
    table.add(Row("failure modes", f"{images} × {neurons} × {classes}", found["ours"]))
    classifier, count = _classifier(device, size, tiny), 4 if tiny else 64
    direction = torch.randn(classifier.head.neurons)

    def read(rows: list[int]) -> Tensor:
        return torch.rand(len(rows), 3, size, size, generator=torch.Generator().manual_seed(rows[0]))

    def cover() -> None:
        list(without_cue(classifier, Preprocess(size), direction, range(count), read))

    table.add(
        Row("cover test of a mode", f"{count} images, {size} px", take_turns({"ours": cover}, 1)["ours"])
    )


def repairs(table: Table, tiny: bool) -> None:
    """The logistic heads on the GPU."""
    heads_speed.run(table, tiny)


def keys(table: Table, tiny: bool) -> None:
    """From a key press to its paint, idle and while pictures are painted."""
    if tiny:
        print("key latency: left out of the tiny form (tests.benchmarks.latency measures it on a CPU)")
        return
    with tempfile.TemporaryDirectory() as folder:
        options = ["--demo", "--device", table.machine.device, "-o", f"{folder}/demo"]
        for state, times in latencies(options).items():
            middle, high = centiles(times)
            print(
                f"key → paint, {state}: p50 {1e3 * middle:.0f} ms, p95 {1e3 * high:.0f} ms (goal 50)",
                flush=True,
            )


def memory(table: Table, tiny: bool) -> None:
    """The GPU memory that all the parts before took at most."""
    if table.machine.on_gpu:
        print(f"peak GPU memory of all of the above: {torch.cuda.max_memory_allocated() / 1e9:.2f} GB")
    else:
        print("peak GPU memory: there is no GPU")


def _classifier(device: torch.device, size: int, tiny: bool) -> Classifier:
    name = "resnet18" if tiny else "resnet50"
    return prepare(ModelSource(name, plain_resnet(10, name)), 10, size, device, torch.float32)


Part = Callable[[Table, bool], None]
PARTS: tuple[Part, ...] = (evaluation, illusions, units, modes, repairs, keys, memory)

if __name__ == "__main__":
    main()
