"""Keep libtiff, which Pillow brings along, from writing to file descriptor 2: there is the screen."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
from pathlib import Path

import PIL

_SETTERS = (
    "TIFFSetErrorHandler",
    "TIFFSetWarningHandler",
    "TIFFSetErrorHandlerExt",
    "TIFFSetWarningHandlerExt",
)


def silence_libtiff() -> None:
    """Take away the functions with which libtiff prints errors; Pillow learns of each all the same."""
    home = Path(PIL.__file__).parent
    bundled = [*home.parent.glob("pillow.libs/libtiff*"), *home.glob(".dylibs/libtiff*")]
    for name in map(str, bundled) if bundled else filter(None, [ctypes.util.find_library("tiff")]):
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(name)
            for setter in _SETTERS:
                getattr(library, setter)(None)
