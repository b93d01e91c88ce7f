"""Hand-made worlds in which the causes of the mistakes are known."""

from dataclasses import dataclass, replace

import torch

from neuroinspect_tui.stages.failure_modes.arrays import split_of
from neuroinspect_tui.tensors import Head


@dataclass(frozen=True)
class World:
    """A split, its layer, and which images have each cue [N,Q]."""

    data: object
    head: Head
    cues: torch.Tensor


def cue_world(cues=((0, 1.0),), images=240, classes=4, seed=0, share=0.5, noise=0.15, shift=0.0, pull=1.0):
    """Features of one neuron a class (8), and one a cue, that pull towards the cue's class.

    Cue q is (class, strength): present in `share` of the images of *every* class, it adds 1 to neuron
    8+q, whose weight for the class is strength x pull.
    """
    generator = torch.Generator().manual_seed(seed)
    neurons = 8 + len(cues) + 3
    labels = torch.arange(images) % classes
    present = torch.rand(images, len(cues), generator=generator) < share
    features = noise * torch.randn(images, neurons, generator=generator).abs()
    features[torch.arange(images), labels] += 0.5 + 0.2 * torch.rand(images, generator=generator)
    features[:, 8 : 8 + len(cues)] += present.float()
    weight = torch.zeros(classes, neurons)
    weight[torch.arange(classes), torch.arange(classes)] = 1.0
    for place, (target, strength) in enumerate(cues):
        weight[target, 8 + place] = pull * strength
    shifts = shift * torch.randn(neurons, generator=generator)
    head = Head(weight, -weight @ shifts)
    return World(split_of(features + shifts, labels, head), head, present)


def summed_world(
    shares=(0.5, 0.5), own=None, angle=0.3, images=800, neurons=64, spread=4.0, pull=1.2, seed=0
):
    """Two cues that pull to class 0 and together suffice: most mistakes have both, many right answers one.

    Cue q is in the share `shares[q]` of the images, of class 0 in `own[q]`. It moves the features by `spread`
    deviations of their noise; the two directions have the cosine `angle`, no neuron is a cue's own, and five
    classes vary in twelve ways of their own.
    """
    generator, classes = torch.Generator().manual_seed(seed), 5
    labels = torch.arange(images) % classes
    chance = torch.tensor(shares).expand(images, 2).clone()
    chance[labels == 0] = torch.tensor(own or shares)
    present = torch.rand(images, 2, generator=generator) < chance
    axes = torch.linalg.qr(torch.randn(neurons, neurons, generator=generator)).Q.T
    means, first = axes[:classes], axes[20]
    cues = torch.stack([first, angle * first + (1 - angle**2) ** 0.5 * axes[21]]) * 0.15 * spread
    features = 1.5 * means[labels] * (0.7 + 0.6 * torch.rand(images, 1, generator=generator))
    features += 0.4 * torch.randn(images, 12, generator=generator) @ axes[30:42]
    features += 0.15 * torch.randn(images, neurons, generator=generator) + present.float() @ cues
    weight = 0.05 * torch.randn(classes, neurons, generator=generator) + means
    weight[0] += pull * cues.sum(dim=0) / (0.15 * spread) ** 2
    head = Head(weight, torch.tensor([-0.9, 0.0, 0.0, 0.0, 0.0]))
    return World(split_of(features, labels, head), head, present)


def precision(values, wanted, count=10):
    """Of the columns of `values` [N,K], the share of `wanted` [N] among the `count` highest, [K]."""
    return wanted.float()[values.topk(count, dim=0).indices].mean(dim=0).tolist()


def lot_world(seed, images=160, classes=4, neurons=96):
    """Features that say nothing; which images are taken for another class, and which, is drawn by lot."""
    generator = torch.Generator().manual_seed(seed)
    labels, weight = torch.arange(images) % classes, torch.randn(classes, neurons, generator=generator)
    features = torch.randn(images, neurons, generator=generator)
    data = split_of(features, labels, Head(weight, torch.zeros(classes)))
    wrong = torch.rand(images, generator=generator) < 0.3
    other = (labels + 1 + torch.randint(classes - 1, (images,), generator=generator)) % classes
    kinds = data.top_classes.clone()
    kinds[:, 0] = torch.where(wrong, other, labels)
    return World(replace(data, top_classes=kinds), Head(weight, torch.zeros(classes)), wrong[:, None])


def auroc(values, wanted):
    """The share of (wanted, other) pairs that `values` rank rightly."""
    own, other = values[wanted], values[~wanted]
    return float(((own[:, None] > other[None]).float() + 0.5 * (own[:, None] == other[None]).float()).mean())


def best_auroc(values, wanted):
    """Of the columns of `values` [N,K] the largest AUROC, either way round."""
    found = [auroc(column, wanted) for column in values.T]
    return max(max(one, 1 - one) for one in found)
