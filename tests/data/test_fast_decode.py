"""JPEGs decoded at reduced size, where that is asked for and large enough."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from neuroinspect_tui.data.decoders import Decoders
from neuroinspect_tui.data.files import FileImages
from neuroinspect_tui.data.framing import Framing
from neuroinspect_tui.data.images import STORED, open_image
from neuroinspect_tui.data.splits import ImageDataset, Split

FRAMING = Framing(side=100, crop=88, interpolation="bilinear")


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """512 x 384 pixels, smooth as photographs are."""
    generator = np.random.default_rng(0)
    small = Image.fromarray(generator.integers(0, 255, (12, 16, 3), dtype=np.uint8))
    small.resize((512, 384), Image.Resampling.BICUBIC).save(tmp_path / "a.jpg", quality=95)
    return tmp_path / "a.jpg"


@pytest.mark.parametrize(
    ("shortest", "size"),
    [(400, (512, 384)), (193, (512, 384)), (192, (256, 192)), (100, (256, 192)), (48, (64, 48))],
)
def test_no_side_becomes_shorter_than_asked(photograph: Path, shortest: int, size: tuple[int, int]) -> None:
    image = open_image(photograph, shortest=shortest)
    assert (image.size, image.mode, image.info[STORED]) == (size, "RGB", (512, 384))


def test_pixels_are_exact_unless_asked_and_near_if_so(photograph: Path) -> None:
    with Image.open(photograph) as stored:
        exact = np.asarray(FRAMING(stored.convert("RGB")), np.float64)
    assert np.array_equal(np.asarray(FRAMING(open_image(photograph))), exact)
    assert np.array_equal(np.asarray(FRAMING(open_image(photograph, shortest=400))), exact)
    difference = np.abs(np.asarray(FRAMING(open_image(photograph, shortest=100)), np.float64) - exact)
    assert 0 < difference.mean() < 2


def test_other_formats_are_decoded_in_full(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), (1, 2, 3)).save(tmp_path / "a.png")
    assert open_image(tmp_path / "a.png", shortest=8).size == (64, 48)


def test_a_data_set_hands_the_size_to_its_files_and_their_decoders(photograph: Path) -> None:
    images = FileImages(photograph.parent, ["a.jpg"])
    split = Split("val", ["a.jpg"], torch.zeros(1, dtype=torch.int64), {}, images)
    reduced = ImageDataset("d", None, ("c",), {"val": split}).no_larger_than(100).split("val")
    assert split.open(0).size == (512, 384) and reduced.open(0).size == (256, 192)
    assert isinstance(reduced.source, FileImages) and reduced.source.of(["a.jpg"]).shortest == 100
    frames = np.zeros((1, 88, 88, 3), np.uint8)
    with Decoders(reduced.source, FRAMING, 1) as decoders:
        assert decoders.decode([0], frames) == []
    assert np.array_equal(frames[0], np.asarray(FRAMING(reduced.open(0))))
