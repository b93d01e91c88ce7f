"""Small feature sets with a known decision layer, for the tests of the stages that need no images."""

import torch

from neuroinspect_tui.tensors import GroupColumn, Head, SplitFeatures


def split_features(features, labels, head, groups=None, split="val"):
    """What evaluation would leave of features [N,D] (stored as float16) under `head`."""
    stored = features.half()
    logits = head.logits(stored)
    top = logits.topk(min(5, head.classes), dim=1)
    confidence = logits.softmax(dim=1).amax(dim=1)
    paths = [f"{row}.png" for row in range(len(labels))]
    rows = torch.arange(len(labels))
    return SplitFeatures(
        split, stored, labels, top.values, top.indices, confidence, paths, rows, groups or {}
    )


def column(name, values, codes):
    return GroupColumn(name, tuple(values), torch.tensor(codes))


def random_world(seed, images=400, neurons=24, classes=7, signal=1.0, groups=None):
    """Rectified features that lean on their class's weights, so that some images are mistakes."""
    generator = torch.Generator().manual_seed(seed)
    head = Head(
        torch.randn(classes, neurons, generator=generator) * 0.4,
        torch.randn(classes, generator=generator) * 0.1,
    )
    labels = torch.randint(classes, (images,), generator=generator)
    noise = torch.randn(images, neurons, generator=generator)
    features = (noise + signal * head.weight[labels]).relu()
    return split_features(features, labels, head, groups), head
