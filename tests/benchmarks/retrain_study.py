"""`heavy python -m tests.benchmarks.retrain_study FOLDER [--epochs N] [--seed N]`: training with exported weights.

FOLDER is the folder `prescription` of a session on the cat patch set (weights.csv and sampler.py). The ResNet-20
is trained twice from the public CIFAR-10 weights, on the same images for as many steps: drawn evenly, and drawn
by the exported sampler. Prints the worst (class, patch) and the accuracy on test, and their cells' rates.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import RandomSampler, Sampler

from .repair_below import pixels
from .repair_data import BATCH, DEVIATION, MEAN, REAL, build

STEP, RATE = 64, 0.05


def exported_sampler(folder: Path, paths: list[str]) -> Sampler[int]:
    """Return the sampler of the exported sampler.py for these images, in this order."""
    spec = importlib.util.spec_from_file_location("exported_sampler", folder / "sampler.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made.sampler(paths)


def trained(images: Tensor, labels: Tensor, sampler: Sampler[int], epochs: int) -> nn.Module:
    """Train from the public weights on what the sampler draws, the rate falling to 0 in a line."""
    module = build(REAL / "models.py", "resnet20")
    module.load_state_dict(load_file(REAL / "cifar10_jpeg" / "model_cifar_resnet20.safetensors"))
    module.train()
    optimiser = torch.optim.SGD(module.parameters(), RATE, momentum=0.9, weight_decay=5e-4, nesterov=True)
    steps = epochs * (len(images) // STEP)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, steps)
    for _ in range(epochs):
        for rows in torch.tensor(list(sampler))[: len(images) // STEP * STEP].split(STEP):
            loss = F.cross_entropy(module((images[rows] - MEAN) / DEVIATION), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return module.eval()


@torch.inference_mode()
def rates(module: nn.Module, images: Tensor, labels: Tensor, cue: Tensor) -> tuple[float, float, list[float]]:
    """Return the worst cell's rate, the accuracy, and every (class, cue)'s rate, in percent."""
    parts = [module((part - MEAN) / DEVIATION).argmax(1) for part in images.split(BATCH)]
    right = (torch.cat(parts) == labels).float()
    cells = [100 * float(right[labels * 2 + cue == one].mean()) for one in range(2 * int(labels.max()) + 2)]
    return min(cells), 100 * float(right.mean()), cells


def main() -> None:
    """Train both ways and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.retrain_study")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with (REAL / "patch_cat" / "metadata.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    with (asked.folder / "weights.csv").open(newline="") as file:
        written = [row["path"] for row in csv.DictReader(file)]
    full = {Path(path).parts[-3:]: path for path in written}
    train, test = ([row for row in table if row["split"] == split] for split in ("train", "test"))
    images, labels = {}, {}
    for name, rows in (("train", train), ("test", test)):
        images[name] = pixels([row["path"] for row in rows])
        labels[name] = torch.tensor([int(row["label"]) for row in rows])
    cue = torch.tensor([int(row["confounder"]) for row in test])
    paths = [full[Path(row["path"]).parts[-3:]] for row in train]
    for name in ("drawn evenly", "drawn by weights.csv"):
        torch.manual_seed(asked.seed)
        evenly = name == "drawn evenly"
        sampler = RandomSampler(paths) if evenly else exported_sampler(asked.folder, paths)
        module = trained(images["train"], labels["train"], sampler, asked.epochs)
        worst, mean, cells = rates(module, images["test"], labels["test"], cue)
        print(f"{name}: worst {worst:.1f}, all {mean:.1f}", [round(one) for one in cells], flush=True)


if __name__ == "__main__":
    main()
