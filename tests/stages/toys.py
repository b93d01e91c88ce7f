"""A small classifier with batch norm, and encoders that stand in for CLIP, for the tests of illusions."""

import torch
import torch.nn.functional as F
from torch import nn

from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.stages.fourier import FourierBasis, draw_coefficients
from neuroinspect_tui.stages.neuron_statistics import NeuronStatistics

SIZE = 16
NEURONS = 12
PREPROCESS = Preprocess(image_size=SIZE, crop_pct=1.0)


class Toy(nn.Module):
    """Neurons that see edges of four orientations in three colours, slightly mixed; a random decision layer."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, NEURONS, 5, 2, 2)
        self.second = nn.Conv2d(NEURONS, NEURONS, 3, 2, 1)
        self.norm = nn.BatchNorm2d(NEURONS)
        self.fc = nn.Linear(NEURONS, 5)
        with torch.no_grad():
            self.first.weight.mul_(0.1).add_(edges())
            self.second.weight.mul_(0.3)
            self.second.weight[:, :, 1, 1] += torch.eye(NEURONS)

    def forward(self, images):
        maps = F.relu(self.norm(self.second(F.relu(self.first(images)))))
        return self.fc(maps.mean((2, 3)))


def edges():
    """Filters [12,3,5,5]: an edge at 0, 45, 90 and 135 degrees in red, green and blue."""
    across = torch.linspace(-1, 1, 5)
    angles = [torch.tensor(quarter * torch.pi / 4) for quarter in range(4)]
    waves = [torch.sin(2 * (across[:, None] * a.sin() + across[None] * a.cos())) for a in angles]
    return (
        torch.stack([wave * torch.eye(3)[colour][:, None, None] for wave in waves for colour in range(3)]) / 5
    )


def toy(seed=0):
    """A prepared `Toy` of random weights."""
    torch.manual_seed(seed)
    return prepare(ModelSource("toy", Toy()), 5, SIZE, torch.device("cpu"))


def natural_features(classifier, size=SIZE):
    """Features [256,D] of random pictures with the spectrum of natural images."""
    drawn = [draw_coefficients(torch.Generator().manual_seed(seed), size, 1.0) for seed in range(256)]
    pixels = FourierBasis.natural(size).paint(torch.stack(drawn))
    return classifier.forward(PREPROCESS.normalise(pixels)).features


def statistics(classifier, size=SIZE):
    """The quantiles of the neurons on `natural_features`."""
    return NeuronStatistics(natural_features(classifier, size).quantile(0.999, dim=0))


class ColourEncoder:
    """ "CLIP" whose embedding is a picture's mean colour; counts how often it looks."""

    def __init__(self):
        self.looks = 0

    def encode_image(self, images):
        self.looks += 1
        return F.normalize(images.mean((2, 3)), dim=1)
