"""Copies of an image in another split: a repair that is judged on them is judged on what it was fitted on.

Two images are copies when their perceptual hashes differ in few bits (imagehash's pHash, 64 bits from a DCT;
one may be that of the mirrored image) and their thumbnails in little colour. So recompressed, resized and
mirrored copies are found. An image of nearly one colour has no such hash, and counts as nobody's copy.
Of large splits only those images are opened whose features are near.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import imagehash
import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ..data.images import UnreadableImage
from ..results.duplicates import SplitDuplicates
from ..tensors import OnProgress, SplitFeatures, no_progress, part_of

OpenImage = Callable[[str, int], Image.Image]
"""Opens an image of a split by its place in the split's features; may raise UnreadableImage or OSError."""

HASH_SIDE, THUMB_SIDE = 8, 16
BITS = HASH_SIDE**2
FARTHEST_BITS = 6
FARTHEST_COLOUR = 0.04
FLATTEST = 0.01
"""Standard deviation of a thumbnail, 0…1, up to which its hash would be that of rounding errors."""
OPEN_ALL = 20_000
NEIGHBOURS = 3
NEAREST_COSINE = 0.7
BLOCK, WIDE_BLOCK = 512, 8192
EXAMPLES = 20


@dataclass(frozen=True)
class CopiedRows:
    """Rows [K,2] int64 of split `a` and of split `b` that show the same image, ascending."""

    a: str
    b: str
    rows: Tensor

    def summary(self, splits: Mapping[str, SplitFeatures]) -> SplitDuplicates:
        """Return the count of images of `b` and the paths of the first pairs."""
        paths = splits[self.a].paths, splits[self.b].paths
        examples = tuple((paths[0][one], paths[1][other]) for one, other in self.rows[:EXAMPLES].tolist())
        return SplitDuplicates(self.a, self.b, len(self.rows[:, 1].unique()), examples)


@dataclass(frozen=True)
class Fingerprints:
    """What M images look like.

    Their `rows` [M], pHash bits as ±1 [M,64] of each and of its mirror image (0 for
    an image of one colour), thumbnails [M,T,T,3] uint8.
    """

    rows: Tensor
    bits: Tensor
    mirrored: Tensor
    thumbs: Tensor

    @classmethod
    def of(cls, rows: list[int], made: list[Fingerprint]) -> Fingerprints:
        """Put the fingerprints of images together; `rows` says whose they are."""
        if not made:
            none = torch.empty(0, BITS, dtype=torch.int8)
            thumbs = torch.empty(0, THUMB_SIDE, THUMB_SIDE, 3, dtype=torch.uint8)
            return cls(torch.empty(0, dtype=torch.int64), none, none, thumbs)
        return cls(
            torch.tensor(rows), *(torch.from_numpy(np.stack(part)) for part in zip(*made, strict=True))
        )


Fingerprint = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _fingerprint(image: Image.Image) -> Fingerprint:
    colour = image.convert("RGB")
    hashes = (imagehash.phash(shown, HASH_SIDE).hash.ravel() for shown in (colour, ImageOps.mirror(colour)))
    thumb = np.array(colour.resize((THUMB_SIDE, THUMB_SIDE), Image.Resampling.BOX))
    sign = int(thumb.std(axis=(0, 1)).max() > 255 * FLATTEST)
    plain, mirrored = (np.where(bits, sign, -sign).astype(np.int8) for bits in hashes)
    return plain, mirrored, thumb


def find_duplicates(
    splits: Mapping[str, SplitFeatures],
    open_image: OpenImage,
    open_all: int = OPEN_ALL,
    on_progress: OnProgress = no_progress,
) -> tuple[CopiedRows, ...]:
    """Return the copies between every two of `splits`, pairs without any left out.

    Images that cannot be opened have no copies. With more than `open_all` images in all, only those are
    opened whose nearest features in another split are near.
    """
    wanted = _rows_to_open(splits, open_all, part_of(on_progress, 0, 2))
    prints = dict(_opened(wanted, open_image, part_of(on_progress, 1, 2)))
    pairs = (CopiedRows(a, b, _copies(prints[a], prints[b])) for a, b in combinations(splits, 2))
    return tuple(found for found in pairs if len(found.rows))


def rows_to_exclude(found: Iterable[CopiedRows], split: str) -> Tensor:
    """Return the rows [K] of `split` that have a copy in another split, ascending."""
    sides = [one.rows[:, 0] for one in found if one.a == split]
    sides += [one.rows[:, 1] for one in found if one.b == split]
    return torch.cat(sides).unique() if sides else torch.empty(0, dtype=torch.int64)


