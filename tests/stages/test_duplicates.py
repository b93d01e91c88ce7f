"""Copies between splits: planted ones are found, look-alikes are not, and little is opened of large splits."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from neuroinspect_tui.data.images import UnreadableImage
from neuroinspect_tui.results.duplicates import SplitDuplicates
from neuroinspect_tui.stages.duplicates import (
    CopiedRows,
    Fingerprints,
    _colour_distance,
    _copies,
    find_duplicates,
    near_features,
    rows_to_exclude,
)
from neuroinspect_tui.tensors import SplitFeatures

KINDS = ("jpeg", "larger", "smaller", "mirrored", "mirrored smaller jpeg")


def split(name: str, features: Tensor) -> SplitFeatures:
    count = len(features)
    labels, top = torch.zeros(count, dtype=torch.int64), torch.zeros(count, 5)
    paths = [f"{name}/{row}.png" for row in range(count)]
    rows = torch.arange(count)
    return SplitFeatures(name, features, labels, top, top.long(), top[:, 0], paths, rows)


def picture(seed: int) -> Image.Image:
    """Coloured blobs with some grain, 48 x 48."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(40, 216, (7, 7, 3), dtype=np.uint8))
    grain = random.normal(0, 6, (48, 48, 3))
    smooth = np.asarray(small.resize((48, 48), Image.Resampling.BICUBIC), dtype=float)
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))


def copy(image: Image.Image, kind: str) -> Image.Image:
    if "mirrored" in kind:
        image = ImageOps.mirror(image)
    if "smaller" in kind:
        image = image.resize((32, 32), Image.Resampling.BILINEAR)
    if "larger" in kind:
        image = image.resize((75, 75), Image.Resampling.BICUBIC)
    if "jpeg" in kind:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=60)
        image = Image.open(file)
    return image


class World:
    """120 images of train, and 100 of test: 60 of its own, then 40 copies of the first 40 of train."""

    def __init__(self) -> None:
        originals = [picture(seed) for seed in range(120)]
        copies = [copy(image, KINDS[row % len(KINDS)]) for row, image in enumerate(originals[:40])]
        self.images = {"train": originals, "test": [*(picture(1000 + row) for row in range(60)), *copies]}
        features = torch.randn(180, 16, generator=torch.Generator().manual_seed(0))
        train, test = features[:120], torch.cat([features[120:], 0.9 * features[:40] + 0.1])
        self.splits = {"train": split("train", train.half()), "test": split("test", test.half())}
        self.opened: set[tuple[str, int]] = set()

    def open(self, name: str, row: int) -> Image.Image:
        self.opened.add((name, row))
        return self.images[name][row]


@pytest.fixture(scope="module")
def made() -> World:
    return World()


COPIES = [[row, 60 + row] for row in range(40)]


def test_recompressed_resized_and_mirrored_copies_are_found_and_nothing_else(made: World) -> None:
    (found,) = find_duplicates(made.splits, made.open)
    assert (found.a, found.b, found.rows.tolist()) == ("train", "test", COPIES)
    summary = found.summary(made.splits)
    assert (summary.count, len(summary.examples)) == (40, 20)
    assert summary.examples[0] == ("train/0.png", "test/60.png")


def test_of_large_splits_only_images_with_near_features_are_opened(made: World) -> None:
    made.opened.clear()
    (found,) = find_duplicates(made.splits, made.open, open_all=219)
    assert found.rows.tolist() == COPIES
    assert {("test", other) for _, other in COPIES} <= made.opened
    assert len(made.opened) < 150, "of 220"
    made.opened.clear()
    find_duplicates(made.splits, made.open, open_all=220)
    assert len(made.opened) == 220


def test_images_of_another_colour_are_no_copies() -> None:
    """Their hashes are equal: they are of the brightness alone."""
    grey = picture(3).convert("L")
    images = [grey, ImageOps.colorize(grey, "#200000", "#ffd0d0"), grey.resize((40, 40))]
    splits = {"a": split("a", torch.zeros(2, 4)), "b": split("b", torch.zeros(1, 4))}
    found = find_duplicates(splits, lambda name, row: images[row if name == "a" else 2])
    assert [one.rows.tolist() for one in found] == [[[0, 0]]]


def test_images_of_one_colour_are_no_copies() -> None:
    """Their hashes are those of rounding errors: all alike."""
    images = {"a": [Image.new("RGB", (48, 48), (200, 20, 20)), picture(3)]}
    images["b"] = [Image.new("RGB", (48, 48), (201, 21, 21)), picture(3)]
    splits = {name: split(name, torch.zeros(2, 4)) for name in images}
    (found,) = find_duplicates(splits, lambda name, row: images[name][row])
    assert found.rows.tolist() == [[1, 1]]


