"""Small modules that end in different ways, for the tests of this room."""

import torch
import torch.nn.functional as F
from torch import nn

from neuroinspect_tui.torchvision_compat import import_torchvision


class Backbone(nn.Module):
    """Images [B,3,H,W] to a rectified map [B,6,H/2,W/2]; no batch norm, every op a function or module."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, 2, 1)

    def forward(self, x):
        return F.relu(self.conv(x))


class LinearHead(nn.Module):
    """Named so that a guess by name would go wrong: `classifier` and `fc` are not the decision layer."""

    def __init__(self, classes=4, bias=True):
        super().__init__()
        self.classifier = Backbone()
        self.decide = nn.Linear(6, classes, bias=bias)
        self.fc = nn.Linear(6, classes)

    def forward(self, x):
        z = self.classifier(x).mean((2, 3))
        self.fc(z)
        return self.decide(z)


class ConvHead(nn.Module):
    """A 1x1 convolution decides at each position; the mean over positions is the answer."""

    def __init__(self, classes=4):
        super().__init__()
        self.body, self.out = Backbone(), nn.Conv2d(6, classes, 1)

    def forward(self, x):
        return self.out(self.body(x)).mean((2, 3))


class TokenHead(nn.Module):
    """A linear layer on each token [B,T,6]; the mean over tokens is the answer."""

    def __init__(self, classes=4):
        super().__init__()
        self.body, self.out = Backbone(), nn.Linear(6, classes)

    def forward(self, x):
        return self.out(self.body(x).flatten(2).transpose(1, 2)).mean(1)


class Deep(nn.Module):
    """Convolutions with batch norm, in place ReLU, then a hidden layer: z is no pooled map."""

    def __init__(self, classes=4):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 5, 3, bias=False),
            nn.BatchNorm2d(5),
            nn.ReLU(inplace=True),
            nn.Conv2d(5, 5, 3),
            nn.BatchNorm2d(5),
            nn.ReLU(inplace=True),
        )
        self.hidden, self.out = nn.Linear(5, 7), nn.Linear(7, classes)
        for norm in (self.features[1], self.features[4]):
            nn.init.uniform_(norm.running_mean, -0.2, 0.2)
            nn.init.uniform_(norm.running_var, 0.5, 2.0)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.2, 0.2)

    def forward(self, x):
        return self.out(F.relu(self.hidden(self.features(x).mean((2, 3)))))


class Answering(nn.Module):
    """Wraps what `answer` makes of the logits of a LinearHead."""

    def __init__(self, answer):
        super().__init__()
        self.inner, self.answer = LinearHead(), answer

    def forward(self, x):
        return self.answer(self.inner(x))


def timm_model(name, **options):
    """timm.create_model without weights."""
    import_torchvision()
    import timm

    return timm.create_model(name, **options)


def seeded(build, seed=0):
    """Build a module from a fixed seed, in eval mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build().eval()


def noise(count, size, seed=1):
    """Random images [count,3,size,size]."""
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))
