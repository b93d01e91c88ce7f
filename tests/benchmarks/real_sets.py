"""The real benchmark sets that lie beside the checkout, and the demo, opened for studies and slow tests."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from neuroinspect_tui.config import ModelConfig, PreprocessConfig
from neuroinspect_tui.data.transforms import Preprocess, as_pixels, to_bytes
from neuroinspect_tui.demo import assets_dir, demo_config
from neuroinspect_tui.models.classifier import Classifier, load_classifier
from neuroinspect_tui.stages.fourier import FourierBasis

MODELS = {
    "patch_cat": ("model_cifar_resnet20.safetensors", "resnet20"),
    "tint_birdplane": ("model_cifar_resnet20.safetensors", "resnet20_two"),
    "tint_birdplane/severe": ("model_resnet10t.safetensors", "resnet10t_two"),
}
PREPROCESS = Preprocess(image_size=32, crop_pct=1.0)


@dataclass(frozen=True)
class RealSet:
    """One split: its images uint8 [N,32,32,3], its table, and what the classifier makes of them."""

    classifier: Classifier
    preprocess: Preprocess
    classes: list[str]
    rows: list[dict[str, str]]
    images: Tensor
    labels: Tensor
    features: Tensor
    logits: Tensor

    @property
    def basis(self) -> FourierBasis:
        """Measured on 256 images, evenly spread."""
        return FourierBasis.measured(as_pixels(self.images[:: max(1, len(self.images) // 256)]))


def open_real(real: Path, name: str, split: str = "val") -> RealSet:
    """Open one split of a benchmark set and run its classifier on it, on the CPU."""
    folder, (weights, function) = real / name.split("/")[0], MODELS[name]
    with (folder / "metadata.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    names = {int(row["label"]): row["class_name"] for row in rows}
    config = ModelConfig(f"{real / 'models.py'}:{function}", str(folder / weights))
    classifier = load_classifier(config, PreprocessConfig(image_size=32), len(names), torch.device("cpu"))
    return _looked_at(classifier, PREPROCESS, folder, rows, names)


def for_and_against(real_set: RealSet, class_name: str, count: int) -> tuple[list[int], list[int]]:
    """Return the `count` neurons that speak most for a class and most against it: W_cn times their spread."""
    weight = real_set.classifier.head.weight[real_set.classes.index(class_name)]
    order = (weight * real_set.features.std(0)).argsort(descending=True).tolist()
    return order[:count], order[-count:][::-1]


def planted_effect(test_set: RealSet) -> Tensor:
    """Return [D]: the mean change of each neuron when the cue alone is added, in standard deviations.

    The test split holds pairs of images that differ in the cue only: `STEM_0` without it, `STEM_1` with it.
    """
    pairs: dict[tuple[str, str], dict[str, int]] = {}
    for index, row in enumerate(test_set.rows):
        stem, _, cue = Path(row["path"]).stem.rpartition("_")
        pairs.setdefault((row["label"], stem), {})[cue] = index
    both = [pair for pair in pairs.values() if len(pair) == 2]
    without, having = ([pair[cue] for pair in both] for cue in "01")
    change = test_set.features[having] - test_set.features[without]
    return change.mean(0) / test_set.features.std(0).clamp_min(1e-6)


def open_demo(split: str = "val") -> RealSet:
    """Open one split of the demo's own group."""
    config, folder = demo_config(), assets_dir() / "data"
    with (folder / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    names = {int(row["label"]): row["class_name"] for row in rows}
    size = config.preprocess.image_size
    assert size is not None
    classifier = load_classifier(config.model, config.preprocess, len(names), torch.device("cpu"))
    return _looked_at(classifier, Preprocess(image_size=size, crop_pct=1.0), folder, rows, names)


def _looked_at(
    classifier: Classifier,
    preprocess: Preprocess,
    folder: Path,
    rows: list[dict[str, str]],
    names: dict[int, str],
) -> RealSet:
    images = torch.stack([to_bytes(Image.open(folder / row["path"]).convert("RGB")) for row in rows])
    parts = [classifier.forward(preprocess.normalise(as_pixels(part))) for part in images.split(250)]
    return RealSet(
        classifier,
        preprocess,
        [names[index] for index in range(len(names))],
        rows,
        images,
        torch.tensor([int(row["label"]) for row in rows]),
        torch.cat([part.features for part in parts]),
        torch.cat([part.logits for part in parts]),
    )


def cue_effect(data: RealSet, column: str, value: str) -> Tensor:
    """Return [D]: how much more each neuron fires, within classes, with the cue, in standard deviations."""
    having = torch.tensor([row[column] == value for row in data.rows])
    centred = data.features.clone()
    for label in data.labels.unique():
        centred[data.labels == label] -= centred[data.labels == label].mean(0)
    difference = centred[having].mean(0) - centred[~having].mean(0)
    return difference / data.features.std(0).clamp_min(1e-6)
