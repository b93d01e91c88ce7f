"""The published ways, written plainly from the equations (arXiv 2310.07184): what the stages are measured against."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neuroinspect_tui.tensors import Head

ALPHA, BETA = 0.1, 0.01


def counterfactual_loop(
    images: Iterable[Tensor],
    labels: Iterable[int],
    features_of: Callable[[Tensor], Tensor],
    head: Head,
    limit: int,
) -> list[Tensor]:
    """Find δ one image at a time by autograd; `features_of` is asked again at every step, as published.

    Pass the backbone and images for the published way, or the identity and features for the loop alone.
    """
    found = []
    for image, label in zip(images, labels, strict=True):
        delta = torch.zeros(head.neurons, requires_grad=True)
        optimizer = torch.optim.SGD([delta], lr=0.01, momentum=0.9)
        target = torch.tensor([label])
        for _ in range(limit):
            with torch.no_grad():
                z = features_of(image[None])
            logits = F.linear(z + delta, head.weight, head.bias)
            if int(logits.argmax()) == label:
                break
            penalty = ALPHA * delta.abs().sum() + BETA * delta.pow(2).sum().add(1e-24).sqrt()
            loss = F.cross_entropy(logits, target) + penalty / head.neurons
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        found.append(delta.detach())
    return found


def importance_tensor(batch: Tensor, head: Head, target: int) -> Tensor:
    """Return the retaining ratio [D], averaged over features [B,D], through a B x D x D tensor."""
    images, neurons = batch.shape
    without = batch[:, None, :].repeat(1, neurons, 1)
    without[:, torch.arange(neurons), torch.arange(neurons)] = 0
    kept = head.logits(batch).softmax(dim=1)[:, target]
    left = head.logits(without.reshape(images * neurons, neurons)).softmax(dim=1)[:, target]
    return (kept[:, None] / left.view(images, neurons)).mean(dim=0)


def forward_loop(
    module: nn.Module, batches: Iterable[Tensor], device: torch.device, dtype: torch.dtype
) -> int:
    """Run a model over batches the way anybody would, and count what it predicts as class 0."""
    count = 0
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        for batch in batches:
            found = module(batch.to(device, non_blocking=True)).argmax(dim=1)
            count += int((found == 0).sum())
    return count


def edit_epoch(
    module: nn.Module, head: nn.Linear, batches: Iterable[tuple[Tensor, Tensor]], neurons: Tensor
) -> None:
    """Train the decision layer for one epoch with the backbone in the loop, in `train()` mode, as published."""
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-3)
    mask = torch.ones(head.in_features)
    mask[neurons] = 0
    module.train()
    for images, labels in batches:
        z = module(images)
        chance = head(z).softmax(dim=1)[:, 0]
        without = head(z * mask).softmax(dim=1)[:, 0]
        loss = F.cross_entropy(head(z), labels) + 0.01 * (chance / without - 1).norm()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    module.eval()


def all_logits(
    features: Tensor, head: Head, neurons: list[int], target: int | None, block: int = 4096
) -> Tensor:
    """Return the predictions [N] of the head with `neurons` off, from all logits again."""
    weight = head.weight.clone()
    rows = slice(None) if target is None else target
    weight[rows, neurons] = 0
    return torch.cat(
        [F.linear(part.float(), weight, head.bias).argmax(dim=1) for part in features.split(block)]
    )
