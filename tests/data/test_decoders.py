"""Frames from other processes are those of this one; a process that dies takes no other image with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from neuroinspect_tui.data import decoders as module
from neuroinspect_tui.data.decoders import Decoders
from neuroinspect_tui.data.files import FileImages
from neuroinspect_tui.data.loader import MANY_IMAGES, decoders_for, iterate_batches
from neuroinspect_tui.data.splits import Split
from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.errors import InputError

from .conftest import save

PREPROCESS = Preprocess(8, 0.8)
COUNT = 12


@pytest.fixture
def images(tmp_path: Path) -> FileImages:
    """Twelve images of which the third is none; the names are not all plain."""
    names = [f"{row} ü\udcff.png" for row in range(COUNT)]
    for row, name in enumerate(names):
        save(tmp_path / name, width=9 + row, height=14, seed=row)
    (tmp_path / names[2]).write_text("text")
    return FileImages(tmp_path, names)


@pytest.fixture
def decoders(images: FileImages) -> Iterator[Decoders]:
    with Decoders(images, PREPROCESS.framing, 2) as made:
        yield made


def slots(count: int) -> np.ndarray:
    return np.full((count, 8, 8, 3), 7, np.uint8)


def frame(images: FileImages, row: int) -> np.ndarray:
    return np.asarray(PREPROCESS.frame(images.open(row)))


def pids(decoders: Decoders) -> list[int]:
    held = [decoders._idle.get() for _ in range(decoders._count)]
    for decoder in held:
        decoders._idle.put(decoder)
    return [decoder._process.pid for decoder in held]


def test_frames_are_those_of_this_process(images: FileImages, decoders: Decoders) -> None:
    rows, found = [3, 2, 11], slots(3)
    unreadable = decoders.decode(rows, found)
    assert unreadable == [
        (2, "not one of JPEG, PNG, WEBP, BMP, GIF, TIFF, PPM, AVIF, JPEG2000, DICOM", False)
    ]
    for place, row in ((0, 3), (2, 11)):
        assert np.array_equal(found[place], frame(images, row))


def test_threads_share_the_processes(images: FileImages, decoders: Decoders) -> None:
    rows = [row for row in range(COUNT) if row != 2]
    found = slots(COUNT)
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(decoders.decode, [row], found[row : row + 1]) for row in rows]:
            assert done.result() == []
    assert all(np.array_equal(found[row], frame(images, row)) for row in rows)


def test_batches_are_the_same_with_and_without(images: FileImages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuroinspect_tui.data.loader._Load._travels", True)
    split = Split("val", images.paths, torch.zeros(COUNT, dtype=torch.int64), {}, images)
    with Decoders(images, PREPROCESS.framing, 3) as decoders:
        own = list(iterate_batches(split, PREPROCESS, 5, 3, decoders=decoders))
    here = list(iterate_batches(split, PREPROCESS, 5, 3))
    assert [batch.unreadable for batch in own] == [batch.unreadable for batch in here]
    assert torch.equal(torch.cat([b.rows for b in own]), torch.cat([b.rows for b in here]))
    assert torch.equal(torch.cat([b.images for b in own]), torch.cat([b.images for b in here]))


def test_a_killed_process_is_replaced_and_no_image_is_lost(images: FileImages, decoders: Decoders) -> None:
    before = pids(decoders)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    found = slots(2)
    assert decoders.decode([0, 1], found) == []
    assert np.array_equal(found[1], frame(images, 1))
    decoders.decode([0, 1], found)
    assert not set(before) & set(pids(decoders))


def test_an_image_that_breaks_its_decoder_is_unreadable_and_the_others_are_not(
    images: FileImages, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "neuroinspect_tui"
    (package / "data").mkdir(parents=True)
    home = Path(module._HOME) / "neuroinspect_tui"
    own = ("__init__", "decoder", "dicom", "framing", "quiet")
    for name in ("__init__.py", "version.py", "errors.py", *(f"data/{name}.py" for name in own)):
        (package / name).write_text((home / name).read_text())
    (package / "data/images.py").write_text((home / "data/images.py").read_text())
    source = (home / "data/files.py").read_text()
    breaking = "path = self.root / name\n        if name[0] == '5':\n            os.kill(os.getpid(), 11)\n"
    assert "path = self.root / name\n" in source
    (package / "data/files.py").write_text(source.replace("path = self.root / name\n", breaking))
    monkeypatch.setattr(module, "_HOME", str(tmp_path))
    found = slots(3)
    with Decoders(images, PREPROCESS.framing, 1) as decoders:
        assert decoders.decode([4, 5, 6], found) == [(5, "the decoder broke down (SIGSEGV)", False)]
    assert np.array_equal(found[0], frame(images, 4)) and np.array_equal(found[2], frame(images, 6))


def test_a_vanished_folder_stops_the_pass(tmp_path: Path) -> None:
    root = tmp_path / "gone"
    with (
        Decoders(FileImages(root, ["a.png"]), PREPROCESS.framing, 1) as decoders,
        pytest.raises(InputError) as caught,
    ):
        decoders.decode([0], slots(1))
    assert str(caught.value) == f"{root} is gone: mount the data folder again, then resume"


def test_a_system_without_processes_is_one_clear_line(
    images: FileImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(InputError) as caught:
        Decoders(images, PREPROCESS.framing, 4)
    reason = "--workers: no more processes to decode images (Resource temporarily unavailable)"
    assert str(caught.value) == f"{reason}: give fewer"


def test_processes_end_with_the_decoders_and_with_whoever_started_them(images: FileImages) -> None:
    with Decoders(images, PREPROCESS.framing, 2) as decoders:
        decoders.decode([0], slots(1))
        own = pids(decoders)
    assert not any(Path(f"/proc/{pid}").exists() for pid in own)

    code = f"""
import sys, time
from pathlib import Path
from neuroinspect_tui.data.decoders import Decoders
from neuroinspect_tui.data.files import FileImages
from neuroinspect_tui.data.framing import Framing
made = Decoders(FileImages(Path({str(images.root)!r}), []), Framing(8, 8, "bilinear", False), 2)
held = [made._idle.get() for _ in range(2)]
for one in held: one.decode([], __import__("numpy").zeros((0, 8, 8, 3), "uint8"))
print(*(one._process.pid for one in held), flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(children) == 2 and all(Path(f"/proc/{pid}").exists() for pid in children)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 20
    while any(alive(pid) for pid in children) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in children)


def alive(pid: int) -> bool:
    """Whether the process is there and no zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("device", "workers", "count", "given"),
    [
        ("cuda", 16, MANY_IMAGES, True),
        ("cpu", 16, MANY_IMAGES, False),
        ("cuda", 4, MANY_IMAGES, False),
        ("cuda", 16, MANY_IMAGES - 1, False),
    ],
)
def test_they_are_used_where_a_gpu_waits_for_many_files(
    images: FileImages, device: str, workers: int, count: int, given: bool
) -> None:
    split = Split("val", images.paths, torch.zeros(COUNT, dtype=torch.int64), {}, images)
    with decoders_for(split, PREPROCESS, count, workers, torch.device(device)) as decoders:
        assert (decoders is not None) is given
