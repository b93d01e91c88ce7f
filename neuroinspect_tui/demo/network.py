"""The demo's classifier: a residual network for 64×64 pictures with 96 penultimate neurons."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 8
WIDTHS = (16, 32, 96)


def conv_norm(width_in: int, width: int, stride: int, size: int = 3) -> nn.Sequential:
    """Return a convolution without bias and its batch norm."""
    conv = nn.Conv2d(width_in, width, size, stride, size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width))


class Block(nn.Module):
    """Two convolutions beside a shortcut; [B,width_in,h,w] → [B,width,h/stride,w/stride]."""

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = conv_norm(width_in, width, stride)
        self.second = conv_norm(width, width, 1)
        same = stride == 1 and width_in == width
        self.shortcut = nn.Identity() if same else conv_norm(width_in, width, stride, size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return ReLU(residual + shortcut)."""
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


class DemoResNet(nn.Module):
    """Images [B,3,64,64], normalised with the ImageNet mean and std → logits [B,C].

    Penultimate features are the mean over an 8×8 map after a ReLU: ≥ 0.
    """

    def __init__(self, num_classes: int = CLASSES, widths: tuple[int, int, int] = WIDTHS) -> None:
        super().__init__()
        self.stem = conv_norm(3, widths[0], 2)
        self.stages = nn.Sequential(
            Block(widths[0], widths[0], 1), Block(widths[0], widths[1], 2), Block(widths[1], widths[2], 2)
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(widths[2], num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        x = self.stages(F.relu(self.stem(images)))
        logits: Tensor = self.fc(self.pool(x).flatten(1))
        return logits


def demo_resnet() -> nn.Module:
    """Return the untrained classifier: `-m neuroinspect_tui.demo.network:demo_resnet`."""
    return DemoResNet()
