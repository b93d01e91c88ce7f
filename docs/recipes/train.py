"""Train a classifier for one of the recipes: `python docs/recipes/train.py --help`.

The package reads model and data, so class order and preprocessing are those that `neuroinspect` will use; the
loop is plain PyTorch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from neuroinspect_tui.config import DataConfig, ModelConfig
from neuroinspect_tui.data.dataset import ImageDataset, Split, load_dataset
from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.device import choose_device
from neuroinspect_tui.models.sources import open_model
from neuroinspect_tui.torchvision_compat import import_torchvision


def parser() -> argparse.ArgumentParser:
    """Return the options; the defaults are those of the published Flowers102 and Food101 runs."""
    made = argparse.ArgumentParser(description="Train a classifier for a recipe.")
    made.add_argument(
        "-m", "--model", required=True, help="as for neuroinspect; names start from ImageNet weights"
    )
    made.add_argument("-d", "--data", required=True, help="as for neuroinspect, with a split train")
    made.add_argument("--data-root", help="where torchvision data sets lie")
    made.add_argument("--allow-outside", action="store_true", help="follow links that leave the data folder")
    made.add_argument("-o", "--output", required=True, help="the .safetensors file to write")
    made.add_argument("--epochs", type=int, default=30)
    made.add_argument("--rate", type=float, default=2e-3, help="of Adam, falls to 1e-4 as a cosine")
    made.add_argument("--decay", type=float, default=0.0, help="weight decay")
    made.add_argument("--batch", type=int, default=128)
    made.add_argument("--freeze", action="store_true", help="train the decision layer alone")
    made.add_argument("--image-size", type=int, default=224)
    made.add_argument("--crop-pct", type=float, default=0.875)
    made.add_argument("--device", default="auto")
    made.add_argument("--workers", type=int, default=4)
    made.add_argument("--seed", type=int, default=0)
    return made


class Images(Dataset[tuple[Tensor, int]]):
    """A split as (image [3,S,S], label) pairs."""

    def __init__(self, split: Split, transform: Callable[[Image.Image], Tensor]) -> None:
        self.split, self.transform = split, transform

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return self.transform(self.split.open(row)), int(self.split.labels[row])


def with_outputs(model: nn.Module, classes: int) -> tuple[nn.Module, nn.Linear]:
    """Return the model and its last linear layer, a new one unless it has `classes` outputs already."""
    name, last = [pair for pair in model.named_modules() if isinstance(pair[1], nn.Linear)][-1]
    if last.out_features != classes:
        last = nn.Linear(last.in_features, classes)
        model.set_submodule(name, last)
    return model, last


def loaders(data: ImageDataset, options: argparse.Namespace) -> tuple[DataLoader, DataLoader | None]:
    """Return `train`, shuffled, shifted and rotated, and `val` as it is seen (None: there is none)."""
    transforms = import_torchvision().transforms
    seen = Preprocess(options.image_size, options.crop_pct)
    moved = transforms.Compose(
        [
            seen.frame,
            transforms.RandomAffine(15, (0.15, 0.15)),
            transforms.ToTensor(),
            transforms.Normalize(seen.mean, seen.std),
        ]
    )
    train = Images(data.split("train"), moved)
    val = Images(data.split("val"), seen) if "val" in data.splits else None
    return (
        DataLoader(train, options.batch, shuffle=True, num_workers=options.workers),
        DataLoader(val, options.batch, num_workers=options.workers) if val else None,
    )


@torch.inference_mode()
def accuracy(model: nn.Module, batches: DataLoader, device: torch.device) -> float:
    """Return the share of right decisions."""
    model.eval()
    right = [model(images.to(device)).argmax(dim=1).cpu() == labels for images, labels in batches]
    return float(torch.cat(right).float().mean())


def train(model: nn.Module, head: nn.Module, options: argparse.Namespace, data: ImageDataset) -> None:
    """Train by Adam, and write the weights of the best epoch on `val` (without `val`: of the last)."""
    device = choose_device(options.device)
    batches, held_out = loaders(data, options)
    model.to(device)
    learned = head if options.freeze else model
    weights = [weight for weight in learned.parameters() if weight.requires_grad]
    optimiser = torch.optim.Adam(weights, lr=options.rate, weight_decay=options.decay)
    steps = options.epochs * len(batches)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, min(1e-4, options.rate))
    best = -1.0
    for epoch in range(1, options.epochs + 1):
        model.train(not options.freeze)
        for images, labels in batches:
            loss = nn.functional.cross_entropy(model(images.to(device)), labels.to(device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        found = accuracy(model, held_out, device) if held_out else float(epoch)
        if held_out:
            print(f"epoch {epoch}/{options.epochs}: accuracy on val {100 * found:.2f} %", flush=True)
        if found > best:
            best = found
            save_file({name: tensor.cpu() for name, tensor in model.state_dict().items()}, options.output)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the script."""
    options = parser().parse_args(arguments)
    torch.manual_seed(options.seed)
    wanted = DataConfig(options.data, options.data_root, "train", allow_outside=options.allow_outside)
    try:
        data = load_dataset(wanted)
        made = open_model(ModelConfig(options.model), lambda: data.class_names).module
    except InputError as error:
        raise SystemExit(f"train.py: {error}") from None
    model, head = with_outputs(made, len(data.class_names))
    train(model, head, options, data)


if __name__ == "__main__":
    main()