def _rows_to_open(
    splits: Mapping[str, SplitFeatures], open_all: int, on_progress: OnProgress
) -> dict[str, list[int]]:
    if sum(map(len, splits.values())) <= open_all:
        on_progress(1, 1)
        return {name: list(range(len(split))) for name, split in splits.items()}
    chosen: dict[str, set[int]] = {name: set() for name in splits}
    pairs = list(combinations(splits, 2))
    for number, (a, b) in enumerate(pairs):
        near = near_features(splits[a].features, splits[b].features, part_of(on_progress, number, len(pairs)))
        chosen[a].update(near[:, 0].tolist())
        chosen[b].update(near[:, 1].tolist())
    return {name: sorted(rows) for name, rows in chosen.items()}


def near_features(first: Tensor, second: Tensor, on_progress: OnProgress = no_progress) -> Tensor:
    """Return [K,2] rows of `first` [N,D] and `second` [M,D]: of each of the latter its nearest, if near.

    Near is a cosine of at least 0.7 between features standardised by those of `first`.
    """
    mean, spread = _mean_and_spread(first)
    found = []
    for start in range(0, len(second), BLOCK):
        queries = _standardised(second[start : start + BLOCK], mean, spread)
        best = torch.full((len(queries), NEIGHBOURS), -1.0)
        rows = torch.full((len(queries), NEIGHBOURS), -1)
        for begin in range(0, len(first), WIDE_BLOCK):
            block = _standardised(first[begin : begin + WIDE_BLOCK], mean, spread)
            cosines = torch.cat([best, queries @ block.T], dim=1)
            numbers = torch.arange(begin, begin + len(block)).expand(len(queries), -1)
            best, places = cosines.topk(NEIGHBOURS, dim=1)
            rows = torch.cat([rows, numbers], dim=1).gather(1, places)
        query, place = torch.nonzero(best >= NEAREST_COSINE, as_tuple=True)
        found.append(torch.stack([rows[query, place], query + start], dim=1))
        on_progress(min(start + BLOCK, len(second)), len(second))
    return torch.cat(found) if found else torch.empty(0, 2, dtype=torch.int64)


def _mean_and_spread(features: Tensor) -> tuple[Tensor, Tensor]:
    total, squares = (torch.zeros(features.shape[1], dtype=torch.float64) for _ in range(2))
    for block in features.split(WIDE_BLOCK):
        total += block.double().sum(0)
        squares += block.double().square().sum(0)
    mean = total / max(len(features), 1)
    spread = (squares / max(len(features), 1) - mean.square()).clamp_min(1e-12).sqrt()
    return mean.float(), spread.float()


def _standardised(features: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    return torch.nn.functional.normalize((features.float() - mean) / spread, dim=1)


def _opened(
    wanted: Mapping[str, list[int]], open_image: OpenImage, on_progress: OnProgress
) -> Iterator[tuple[str, Fingerprints]]:
    """Yield the fingerprints of each split's wanted images, those left out that cannot be opened."""
    total, done = max(sum(map(len, wanted.values())), 1), 0
    for split, rows in wanted.items():
        opened, made = [], []
        for row in rows:
            with contextlib.suppress(UnreadableImage, OSError):
                made.append(_fingerprint(open_image(split, row)))
                opened.append(row)
            done += 1
            on_progress(done, total)
        yield split, Fingerprints.of(opened, made)


def _copies(first: Fingerprints, second: Fingerprints) -> Tensor:
    """Return the rows [K,2] of images that are copies of each other."""
    found = [torch.empty(0, 2, dtype=torch.int64)]
    for start in range(0, len(second.rows), BLOCK):
        part = slice(start, start + BLOCK)
        for begin in range(0, len(first.rows), WIDE_BLOCK):
            bits = first.bits[begin : begin + WIDE_BLOCK].float().T
            agreement = torch.maximum(second.bits[part].float() @ bits, second.mirrored[part].float() @ bits)
            other, one = torch.nonzero(agreement >= BITS - 2 * FARTHEST_BITS, as_tuple=True)
            one, other = one + begin, other + start
            for chunk in zip(one.split(WIDE_BLOCK), other.split(WIDE_BLOCK), strict=True):
                alike = _colour_distance(first.thumbs[chunk[0]], second.thumbs[chunk[1]]) <= FARTHEST_COLOUR
                rows = first.rows[chunk[0][alike]], second.rows[chunk[1][alike]]
                found.append(torch.stack(rows, dim=1))
    pairs: Tensor = torch.cat(found).unique(dim=0)
    return pairs


def _colour_distance(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean difference [K], 0…1, of thumbnails [K,T,T,3], or of one and the other mirrored."""
    one, other = first.float() / 255, second.float() / 255
    plain = (one - other).abs().mean(dim=(1, 2, 3))
    return torch.minimum(plain, (one - other.flip(2)).abs().mean(dim=(1, 2, 3)))
