"""Features of the confounded sets of real images (beside the checkout) and of the demo, as the repair benchmarks need them.

Features are extracted with plain torch and kept in a folder of the system's temporary
directory: reading 20 000 images takes a minute.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from neuroinspect_tui.stages.repair.plan import rows_of
from neuroinspect_tui.tensors import GroupColumn, Head, SplitFeatures
from neuroinspect_tui.torchvision_compat import import_torchvision

REPOSITORY = Path(__file__).resolve().parents[2]
REAL = REPOSITORY.parent / "shared" / "real"
CACHE = Path(tempfile.gettempdir()) / "neuroinspect-repair-study"
BATCH = 250
TRUTH = "truth"
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


@dataclass(frozen=True)
class Source:
    """A classifier and its set: the csv and the weights, the file and callable that build the module.

    `column` holds the cue and `present` its value; `target` is the class to debug (None: the worst on val).
    """

    name: str
    table: Path
    weights: Path
    file: Path
    model: str
    column: str
    present: str
    target: str | None = None


SOURCES = (
    Source(
        "bird/plane tint, ResNet-20",
        REAL / "tint_birdplane" / "metadata.csv",
        REAL / "tint_birdplane" / "model_cifar_resnet20.safetensors",
        REAL / "models.py",
        "resnet20_two",
        "confounder",
        "1",
    ),
    Source(
        "bird/plane tint, resnet10t",
        REAL / "tint_birdplane" / "metadata.csv",
        REAL / "tint_birdplane" / "model_resnet10t.safetensors",
        REAL / "models.py",
        "resnet10t_two",
        "confounder",
        "1",
    ),
    Source(
        "cat patch, ResNet-20",
        REAL / "patch_cat" / "metadata.csv",
        REAL / "patch_cat" / "model_cifar_resnet20.safetensors",
        REAL / "models.py",
        "resnet20",
        "confounder",
        "1",
        "cat",
    ),
    Source(
        "demo, boat on water",
        REPOSITORY / "assets" / "data" / "manifest.csv",
        REPOSITORY / "assets" / "classifier.safetensors",
        REPOSITORY / "neuroinspect_tui" / "demo" / "network.py",
        "demo_resnet",
        "background",
        "water",
        "boat",
    ),
)


@dataclass(frozen=True)
class Case:
    """One set: its splits with the true groups in the column `truth`, the head, the class names, the target."""

    name: str
    splits: dict[str, SplitFeatures]
    head: Head
    names: tuple[str, ...]
    target: int


def load_cases() -> list[Case]:
    """Return every set whose files are there, from the cache or by running its classifier once."""
    return [_load(source) for source in SOURCES if source.table.is_file()]


def skewed(case: Case) -> Case:
    """Return the case with a val split in which the cue follows the class as it does on train.

    Of each class, val keeps the images of the usual value and as many of the other as train would have,
    at least two: what a user has who did not balance the validation set.
    """
    train, val = case.splits["train"], case.splits["val"]
    kept = []
    for label in range(len(case.names)):
        seen = torch.bincount(train.groups[TRUTH].codes[train.labels == label], minlength=2)
        usual = int(seen.argmax())
        own = (val.labels == label) & (val.groups[TRUTH].codes == usual)
        other = ((val.labels == label) & (val.groups[TRUTH].codes != usual)).nonzero()[:, 0]
        count = max(2, round(int(own.sum()) * float(seen[1 - usual]) / float(seen[usual])))
        kept += [own.nonzero()[:, 0], other[:count]]
    splits = case.splits | {"val": rows_of(val, torch.cat(kept).sort().values)}
    return replace(case, name=f"{case.name}, skewed val", splits=splits)


def _load(source: Source) -> Case:
    digest = hashlib.sha256(source.weights.read_bytes() + source.table.read_bytes()).hexdigest()[:16]
    file = CACHE / f"{digest}.pt"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(_extract(source), file)
    stored = torch.load(file, weights_only=True)
    head = Head(stored["weight"], stored["bias"])
    splits = {name: split_of(name, stored[name], head) for name in ("train", "val", "test")}
    names = tuple(stored["names"])
    val = splits["val"]
    rates = [float((~val.mistakes)[val.labels == label].float().mean()) for label in range(len(names))]
    target = names.index(source.target) if source.target else rates.index(min(rates))
    return Case(source.name, splits, head, names, target)


def split_of(name: str, arrays: dict[str, torch.Tensor], head: Head) -> SplitFeatures:
    """Return a split of features, labels and the true cue."""
    features, labels = arrays["features"], arrays["labels"]
    logits = head.logits(features)
    top = logits.topk(min(5, head.classes), dim=1)
    return SplitFeatures(
        split=name,
        features=features,
        labels=labels,
        top_logits=top.values,
        top_classes=top.indices,
        confidence=logits.softmax(dim=1).max(dim=1).values,
        paths=[str(row) for row in range(len(labels))],
        rows=torch.arange(len(labels)),
        groups={TRUTH: GroupColumn(TRUTH, ("without", "with"), arrays["cue"])},
    )


def _extract(source: Source) -> dict[str, object]:
    """Run the classifier over every image of the set."""
    module = build(source.file, source.model)
    module.load_state_dict(load_file(source.weights))
    module.eval()
    layer = next(part for part in reversed(list(module.modules())) if isinstance(part, nn.Linear))
    with source.table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = {int(row["label"]): row["class_name"] for row in rows}
    found: dict[str, object] = {
        "weight": layer.weight.detach(),
        "bias": layer.bias.detach(),
        "names": [names[label] for label in sorted(names)],
    }
    for split in ("train", "val", "test"):
        own = [row for row in rows if row["split"] == split]
        found[split] = {
            "features": _features(module, layer, [source.table.parent / row["path"] for row in own]),
            "labels": torch.tensor([int(row["label"]) for row in own]),
            "cue": torch.tensor([int(row[source.column] == source.present) for row in own]),
        }
    return found


def build(file: Path, model: str) -> nn.Module:
    """Return the module that the callable `model` of a Python file builds."""
    import_torchvision()
    spec = importlib.util.spec_from_file_location("benchmark_models", file)
    assert spec is not None
    assert spec.loader is not None
    models = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(models)
    return getattr(models, model)()


@torch.inference_mode()
def _features(module: nn.Module, layer: nn.Module, paths: list[Path]) -> torch.Tensor:
    """Return the input of the decision layer for every image, [N,D] float16."""
    found: list[torch.Tensor] = []
    handle = layer.register_forward_hook(lambda _, inputs, __: found.append(inputs[0].half()))
    for start in range(0, len(paths), BATCH):
        images = [np.asarray(Image.open(path).convert("RGB")) for path in paths[start : start + BATCH]]
        pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        module((pixels - MEAN) / DEVIATION)
    handle.remove()
    return torch.cat(found).clone()
