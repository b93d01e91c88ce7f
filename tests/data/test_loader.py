import threading

import pytest
import torch

from neuroinspect_tui.config import DataConfig
from neuroinspect_tui.data.dataset import load_dataset
from neuroinspect_tui.data.files import FileImages
from neuroinspect_tui.data.images import UnreadableImage
from neuroinspect_tui.data.loader import iterate_batches
from neuroinspect_tui.data.splits import Split
from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.errors import InputError

from .conftest import picture, save

PREPROCESS = Preprocess(8, 0.8)


@pytest.fixture
def split(tmp_path):
    """23 images; 4, 5, 6, 7 and 22 cannot be read."""
    paths = [f"{row}.png" for row in range(23)]
    for row, path in enumerate(paths):
        save(tmp_path / path, width=9 + row, height=14, seed=row)
    for row in (4, 5, 6, 7, 22):
        (tmp_path / paths[row]).write_text("text")
    return Split("val", paths, torch.zeros(23, dtype=torch.int64), {}, FileImages(tmp_path, paths))


READABLE = [row for row in range(23) if row not in (4, 5, 6, 7, 22)]


@pytest.mark.parametrize("workers", [0, 1, 3, 16])
@pytest.mark.parametrize("batch_size", [1, 4, 7, 64])
def test_every_row_once_in_order_whatever_the_batch_and_the_workers(split, batch_size, workers):
    batches = list(iterate_batches(split, PREPROCESS, batch_size, workers))
    assert torch.cat([batch.rows for batch in batches]).tolist() == READABLE
    assert [row for batch in batches for row, _ in batch.unreadable] == [4, 5, 6, 7, 22]
    images = torch.cat([batch.images for batch in batches])
    alone = torch.stack([PREPROCESS(split.open(row)) for row in READABLE])
    assert torch.equal(images, alone)


def test_images_that_travel_as_bytes_arrive_the_same(split, monkeypatch):
    here = torch.cat([batch.images for batch in iterate_batches(split, PREPROCESS, 4, 2)])
    monkeypatch.setattr("neuroinspect_tui.data.loader._Load._travels", True)
    there = torch.cat([batch.images for batch in iterate_batches(split, PREPROCESS, 4, 2)])
    assert torch.equal(here, there)


def test_unreadable_images_keep_their_reason_and_a_batch_of_them_is_empty(split):
    batch = next(iterate_batches(split, PREPROCESS, 4, 2, rows=[4, 5, 6, 7]))
    assert batch.unreadable[0] == (
        4,
        "not one of JPEG, PNG, WEBP, BMP, GIF, TIFF, PPM, AVIF, JPEG2000, DICOM",
    )
    assert batch.images.shape == (0, 3, 8, 8)
    assert batch.rows.tolist() == []


@pytest.mark.parametrize("workers", [0, 2])
def test_rows_choose_and_order(split, workers):
    batches = list(iterate_batches(split, PREPROCESS, 2, workers, rows=[20, 3, 11]))
    assert [batch.rows.tolist() for batch in batches] == [[20, 3], [11]]
    assert list(iterate_batches(split, PREPROCESS, 2, workers, rows=[])) == []


def test_an_endless_strip_is_listed_as_unreadable(tmp_path):
    save(tmp_path / "strip.png", width=400_000, height=1)
    split = Split("val", ["strip.png"], torch.zeros(1), {}, FileImages(tmp_path, ["strip.png"]))
    (batch,) = iterate_batches(split, Preprocess(), 4)
    assert batch.unreadable == [(0, "too narrow: 400000 x 1 pixels cannot be resized to 256")]


class Vanishing:
    """A source whose folder goes away after `left` images."""

    def __init__(self, source, left):
        self.source, self.left = source, left

    def open(self, row):
        if row >= self.left:
            raise InputError("/data is gone", "mount it again")
        return self.source.open(row)


def decoders():
    return [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_vanished_folder_stops_the_pass_after_the_finished_batches(split, workers):
    broken = Split("val", split.paths, split.labels, {}, Vanishing(split.source, 15))
    done = []
    with pytest.raises(InputError, match="/data is gone: mount it again"):
        for batch in iterate_batches(broken, PREPROCESS, 5, workers):
            done += batch.rows.tolist()
    assert done == [row for row in READABLE if row < 15]
    assert decoders() == []


def test_a_system_without_threads_is_one_clear_line(split, monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(InputError) as caught:
        next(iterate_batches(split, PREPROCESS, 4, 64))
    reason = "--workers: no more threads to decode images (can't start new thread)"
    assert str(caught.value) == f"{reason}: give fewer"


def test_closing_the_iterator_stops_the_threads(split):
    batches = iterate_batches(split, PREPROCESS, 2, 2)
    next(batches)
    assert decoders()
    batches.close()
    assert decoders() == []


def test_decoding_runs_ahead_but_not_far(split):
    opened, eighth = [], threading.Event()

    class Counting:
        def open(self, row):
            opened.append(row)
            if len(opened) == 8:
                eighth.set()
            return split.source.open(0)

    batches = iterate_batches(Split("val", split.paths, split.labels, {}, Counting()), PREPROCESS, 2, 1)
    next(batches)
    assert eighth.wait(timeout=60)
    batches.close()
    assert opened == list(range(8))


def test_real_images_come_as_stored(real):
    dataset = load_dataset(DataConfig(str(real / "cifar10_jpeg"), split="test"))
    split = dataset.split("test")
    batch = next(iterate_batches(split, Preprocess(32, 1.0), 16, 2))
    red = split.open(9).getpixel((3, 5))[0]
    assert batch.images[9, 0, 5, 3].item() == pytest.approx((red / 255 - 0.485) / 0.229, abs=1e-6)


class Flaky:
    """Images of which some cannot be read for now."""

    def __init__(self, gone):
        self.gone = gone

    def open(self, row):
        if row in self.gone:
            raise UnreadableImage("stale file handle", passing=True)
        return picture(8, 8, seed=row)


def test_many_images_in_a_row_that_do_not_answer_stop_the_pass():
    def read(gone):
        labels = torch.zeros(100, dtype=torch.int64)
        split = Split("val", [f"{row}.png" for row in range(100)], labels, {}, Flaky(gone))
        return list(iterate_batches(split, PREPROCESS, 7))

    scattered = {row for row in range(100) if row % 2} | set(range(40, 62))
    assert sum(len(batch.passing) for batch in read(scattered)) == len(scattered)
    with pytest.raises(InputError) as caught:
        read(set(range(20, 60)))
    assert str(caught.value) == (
        "32 images in a row cannot be read now: 51.png: stale file handle: "
        "see to the disk or network, then run the same command: it goes on from here"
    )
