"""A process that decodes images for another one: paths come in on stdin, frames go out on stdout.

Started by `decoders`; it ends with its stdin. Imports no torch, so that many of them are cheap.
"""

from __future__ import annotations

import contextlib
import pickle
import sys
from typing import IO

import numpy as np

from ..errors import InputError
from .files import FileImages
from .framing import Framing
from .images import Unread, UnreadableImage


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer a list of n paths with the `Unread` of those that cannot be read, then [n,S,S,C] bytes.

    The first request is (images, framing). An InputError is answered with its two texts alone.
    """
    images, framing = pickle.load(requests)
    while True:
        try:
            names = pickle.load(requests)
        except EOFError:
            return
        try:
            frames, unreadable = decode(images, framing, names)
        except InputError as error:
            pickle.dump((error.message, error.remedy), answers)
        else:
            pickle.dump(unreadable, answers)
            answers.write(frames.data)
        answers.flush()


def decode(images: FileImages, framing: Framing, names: list[str]) -> tuple[np.ndarray, list[Unread]]:
    """Return the frames uint8 [n,S,S,C] of n paths, and which of them cannot be read."""
    frames = np.zeros((len(names), framing.crop, framing.crop, framing.channels), np.uint8)
    unreadable = []
    for place, name in enumerate(names):
        try:
            frame = np.asarray(framing(images.open_file(name, framing.mode)))
            frames[place] = frame.reshape(frames[place].shape)
        except UnreadableImage as error:
            unreadable.append(Unread(place, error.reason, error.passing))
    return frames, unreadable


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)
