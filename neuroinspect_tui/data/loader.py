"""Batches of images for one pass over a split, decoded ahead in threads while the classifier computes."""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..text import safe
from .decoders import Decoders, Unreadable
from .files import FileImages
from .images import Unread, UnreadableImage
from .splits import Split
from .transforms import Preprocess, as_pixels

_AHEAD = 3
MANY_IN_A_ROW = 32
MANY_IMAGES = 1024
THREADS_ENOUGH = 4

_Decode = Callable[[Sequence[int], np.ndarray], Unreadable]


@dataclass(frozen=True)
class ImageBatch:
    """`images` [B,C,S,S] float32, normalised, of the split's `rows` [B] int64; the rest is `unreadable`.

    Those among them that may be read another time are `passing`.
    """

    rows: Tensor
    images: Tensor
    unreadable: list[tuple[int, str]]
    passing: list[int] = field(default_factory=list)


def iterate_batches(
    split: Split,
    preprocess: Preprocess,
    batch_size: int,
    workers: int = 0,
    rows: Sequence[int] | None = None,
    device: torch.device | None = None,
    decoders: Decoders | None = None,
) -> Iterator[ImageBatch]:
    """Yield the images of `rows` (default: all) in order, each row exactly once, `batch_size` rows at a time.

    `workers` threads decode up to three batches ahead (Pillow leaves the interpreter free while it decodes
    and resizes; 0: decode when asked), in as many processes where `decoders` are given. Images travel to a
    GPU as bytes and are normalised there. Closing the iterator stops the threads. Raises InputError when the
    data folder is gone, when many images in a row cannot be read for now, or no thread can be started.
    """
    batches = _batches(split, preprocess, batch_size, workers, rows, device, decoders)
    in_a_row = 0
    with contextlib.closing(batches):
        for batch in batches:
            in_a_row = _count_in_a_row(split, batch, in_a_row)
            yield batch


def _count_in_a_row(split: Split, batch: ImageBatch, before: int) -> int:
    """Return how many images up to the batch's end cannot be read for now; raises InputError for many."""
    passing, reasons = set(batch.passing), dict(batch.unreadable)
    for row in sorted((*batch.rows.tolist(), *reasons)):
        before = before + 1 if row in passing else 0
        if before == MANY_IN_A_ROW:
            line = (
                f"{before} images in a row cannot be read now: {safe(split.paths[row], 200)}: {reasons[row]}"
            )
            remedy = "see to the disk or network, then run the same command: it goes on from here"
            raise InputError(line, remedy)
    return before


def _batches(
    split: Split,
    preprocess: Preprocess,
    batch_size: int,
    workers: int,
    rows: Sequence[int] | None,
    device: torch.device | None,
    decoders: Decoders | None,
) -> Generator[ImageBatch]:
    wanted = range(len(split)) if rows is None else rows
    chunks = [wanted[start : start + batch_size] for start in range(0, len(wanted), batch_size)]
    load = _Load(split, preprocess, device, decoders)
    if workers == 0:
        yield from map(load.finish, map(load.start, chunks))
        return
    threads = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    pending: deque[_Pending] = deque()
    try:
        for chunk in chunks:
            pending.append(load.start(chunk, threads, math.ceil(len(chunk) / workers)))
            if len(pending) > _AHEAD:
                yield load.finish(pending.popleft())
        while pending:
            yield load.finish(pending.popleft())
    finally:
        threads.shutdown(cancel_futures=True)


@contextlib.contextmanager
def decoders_for(
    split: Split, preprocess: Preprocess, images: int, workers: int, device: torch.device
) -> Iterator[Decoders | None]:
    """Give the decoders with which `workers` threads best read that many `images` of a split; None: none.

    They pay where a GPU waits for many files, and threads would wait for each other.
    """
    pays = device.type != "cpu" and workers > THREADS_ENOUGH and images >= MANY_IMAGES
    if not (pays and isinstance(split.source, FileImages)):
        yield None
        return
    with Decoders(split.source, preprocess.framing, workers) as decoders:
        yield decoders


@dataclass(frozen=True)
class _Pending:
    """A batch under way: each of `parts` fills its slice of `buffer` [B,S,S,C]."""

    rows: Sequence[int]
    buffer: Tensor
    parts: list[Future[Unreadable]]


@dataclass(frozen=True)
class _Load:
    split: Split
    preprocess: Preprocess
    device: torch.device | None
    decoders: Decoders | None

    @property
    def _travels(self) -> bool:
        """Whether batches go to another device: as bytes, to be normalised there."""
        return self.device is not None and self.device.type != "cpu"

    def start(
        self, rows: Sequence[int], threads: ThreadPoolExecutor | None = None, part: int | None = None
    ) -> _Pending:
        """Begin to decode `rows` in parts of `part` rows each, or do it at once without `threads`."""
        size = self.preprocess.image_size
        pinned = self.device is not None and self.device.type == "cuda"
        dtype = torch.uint8 if self._travels else torch.float32
        shape = (len(rows), size, size, self.preprocess.channels)
        buffer = torch.empty(shape, dtype=dtype, pin_memory=pinned)
        parts = []
        for start in range(0, len(rows), part or len(rows)):
            stop = start + (part or len(rows))
            parts.append(_submit(threads, self._decode, rows[start:stop], buffer[start:stop].numpy()))
        return _Pending(rows, buffer, parts)

    def _decode(self, rows: Sequence[int], slots: np.ndarray) -> Unreadable:
        if self.decoders is not None:
            return self.decoders.decode(rows, slots)
        unreadable, mode = [], self.preprocess.framing.mode
        for slot, row in zip(slots, rows, strict=True):
            try:
                slot[:] = np.asarray(self.preprocess.frame(self.split.open(row, mode))).reshape(slot.shape)
                if not self._travels:
                    self.preprocess.normalise_bytes(slot)
            except UnreadableImage as error:
                unreadable.append(Unread(row, error.reason, error.passing))
        return unreadable

    def finish(self, pending: _Pending) -> ImageBatch:
        """Wait for a batch, leave out what could not be read, move the rest to the device."""
        unread = [entry for part in pending.parts for entry in part.result()]
        unreadable = [(entry.row, entry.reason) for entry in unread]
        passing = [entry.row for entry in unread if entry.passing]
        rows, images = torch.tensor(pending.rows, dtype=torch.int64), pending.buffer
        if unreadable:
            readable = ~torch.isin(rows, torch.tensor([row for row, _ in unreadable]))
            rows, images = rows[readable], images[readable]
        if not self._travels:
            return ImageBatch(rows, images.permute(0, 3, 1, 2), unreadable, passing)
        pixels = as_pixels(images.to(self.device, non_blocking=True))
        return ImageBatch(rows, self.preprocess.normalise(pixels), unreadable, passing)


def _submit(
    threads: ThreadPoolExecutor | None, decode: _Decode, rows: Sequence[int], slots: np.ndarray
) -> Future[Unreadable]:
    if threads is not None:
        try:
            return threads.submit(decode, rows, slots)
        except RuntimeError as error:
            raise InputError(f"--workers: no more threads to decode images ({error})", "give fewer") from None
    done: Future[Unreadable] = Future()
    done.set_result(decode(rows, slots))
    return done
