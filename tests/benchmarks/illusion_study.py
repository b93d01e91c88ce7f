"""`python -m tests.benchmarks.illusion_study`: do illusions identify the neurons that they were made for?

For the neurons that speak most for a class and most against it, by every recipe: the share of pictures in which
the own neuron is the strongest of all by activation / q99.9 (*identified*), the share with activation and robust
ratio of at least 1, how alike the pictures' activations are, what they are to the class. Prints the table in
Markdown and keeps a contact sheet of each recipe.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image

from neuroinspect_tui.models.clip import Clip, load_clip
from neuroinspect_tui.stages.illusion import make_illusions
from neuroinspect_tui.stages.illusion_numbers import IllusionResult
from neuroinspect_tui.stages.illusion_optimizer import Guide, Pair
from neuroinspect_tui.stages.neuron_statistics import NeuronStatistics
from neuroinspect_tui.stages.recipes import DEFAULT, PAPER, Recipe

from .real_sets import RealSet, for_and_against, open_demo, open_real

REAL = Path(__file__).resolve().parents[3] / "shared" / "real"
RECIPES = {
    "paper": PAPER,
    "default-64": DEFAULT,
    "default-128": replace(DEFAULT, steps=128),
    "default-64-alone": replace(DEFAULT, goal=None),
}
_COLUMNS = 10
HEADINGS = (
    "recipe",
    "neurons",
    "steps",
    "identified",
    "ratio ≥ 1",
    "robust ≥ 1",
    "robust, median",
    "p of the class, median",
    "cosine",
    "s a picture",
)


def main() -> None:
    """Run the recipes that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.illusion_study")
    parser.add_argument("recipes", nargs="*", choices=[[], *RECIPES])
    parser.add_argument(
        "--set", default="patch_cat", help="a set of real images beside the checkout, or demo"
    )
    parser.add_argument("--class", dest="target", default="cat")
    parser.add_argument("--count", type=int, default=20, help="neurons on each side")
    parser.add_argument("--clip", default="none")
    parser.add_argument("--sheets", type=Path, help="folder for contact sheets")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    debugged = open_demo() if chosen.set == "demo" else open_real(REAL, chosen.set)
    clip = load_clip(chosen.clip, torch.device("cpu"))
    print(_line(HEADINGS), _line(["---"] * len(HEADINGS)), sep="\n")
    for name in chosen.recipes or RECIPES:
        began = time.process_time()
        results = illustrate(debugged, chosen.target, chosen.count, RECIPES[name], clip)
        seconds = (time.process_time() - began) / len(results)
        for side, part in (("for", results[: chosen.count]), ("against", results[chosen.count :])):
            print(_line([name, f"{len(part)} {side}", *_numbers(part), f"{seconds:.2f}"]), flush=True)
        if chosen.sheets is not None:
            contact_sheet(results, _COLUMNS, chosen.sheets / f"illusions-{chosen.set}-{name}.png")


def illustrate(
    debugged: RealSet, class_name: str, count: int, recipe: Recipe, clip: Clip | None
) -> list[IllusionResult]:
    """Make a picture of each of `count` neurons for the class and as many against it, in this order."""
    speaking, opposing = for_and_against(debugged, class_name, count)
    target = debugged.classes.index(class_name)
    guide = None
    if clip is not None:
        guide = Guide(clip, {target: clip.class_embedding(class_name)}, {})
    data = NeuronStatistics(debugged.features.quantile(0.999, dim=0), debugged.basis)
    pairs = [Pair(neuron, target) for neuron in speaking + opposing]
    return make_illusions(debugged.classifier, debugged.preprocess, guide, pairs, data, recipe)


def _numbers(results: Sequence[IllusionResult]) -> list[str]:
    count = len(results)
    unit = F.normalize(torch.stack([result.features for result in results]), dim=1)
    cosine = float((unit @ unit.T).sum() - count) / (count * (count - 1))
    return [
        f"{statistics.mean(result.steps for result in results):.0f}",
        f"{sum(result.rank == 1 for result in results) / count:.0%}",
        f"{sum(result.ratio >= 1 for result in results) / count:.0%}",
        f"{sum(result.robust_ratio >= 1 for result in results) / count:.0%}",
        f"{statistics.median(result.robust_ratio for result in results):.2f}",
        f"{statistics.median(result.probability for result in results):.2f}",
        f"{cosine:.2f}",
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def contact_sheet(results: Sequence[IllusionResult], columns: int, path: Path, scale: int = 2) -> None:
    """Write all pictures, `columns` in a row, enlarged; grey frames where the neuron is not identified."""
    side = results[0].rgb.shape[0] * scale
    step = side + 4
    rows = -(-len(results) // columns)
    sheet = Image.new("RGB", (columns * step, rows * step), "white")
    for place, result in enumerate(results):
        picture = Image.fromarray(result.rgb.numpy()).resize((side, side), Image.Resampling.BICUBIC)
        corner = (place % columns * step, place // columns * step)
        if result.rank > 1:
            sheet.paste((90, 90, 90), (*corner, corner[0] + step, corner[1] + step))
        sheet.paste(picture, (corner[0] + 2, corner[1] + 2))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    main()
