"""Loads what two threads need before either can meet it half-loaded."""

from __future__ import annotations

import threading

_LOADING = threading.Lock()


def load_image_libraries() -> None:
    """Import numpy and Pillow; a second thread waits until the first is done."""
    with _LOADING:
        import numpy
        import PIL.Image
        import PIL.PngImagePlugin  # noqa: F401

        del numpy
