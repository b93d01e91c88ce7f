"""A small planted world: class and background drive different neurons, the head leans on the background."""

import torch

from neuroinspect_tui.stages.repair.examples import Examples
from neuroinspect_tui.tensors import GroupColumn, Head, SplitFeatures

NAMES = ("boat", "bird")
CULPRITS = [3, 4, 5]


def make_split(
    name: str, sizes: dict[tuple[int, int], int], head: Head, seed: int, grouped: bool = True
) -> SplitFeatures:
    """Draw `sizes[(class, background)]` images: neurons 0-2 carry the class, 3-5 the background, 6-7 nothing."""
    generator = torch.Generator().manual_seed(seed)
    pairs = [pair for pair, count in sizes.items() for _ in range(count)]
    order = torch.randperm(len(pairs), generator=generator)
    labels = torch.tensor([pair[0] for pair in pairs])[order]
    background = torch.tensor([pair[1] for pair in pairs])[order]
    features = torch.randn(len(pairs), 8, generator=generator).mul_(0.8)
    features[:, :3] += (2.0 * labels - 1.0)[:, None]
    features[:, 3:6] += 1.5 * (2.0 * background - 1.0)[:, None]
    return split_of(name, features.half(), labels, head, {"place": background} if grouped else {})


def split_of(
    name: str, features: torch.Tensor, labels: torch.Tensor, head: Head, groups: dict[str, torch.Tensor]
) -> SplitFeatures:
    logits, classes = head.logits(features).topk(min(5, head.classes), dim=1)
    columns = {
        column: GroupColumn(column, tuple(f"v{code}" for code in range(int(codes.max()) + 1)), codes)
        for column, codes in groups.items()
    }
    return SplitFeatures(
        split=name,
        features=features,
        labels=labels,
        top_logits=logits,
        top_classes=classes,
        confidence=head.logits(features).softmax(dim=1).max(dim=1).values,
        paths=[f"{name}/{row}.png" for row in range(len(labels))],
        rows=torch.arange(len(labels)),
        groups=columns,
    )


def leaning_head() -> Head:
    """A two-class head that leans twice as much on the background as on the class."""
    push = torch.tensor([0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 0.1, -0.1])
    return Head(torch.stack([-push, push]), torch.tensor([0.1, -0.1]))


def make_world(grouped: bool = True) -> tuple[dict[str, SplitFeatures], Head]:
    """Return train (95 % confounded), val and test (balanced) splits, and the leaning head."""
    head = leaning_head()
    confounded = {(0, 0): 380, (0, 1): 20, (1, 1): 380, (1, 0): 20}
    balanced = {(label, place): 100 for label in (0, 1) for place in (0, 1)}
    splits = {
        "train": make_split("train", confounded, head, 1, grouped),
        "val": make_split("val", balanced, head, 2, grouped),
        "test": make_split("test", {pair: 2 * count for pair, count in balanced.items()}, head, 3, grouped),
    }
    return splits, head


def random_examples(
    rows: int, neurons: int, classes: int, values: int, seed: int = 0
) -> tuple[Examples, Head]:
    """Return examples with random features, labels and groups, and a random head."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(rows, neurons, generator=generator).abs()
    labels = torch.randint(classes, (rows,), generator=generator)
    codes = torch.randint(values, (rows,), generator=generator)
    features[:, 0] += labels
    head = Head(torch.randn(classes, neurons, generator=generator), torch.randn(classes, generator=generator))
    head.weight[:, 0] += torch.arange(classes)
    return Examples.plain(features, labels, codes), head
