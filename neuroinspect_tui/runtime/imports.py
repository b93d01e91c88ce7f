"""Loads libraries: what two threads need before either can meet it half-loaded, and torch's early."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from importlib.util import find_spec
from pathlib import Path

_LOADING = threading.Lock()


def load_image_libraries() -> None:
    """Import numpy and Pillow; a second thread waits until the first is done."""
    with _LOADING:
        import numpy
        import PIL.Image
        import PIL.PngImagePlugin  # noqa: F401

        del numpy


def load_torch_early() -> None:
    """Begin to load torch's largest library on a thread, beside the imports of the interface.

    Importing torch then finds it there. Unlike an import, loading a library holds no lock of the interpreter.
    The program waits for it before it ends: a library must not be initialised while others are torn down.
    """
    threading.Thread(target=_load_torch_library, name="neuroinspect-library").start()


def _load_torch_library() -> None:
    found = find_spec("torch")
    for folder in found.submodule_search_locations or () if found else ():
        for library in Path(folder, "lib").glob("libtorch_cpu.*"):
            with contextlib.suppress(OSError):
                ctypes.CDLL(str(library))
