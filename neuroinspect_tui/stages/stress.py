"""The stress battery: changes that should not matter, and the classes that each pulls images towards.

A network guesses where a change destroys the image, and guesses the same few classes whether it follows the
change or not. So all changes are compared at equal damage: each is as strong as leaves most answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.transforms import Preprocess
from ..models.classifier import Classifier
from ..models.device import by_halves
from ..results.stress import Pull
from ..significance import holm
from ..tensors import OnProgress, no_progress, part_of
from .counterfactual_pictures import ReadImages
from .regions import CUE_SHARE, put_in, strongest_region

Change = Callable[[Tensor], Tensor]
"""From images [B,3,S,S] in 0…1 to images of the same form."""

BATCH = 32
MOVED = 0.1
"""Share of all answers that a change may move: it is weakened until it moves no more."""

SAMPLE = 256
"""Images that strengths are sought on at most."""

_WEAKEST, _STEPS = 1 / 64, 5
_COLOURS = {
    "red": (1.0, 0.15, 0.1),
    "orange": (1.0, 0.6, 0.1),
    "yellow": (1.0, 0.95, 0.2),
    "green": (0.2, 0.8, 0.2),
    "blue": (0.15, 0.35, 1.0),
    "magenta": (1.0, 0.2, 0.9),
}
_LETTERS = ("10111", "10101", "11101", "10101", "10111")
_CAST, _SHARPEN, _TILES = 0.4, 2.0, 4


def battery() -> dict[str, Change]:
    """Return the changes by name: text in each corner, borders, colour casts, grey, blur and the like."""
    changes: dict[str, Change] = {}
    for corner in ("top left", "top right", "bottom left", "bottom right"):
        changes[f"text {corner}"] = partial(_text, corner=corner)
    for name, level in (("black", 0.0), ("white", 1.0)):
        changes[f"{name} border"] = partial(_border, level=level)
    for name, colour in _COLOURS.items():
        changes[f"{name} cast"] = partial(_cast, colour=colour)
    return changes | {
        "grey": lambda images: images.mean(1, keepdim=True).expand_as(images),
        "blur": _blur,
        "sharpen": lambda images: (images + _SHARPEN * (images - _blur(images))).clamp(0, 1),
        "centre only": partial(_part, centre=True),
        "rim only": partial(_part, centre=False),
        "patch shuffle": _shuffle,
    }


def stress(
    classifier: Classifier,
    preprocess: Preprocess,
    rows: Sequence[int],
    labels: Sequence[int],
    read: ReadImages,
    changes: dict[str, Change] | None = None,
    on_progress: OnProgress = no_progress,
) -> tuple[Pull, ...]:
    """Return the pull of each change towards each class, on the images `rows` with `labels`; strongest first.

    `changes` may hold more than the battery, a session's own cues put in, say. Each is blended in as far as
    `find_strengths` says of a sample of the rows. Images of the class itself do not count. Each image is
    then read once and classified once a change.
    """
    changes = battery() if changes is None else changes
    if not len(rows):
        return ()
    seeking, measuring = (part_of(on_progress, number, 2) for number in range(2))
    places = torch.linspace(0, len(rows) - 1, min(len(rows), SAMPLE)).round().long().tolist()
    sample = [rows[place] for place in places]
    strengths = find_strengths(classifier, preprocess, sample, read, changes, seeking)
    before, after = list[Tensor](), {name: list[Tensor]() for name in changes}
    for start in range(0, len(rows), BATCH):
        images = read(rows[start : start + BATCH]).to(classifier.device)
        before.append(_predict(classifier, preprocess, images))
        for name, change in changes.items():
            measuring(len(changes) * start // len(rows), len(changes))
            changed = blend(images, change, strengths[name])
            after[name].append(_predict(classifier, preprocess, changed))
    answers = {name: torch.cat(parts) for name, parts in after.items()}
    return _pulls(torch.as_tensor(labels), torch.cat(before), answers, strengths, classifier.head.classes)


def blend(images: Tensor, change: Change, strength: float) -> Tensor:
    """Return (1 − a)·image + a·changed for the strength a, [B,3,S,S]."""
    return torch.lerp(images, change(images), strength)


def find_strengths(
    classifier: Classifier,
    preprocess: Preprocess,
    rows: Sequence[int],
    read: ReadImages,
    changes: dict[str, Change],
    on_progress: OnProgress = no_progress,
) -> dict[str, float]:
    """Return the strength (`strongest`) at which each change moves at most `MOVED` of the answers on `rows`.

    At least one answer may move. The images are in memory together.
    """
    found: dict[str, float] = {}
    batches, answers = list[Tensor](), list[Tensor]()
    for start in range(0, len(rows), BATCH):
        on_progress(0, len(changes))
        batches.append(read(rows[start : start + BATCH]))
        answers.append(_predict(classifier, preprocess, batches[-1].to(classifier.device)))
    most = max(1, int(MOVED * len(rows)))

    def bearable(change: Change, strength: float) -> bool:
        moved = 0
        for images, before in zip(batches, answers, strict=True):
            on_progress(len(found), len(changes))
            changed = blend(images.to(classifier.device), change, strength)
            moved += int((_predict(classifier, preprocess, changed) != before).sum())
            if moved > most:
                return False
        return True

    for name, change in changes.items():
        found[name] = strongest(partial(bearable, change))
    return found


def strongest(bearable: Callable[[float], bool]) -> float:
    """Return the largest strength 1/64…1 that is `bearable`, to 14 %; 1/64 where none is.

    By bisection of its logarithm, 1 before all.
    """
    if bearable(1.0):
        return 1.0
    low, high = math.log2(_WEAKEST), 0.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if bearable(2**middle) else (low, middle)
    return float(2**low)


def _pulls(
    truth: Tensor,
    before: Tensor,
    after: dict[str, Tensor],
    strengths: dict[str, float],
    classes: int,
) -> tuple[Pull, ...]:
    """Count what each change did to the answers `before` [n], with p after Holm; strongest first."""
    from scipy.special import bdtrc

    counts = [
        (name, *counted)
        for name, answers in after.items()
        for counted in _counts(truth, before, answers, classes)
    ]
    chances = holm([float(bdtrc(gained - 1, gained + lost, 0.5)) for *_, gained, lost in counts])
    pulls = [
        Pull(name, target, images, gained, lost, (gained - lost) / images, p, strength=strengths[name])
        for (name, target, images, gained, lost), p in zip(counts, chances, strict=True)
    ]
    return tuple(sorted(pulls, key=lambda pull: (-pull.pull, pull.p, pull.change, pull.target)))


def cue_change(classifier: Classifier, preprocess: Preprocess, direction: Tensor, donors: Tensor) -> Change:
    """Return the change that puts in what `direction` [D] sees in `donors` [n,3,S,S], one after another."""
    maps, _ = classifier.direction_maps(preprocess.normalise(donors), direction[None])
    regions = strongest_region(maps[:, 0], donors.shape[-2], donors.shape[-1], CUE_SHARE)

    def change(images: Tensor) -> Tensor:
        turn = torch.arange(len(images), device=images.device) % len(donors)
        return put_in(images, donors[turn], regions[turn])

    return change


def worth_telling(pulls: Sequence[Pull], most: int = 200) -> tuple[Pull, ...]:
    """Return the strongest pull of each change and those beyond chance, at most so many; strongest first."""
    strongest = {pull.change: pull for pull in reversed(pulls)}
    told = [pull for pull in pulls if pull.p < 0.05 or pull is strongest[pull.change]]
    return tuple(told[:most])


def _counts(
    truth: Tensor, before: Tensor, after: Tensor, classes: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (class, images of others, gained, lost) for every class that there are images of others for."""
    for target in range(classes):
        others = truth != target
        was, is_ = before[others] == target, after[others] == target
        if len(was):
            yield target, len(was), int((is_ & ~was).sum()), int((was & ~is_).sum())