def faint(seed: int) -> Image.Image:
    """Return a picture whose colours differ by little more than a percent, and in red alone."""
    red = picture(seed).getchannel(0).point(lambda value: 120 + (value - 128) // 8)
    flat = Image.new("L", red.size, 120)
    return Image.merge("RGB", (red, flat, flat))


def test_images_of_faint_contrast_are_told_apart_by_what_they_show() -> None:
    spread = np.asarray(faint(3).resize((16, 16), Image.Resampling.BOX)).std(axis=(0, 1)) / 255
    assert 0.01 < spread.max() < 0.03 and spread.min() == 0
    images = {"a": [faint(3), faint(4)], "b": [faint(4)]}
    splits = {name: split(name, torch.zeros(len(own), 4)) for name, own in images.items()}
    (found,) = find_duplicates(splits, lambda name, row: images[name][row])
    assert found.rows.tolist() == [[1, 0]]


def test_images_that_cannot_be_opened_are_passed_over(made: World) -> None:
    cut = io.BytesIO()
    picture(0).save(cut, "JPEG")
    cut_image = cut.getvalue()[: len(cut.getvalue()) // 2]

    def open_image(name: str, row: int) -> Image.Image:
        if (name, row) == ("train", 0):
            raise UnreadableImage("empty file")
        if (name, row) == ("test", 61):
            return Image.open(io.BytesIO(cut_image))
        if (name, row) == ("test", 62):
            raise FileNotFoundError
        return made.images[name][row]

    (found,) = find_duplicates(made.splits, open_image)
    assert found.rows.tolist() == COPIES[3:]
    nothing = {"a": split("a", torch.zeros(1, 4)), "b": split("b", torch.zeros(1, 4))}
    assert find_duplicates(nothing, lambda name, row: Image.open(io.BytesIO(b"text"))) == ()


def test_the_rows_to_leave_out_are_those_with_a_copy_anywhere() -> None:
    found = (
        CopiedRows("train", "test", torch.tensor([[3, 5], [3, 7], [4, 5]])),
        CopiedRows("test", "val", torch.tensor([[1, 0], [7, 2]])),
    )
    assert rows_to_exclude(found, "test").tolist() == [1, 5, 7]
    assert rows_to_exclude(found, "train").tolist() == [3, 4]
    assert rows_to_exclude(found, "other").tolist() == []
    splits = {"train": split("train", torch.zeros(9, 1)), "test": split("test", torch.zeros(9, 1))}
    assert found[0].summary(splits) == SplitDuplicates(
        "train",
        "test",
        2,
        tuple((f"train/{one}.png", f"test/{other}.png") for one, other in ((3, 5), (3, 7), (4, 5))),
    )


def test_near_features_are_those_of_the_whole_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuroinspect_tui.stages.duplicates.BLOCK", 7)
    monkeypatch.setattr("neuroinspect_tui.stages.duplicates.WIDE_BLOCK", 11)
    random = torch.Generator().manual_seed(1)
    first, second = (torch.randn(count, 3, generator=random) + 5 for count in (50, 30))
    mean, spread = first.mean(0), first.std(0, unbiased=False)
    one, other = ((part - mean) / spread for part in (first, second))
    cosines = torch.nn.functional.cosine_similarity(other[:, None], one[None], dim=2)
    best = cosines.topk(3, dim=1)
    expected = {
        (int(row), query)
        for query in range(30)
        for row, value in zip(best.indices[query], best.values[query], strict=True)
        if value >= 0.7
    }
    reported: list[tuple[int, int]] = []
    found = near_features(first, second, lambda done, total: reported.append((done, total)))
    assert {tuple(pair) for pair in found.tolist()} == expected and len(found) == len(expected) > 60
    assert reported[-1] == (30, 30)
    assert near_features(first, second[:0]).shape == (0, 2)


def prints(bits: Tensor, colour: int = 0) -> Fingerprints:
    """Fingerprints of images of one colour, whose mirror images have no hash."""
    thumbs = torch.full((len(bits), 16, 16, 3), colour, dtype=torch.uint8)
    return Fingerprints(torch.arange(len(bits)) + 100, bits, torch.zeros_like(bits), thumbs)


def test_copies_differ_in_at_most_six_bits_of_the_hash() -> None:
    whole = torch.ones(1, 64, dtype=torch.int8)
    others = whole.repeat(2, 1)
    others[0, :6], others[1, :7] = -1, -1
    assert _copies(prints(whole), prints(others)).tolist() == [[100, 100]]


@pytest.mark.parametrize(("colour", "found"), [(10, [[100, 100]]), (11, [])])
def test_copies_differ_in_colour_by_at_most_four_percent(colour: int, found: list[list[int]]) -> None:
    """10 / 255 is 0.0392, 11 / 255 is 0.0431."""
    whole = torch.ones(1, 64, dtype=torch.int8)
    assert _copies(prints(whole), prints(whole, colour)).tolist() == found


def test_colours_are_compared_on_the_same_scale() -> None:
    white = torch.full((1, 16, 16, 3), 255, dtype=torch.uint8)
    assert _colour_distance(white, white).tolist() == [0.0]
    assert _colour_distance(white, torch.zeros_like(white)).tolist() == [1.0]


def test_rows_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = torch.randint(2, (7, 64), generator=torch.Generator().manual_seed(0)).mul(2).sub(1).to(torch.int8)
    monkeypatch.setattr("neuroinspect_tui.stages.duplicates.BLOCK", 2)
    monkeypatch.setattr("neuroinspect_tui.stages.duplicates.WIDE_BLOCK", 3)
    assert _copies(prints(bits), prints(bits)).tolist() == [[100 + row, 100 + row] for row in range(7)]


def test_nothing_is_near_the_features_of_a_single_image() -> None:
    """They have no spread to measure by."""
    assert len(near_features(torch.tensor([[3.0, 4.0]]), torch.tensor([[3.0, 4.0]]))) == 0
