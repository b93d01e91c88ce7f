"""Trains the demo's classifier on its training split, shortcuts and all."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .network import demo_resnet

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
EPOCHS = 27
BATCH = 32
PEAK_RATE = 4e-3


def normalised(pixels: Tensor) -> Tensor:
    """Return uint8 pixels [N,3,H,W] as the classifier's input."""
    return (pixels.float() / 255 - MEAN) / STD


def shifted(images: Tensor, generator: torch.Generator, reach: int = 4) -> Tensor:
    """Return the batch moved by up to `reach` pixels each way, edges repeated, mirrored half the time."""
    padded = F.pad(images, (reach,) * 4, mode="replicate")
    top, left = torch.randint(0, 2 * reach + 1, (2,), generator=generator).tolist()
    moved = padded[:, :, top : top + images.shape[2], left : left + images.shape[3]]
    return moved.flip(3) if torch.rand((), generator=generator) < 0.5 else moved


def train_classifier(
    pixels: Tensor, labels: Tensor, seed: int, report: Callable[[str], None], epochs: int = EPOCHS
) -> nn.Module:
    """Return the classifier trained on uint8 pixels [N,3,64,64] and labels [N], from this seed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network: nn.Module = demo_resnet()
    images = normalised(pixels).contiguous(memory_format=torch.channels_last)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=0.05)
    steps = epochs * (len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.2)
    for epoch in range(epochs):
        order = torch.randperm(len(labels), generator=generator)
        total = 0.0
        for rows in order.split(BATCH):
            if len(rows) < BATCH:
                continue
            loss = F.cross_entropy(network(shifted(images[rows], generator)), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        report(f"classifier epoch {epoch + 1}/{epochs}: loss {total * BATCH / len(labels):.3f}")
    return network.eval()


@torch.inference_mode()
def predictions(network: nn.Module, pixels: Tensor) -> Tensor:
    """Return the predicted class [N] of uint8 pixels [N,3,64,64]."""
    return torch.cat([network(normalised(part)).argmax(1) for part in pixels.split(256)])
