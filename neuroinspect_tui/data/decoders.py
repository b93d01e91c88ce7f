"""Processes that decode images beside this one: threads alone would wait for each other's interpreter lock.

Decoding and resizing leave the lock free, but all the rest does not: threads of one process keep about six
cores busy (docs/benchmarks.md).
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO

import numpy as np

from ..errors import InputError
from .files import FileImages
from .framing import Framing
from .images import Unread

_HOME = str(Path(__file__).resolve().parents[2])
_PIPE = 1 << 20
_PATIENCE = 5.0

Unreadable = list[Unread]


class DecoderDied(Exception):  # noqa: N818  (the process ended, whatever the reason)
    """`signal` names what ended the process, or is empty."""

    def __init__(self, code: int) -> None:
        self.signal = signal.Signals(-code).name if code < 0 else ""
        super().__init__(self.signal)


class Decoders:
    """`count` processes for the images of one folder; each thread that calls `decode` has one to itself.

    At most `count` threads may call at once. Close them, or use them as a context.
    """

    def __init__(self, images: FileImages, framing: Framing, count: int) -> None:
        self._images, self._framing = images, framing
        self._idle: SimpleQueue[_Decoder] = SimpleQueue()
        self._count = count
        try:
            for _ in range(count):
                self._idle.put(_Decoder(images, framing))
        except OSError as error:
            self.close()
            line = f"--workers: no more processes to decode images ({error.strerror})"
            raise InputError(line, "give fewer") from None

    def decode(self, rows: Sequence[int], slots: np.ndarray) -> Unreadable:
        """Fill `slots` uint8 [n,S,S,C] with the images `rows`; return the unreadable ones.

        An image that breaks its decoder is one of them. Raises InputError when the folder is gone.
        """
        decoder = self._idle.get()
        try:
            try:
                return self._ask(decoder, rows, slots)
            except DecoderDied:
                decoder = self._replaced(decoder)
            unreadable: Unreadable = []
            for place, row in enumerate(rows):
                try:
                    unreadable += self._ask(decoder, [row], slots[place : place + 1])
                except DecoderDied as death:
                    reason = f"the decoder broke down ({death.signal or 'it ended'})"
                    unreadable.append(Unread(row, reason))
                    decoder = self._replaced(decoder)
            return unreadable
        finally:
            self._idle.put(decoder)

    def _ask(self, decoder: _Decoder, rows: Sequence[int], slots: np.ndarray) -> Unreadable:
        found = decoder.decode([self._images.paths[row] for row in rows], slots)
        return [Unread(rows[one.row], one.reason, one.passing) for one in found]

    def _replaced(self, decoder: _Decoder) -> _Decoder:
        decoder.close()
        return _Decoder(self._images, self._framing)

    def close(self) -> None:
        """End the processes that no thread uses."""
        while not self._idle.empty():
            self._idle.get().close()

    def __enter__(self) -> Decoders:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _environment() -> dict[str, str]:
    """Return the environment in which another interpreter finds this very package."""
    paths = (_HOME, os.environ.get("PYTHONPATH"))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


class _Decoder:
    """One process, in a session of its own: what is typed at the terminal does not reach it."""

    def __init__(self, images: FileImages, framing: Framing) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "neuroinspect_tui.data.decoder"],
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pipesize=_PIPE,
        )
        with self._alive() as (requests, _):
            pickle.dump((replace(images, root=images.root.absolute(), paths=()), framing), requests)

    def decode(self, names: list[str], slots: np.ndarray) -> Unreadable:
        """Fill `slots` and return the unreadable ones by their place. Raises DecoderDied, InputError."""
        with self._alive() as (requests, answers):
            pickle.dump(names, requests)
            requests.flush()
            found: Unreadable | tuple[str, str] = pickle.load(answers)
            if isinstance(found, tuple):
                raise InputError(*found)
            view = slots.reshape(-1).data
            while view:
                count = answers.readinto(view)  # type: ignore[attr-defined]
                if not count:
                    raise EOFError
                view = view[count:]
            return found

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @contextlib.contextmanager
    def _alive(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """Give both pipes; raise DecoderDied where one of them breaks."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            yield self._process.stdin, self._process.stdout
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            raise DecoderDied(self._process.wait()) from None