def _predict(classifier: Classifier, preprocess: Preprocess, images: Tensor) -> Tensor:
    def predict(part: Tensor) -> tuple[Tensor]:
        return (classifier.forward(preprocess.normalise(part)).logits.argmax(dim=1),)

    with torch.no_grad():
        return by_halves(predict, images)[0].cpu()


def _text(images: Tensor, corner: str) -> Tensor:
    """Stamp letters a fifth of the picture wide, white with a dark shadow, into a corner."""
    size = max(5, images.shape[-1] // 5)
    letters = torch.tensor([[float(dot) for dot in line] for line in _LETTERS], device=images.device)
    stamp = F.interpolate(letters[None, None], (size, size))[0, 0].to(images.dtype)
    gap = max(1, images.shape[-1] // 32)
    top = gap if "top" in corner else images.shape[-2] - size - gap
    left = gap if "left" in corner else images.shape[-1] - size - gap
    stamped = images.clone()
    part = stamped[:, :, top : top + size, left : left + size]
    part.copy_(torch.where(stamp > 0, torch.ones_like(part), part * 0.3))
    return stamped


def _border(images: Tensor, level: float) -> Tensor:
    width = max(1, images.shape[-1] // 12)
    framed = torch.full_like(images, level)
    framed[:, :, width:-width, width:-width] = images[:, :, width:-width, width:-width]
    return framed


def _cast(images: Tensor, colour: tuple[float, float, float]) -> Tensor:
    tint = torch.tensor(colour, device=images.device, dtype=images.dtype)[:, None, None]
    return torch.lerp(images, tint.expand_as(images), _CAST)


def _blur(images: Tensor) -> Tensor:
    reach = max(1, images.shape[-1] // 24)
    padded = F.pad(images, (reach,) * 4, mode="reflect")
    return F.avg_pool2d(padded, 2 * reach + 1, stride=1)


def _part(images: Tensor, centre: bool) -> Tensor:
    """Keep the middle half of the picture, or the rest, and make the other part its mean colour."""
    height, width = images.shape[-2:]
    inside = torch.zeros(height, width, dtype=torch.bool, device=images.device)
    inside[height // 4 : height - height // 4, width // 4 : width - width // 4] = True
    return torch.where(inside == centre, images, images.mean((2, 3), keepdim=True))


def _shuffle(images: Tensor) -> Tensor:
    """Exchange the tiles of a 4 x 4 grid, always in the same order; rows and columns left over stay."""
    height, width = (side // _TILES for side in images.shape[-2:])
    shuffled = images.clone()
    order = torch.randperm(_TILES**2, generator=torch.Generator().manual_seed(0)).tolist()
    for place, source in enumerate(order):
        (row, column), (top, left) = divmod(place, _TILES), divmod(source, _TILES)
        tile = images[:, :, top * height : (top + 1) * height, left * width : (left + 1) * width]
        shuffled[:, :, row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    return shuffled
