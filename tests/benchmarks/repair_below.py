"""`python -m tests.benchmarks.repair_below`: does an edit below the decision layer add to a repair of it?

On the cat patch set with a val as skewed as train. Pairs are images of train without the patch, and the same
with it drawn somewhere: better pairs than the product could make, so that what is measured is a bound. In one
convolution the direction k in which its input patches change most loses its effect by the closed-form rank-one
edit W' = W − s (W k)(C⁻¹k)ᵀ / (kᵀ C⁻¹ k), C the second moment of input patches without the cue (Meng et al.,
arXiv 2202.05262, eq. 2, with the value 0). The decision layer is then repaired on the new features, told all
true groups, as it is without the edit. Prints worst group / accuracy on test.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from neuroinspect_tui.stages.repair.plan import plan_parts
from neuroinspect_tui.stages.repair.run import propose
from neuroinspect_tui.tensors import Head

from .repair_data import BATCH, DEVIATION, MEAN, REAL, TRUTH, Case, build, load_cases, skewed, split_of
from .repair_rare import measure

SEEDS = (60, 61, 62)
USUAL_KEPT = 150
"""Training images of each class's usual value that are used: all of the rare ones are."""
PAIRS, PATCH = 300, 5
LAYERS = ((0, "conv1"), (0, "conv2"), (1, "conv1"), (1, "conv2"))
"""Of the last two residual blocks."""
SCALES = (0.5, 1.0)
MAGENTA = torch.tensor([1.0, 0.0, 1.0])[:, None, None]


def pixels(paths: list[str]) -> Tensor:
    """Return images [N,3,32,32] in 0…1."""
    folder = REAL / "patch_cat"
    images = [np.asarray(Image.open(folder / path).convert("RGB")) for path in paths]
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def marked(images: Tensor) -> Tensor:
    """Draw the patch into every image, somewhere."""
    found, random = images.clone(), np.random.default_rng(0)
    for image in found:
        top, left = random.integers(0, 32 - PATCH, 2)
        image[:, top : top + PATCH, left : left + PATCH] = MAGENTA
    return found


@torch.inference_mode()
def below(module: nn.Module, images: Tensor) -> Tensor:
    """Return what goes into the last two blocks, [N,64,8,8] float16."""
    found = []
    for part in images.split(BATCH):
        x = F.relu(module.bn1(module.conv1((part - MEAN) / DEVIATION)))
        found.append(module.layer3[0](module.layer2(module.layer1(x))).half())
    return torch.cat(found)


@torch.inference_mode()
def above(module: nn.Module, inputs: Tensor) -> Tensor:
    """Return the features [N,64] of what goes into the last two blocks."""
    blocks = module.layer3[1:]
    return torch.cat([blocks(part.float()).mean((2, 3)) for part in inputs.split(BATCH)])


@torch.inference_mode()
def patches(module: nn.Module, layer: nn.Conv2d, inputs: Tensor) -> Tensor:
    """Return the input patches [N,L,D] of one convolution."""
    found: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _, given, __: found.append(given[0]))
    above(module, inputs)
    handle.remove()
    return F.unfold(torch.cat(found), 3, padding=1).transpose(1, 2)


def edit(module: nn.Module, layer: nn.Conv2d, pairs: tuple[Tensor, Tensor]) -> Tensor:
    """Return the rank-one change of the layer's weight for the whole step."""
    without, having = (patches(module, layer, one) for one in pairs)
    change = (having - without).flatten(0, 1)
    key = torch.linalg.eigh(change.T @ change).eigenvectors[:, -1]
    rows = without.flatten(0, 1)
    moment = rows.T @ rows / len(rows)
    moment.diagonal().add_(1e-2 * moment.diagonal().mean())
    against = torch.linalg.solve(moment, key)
    weight = layer.weight.flatten(1)
    return -(torch.outer(weight @ key, against) / (key @ against)).view_as(layer.weight)


def rows_used(case: Case) -> Tensor:
    """Return the rows of train that are used."""
    train = case.splits["train"]
    cell = train.labels * 2 + train.groups[TRUTH].codes
    return torch.cat([(cell == one).nonzero()[:USUAL_KEPT, 0] for one in cell.unique()]).sort().values


def repaired(
    case: Case, features: dict[str, Tensor], used: dict[str, Tensor]
) -> Iterator[tuple[float, float]]:
    """Yield worst group and accuracy on test of the repair on new features, draw by draw."""
    splits = {}
    for name, split in case.splits.items():
        rows = used[name]
        arrays = {"labels": split.labels[rows], "cue": split.groups[TRUTH].codes[rows]}
        made = split_of(name, {"features": features[name], **arrays}, case.head)
        splits[name] = replace(made, paths=[split.paths[row] for row in rows.tolist()])
    edited = replace(case, splits=splits)
    for seed in SEEDS:
        plan = plan_parts(splits, "val", {}, (), seed, (TRUTH,))
        yield measure(edited, propose(plan, case.head, case.target, "auto", (), seed).candidate.head)


def main() -> None:
    """Measure every layer and scale."""
    torch.set_num_threads(1)
    case = next(one for one in load_cases() if one.name.startswith("cat patch"))
    with (REAL / "patch_cat" / "metadata.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    case = skewed(case)
    module = build(REAL / "models.py", "resnet20")
    module.load_state_dict(load_file(REAL / "patch_cat" / "model_cifar_resnet20.safetensors"))
    module.eval()
    used = {name: torch.arange(len(split)) for name, split in case.splits.items()}
    used["train"] = rows_used(case)
    inputs, pairs = {}, None
    for name, split in case.splits.items():
        own = [row["path"] for row in table if row["split"] == name]
        images = pixels([own[int(split.paths[row])] for row in used[name].tolist()])
        inputs[name] = below(module, images)
        if name == "train":
            plain = split.groups[TRUTH].codes[used[name]] == 0
            chosen = images[plain][:: max(1, int(plain.sum()) // PAIRS)]
            pairs = below(module, chosen), below(module, marked(chosen))
    assert pairs is not None
    untouched: Head = case.head
    print("untouched", *(f"{value:.1f}" for value in measure(case, untouched)), flush=True)

    def row(name: str) -> None:
        found = list(repaired(case, {split: above(module, one) for split, one in inputs.items()}, used))
        worst, mean = (sum(column) / len(found) for column in zip(*found, strict=True))
        print(f"{name}: {worst:.1f} / {mean:.1f}", [round(one, 1) for one, _ in found], flush=True)

    row("decision layer alone")
    for block, name in LAYERS:
        layer = getattr(module.layer3[1 + block], name)
        step, kept = edit(module, layer, pairs), layer.weight.detach().clone()
        for scale in SCALES:
            layer.weight.data = kept + scale * step
            row(f"{name} of block {block + 1}, {scale:g} of the step")
        layer.weight.data = kept


if __name__ == "__main__":
    main()
