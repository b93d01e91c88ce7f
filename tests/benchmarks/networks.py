"""The networks that the benchmarks run: published architectures with random weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neuroinspect_tui.torchvision_compat import import_torchvision


def plain_resnet(classes: int | None = None, name: str = "resnet18") -> nn.Module:
    """Return a torchvision ResNet in eval mode, as it comes; without `classes` it ends at its features."""
    torch.manual_seed(0)
    module: Any = import_torchvision().models.get_model(name, weights=None, num_classes=classes or 10)
    if classes is None:
        module.fc = nn.Identity()
    return module.eval()


class SmallNet(nn.Module):
    """A net so small that reading images is what takes the time."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 7, stride=8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.fc = nn.Linear(8, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.fc(self.body(images))
