"""Open one image the way the usual training loader does, or say why it cannot be read."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import re
import stat
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from ..errors import InputError
from . import dicom
from .quiet import silence_libtiff

with contextlib.suppress(ImportError):  # a Pillow of its own makes it superfluous
    import pillow_avif  # noqa: F401
Image.init()

_WANTED = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000")
FORMATS = tuple(name for name in _WANTED if name in Image.OPEN)
SUFFIXES = frozenset(
    (
        *("jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif", "tif", "tiff"),
        *("ppm", "pgm", "pbm", "pnm", "avif", "jp2", "j2k", "jpx", "jpf", "dcm", "dicom"),
    )
)
PIXEL_LIMIT = 89_478_485
"""A quarter of a gigabyte of RGB, Pillow's own bound for a "decompression bomb"."""
SCALED = "scaled"
"""The entry of an image's `info` that says which kind of deep pixels was scaled to 8 bits."""
STORED = "stored size"
"""The entry of an image's `info` with the size of its file, where it may have been decoded smaller."""

TOO_LARGE = f"too large: more than {PIXEL_LIMIT // 10**6} million pixels"
NO_IMAGE = f"not one of {', '.join(_WANTED)}, DICOM"

_PASSING = frozenset(
    (
        *(errno.ENOENT, errno.EACCES, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY),
        *(errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENODEV, errno.ENXIO, errno.ECONNRESET),
        *(errno.EMFILE, errno.ENFILE, errno.ENETUNREACH, errno.ENETDOWN),
    )
)
"""What a disk or network answers for a while: it says nothing about the image."""
_WAITS = (0.05, 0.15, 0.4)
"""Seconds before each further try."""
_SIXTEEN_BITS = 257
_DEEP_GREY = ("PNG", "PPM")
"""Formats whose deep greyscale Pillow gives as 16 bits in an image of 32."""

# What Pillow and libtiff remark on odd files would be written over the screen.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)
silence_libtiff()


class Unread(NamedTuple):
    """An image of a split that could not be read, and why; `passing` as of `UnreadableImage`."""

    row: int
    reason: str
    passing: bool = False


class UnreadableImage(Exception):  # noqa: N818  (listed beside the images that can be read, not a failure)
    """`reason` says in a few words why an image cannot be read; it does not repeat the path.

    `passing`: the disk or the network did not answer, the image itself may be whole.
    """

    def __init__(self, reason: str, passing: bool = False) -> None:
        self.reason, self.passing = reason, passing
        super().__init__(reason)


def open_image(path: Path, mode: str = "RGB", shortest: int | None = None) -> Image.Image:
    """Return the decoded first frame as `mode` (RGB, L or RGBA); raises UnreadableImage.

    Equals torchvision's `ImageFolder` loader, `Image.open(path).convert("RGB")`, so that a classifier sees
    what it was trained on: alpha is dropped, palettes are looked up, greyscale is repeated, CMYK is converted
    without a colour profile, 16-bit RGB keeps its high byte, and the EXIF orientation is ignored. Unlike
    there, 16-bit and float greyscale is scaled to 0…255 (`eight_bits`) instead of clipped to white. Only
    `FORMATS` and DICOM up to `PIXEL_LIMIT` are decoded. What may pass is tried again for a moment.

    `shortest`: a JPEG whose sides stay at least so long is decoded at 1/2, 1/4 or 1/8 of its size, from fewer
    coefficients: much faster, with slightly other pixels. Its stored size is in `info` under `STORED`.
    """
    return _patiently(lambda: _open_once(path, mode, shortest))


def decode_patiently(read: Callable[[], bytes], mode: str = "RGB") -> Image.Image:
    """Return the image in the bytes that `read` gives, as `open_image` does; raises UnreadableImage."""

    def once() -> Image.Image:
        try:
            return decode(io.BytesIO(read()), mode)
        except (OSError, zlib.error) as error:
            raise _unread(error) from None

    return _patiently(once)


def _patiently(once: Callable[[], Image.Image]) -> Image.Image:
    for wait in _WAITS:
        try:
            return once()
        except UnreadableImage as error:
            if not error.passing:
                raise
        time.sleep(wait)
    return once()


def _unread(error: OSError | zlib.error) -> UnreadableImage:
    if isinstance(error, zlib.error):
        return UnreadableImage(f"broken archive ({error})")
    return UnreadableImage((error.strerror or str(error)).lower(), error.errno in _PASSING)


def _open_once(path: Path, mode: str, shortest: int | None) -> Image.Image:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableImage("not a regular file")
        with path.open("rb") as file:
            return decode(file, mode, shortest)
    except OSError as error:
        raise _unread(error) from None


def decode(file: IO[bytes], mode: str = "RGB", shortest: int | None = None) -> Image.Image:
    """Return the image in an open file as `open_image` does; raises UnreadableImage, OSError of the disk."""
    try:
        if dicom.is_dicom(file):
            return dicom.read(file, PIXEL_LIMIT).convert(mode)
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > PIXEL_LIMIT:
                raise UnreadableImage(TOO_LARGE)
            if shortest is not None:
                image.info[STORED] = image.size
                image.draft(None, (shortest, shortest))
            image.load()
            return as_mode(image, mode)
    except (UnreadableImage, InputError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise UnreadableImage(TOO_LARGE) from None
    except UnidentifiedImageError:
        raise _unidentified(file) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise UnreadableImage(_in_words(str(error))) from None
    except Exception as error:  # a decoder fails on a broken file with whatever it stumbled over
        raise UnreadableImage(f"broken image ({type(error).__name__}: {error})") from None


def as_mode(image: Image.Image, mode: str) -> Image.Image:
    """Return an image as RGB, L or RGBA of 8 bits."""
    image = eight_bits(image)
    if mode == "L" and image.mode not in ("L", "1", "LA", "La"):
        image = image if image.mode == "RGB" else image.convert("RGB")
    return image if image.mode == mode else image.convert(mode)


def eight_bits(image: Image.Image) -> Image.Image:
    """Return deep greyscale scaled to 8 bits, other images as they are; raises UnreadableImage.

    16 bits (and a PGM of any depth, which Pillow stretches to 16) are divided by 257. Float and 32-bit values
    in 0…1 are taken as such, in 0…255 as they are, up to 65535 as 16 bits.
    """
    if not (image.mode.startswith("I") or image.mode == "F"):
        return image
    values = np.asarray(image, np.float64)
    if image.mode.startswith("I;16") or image.format in _DEEP_GREY:
        kind, factor = "16-bit", 1 / _SIXTEEN_BITS
    else:
        kind = "float" if image.mode == "F" else "32-bit"
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        if not 0 <= low <= high <= 65535:
            raise UnreadableImage(f"{kind} values from {low:g} to {high:g}: scale them to 0…1 or 0…255")
        factor = 255.0 if high <= 1 and image.mode == "F" else 1.0 if high <= 255 else 1 / _SIXTEEN_BITS
    scaled = np.rint(np.nan_to_num(values) * factor).clip(0, 255).astype(np.uint8)
    found = Image.fromarray(scaled)
    found.info[SCALED] = kind
    return found


def _unidentified(file: IO[bytes]) -> Exception:
    file.seek(0)
    start = file.read(16)
    if not start:
        return UnreadableImage("empty file")
    if start[4:8] == b"ftyp" and start[8:12] in (b"avif", b"avis"):
        return InputError("AVIF images need a library", 'pip install "neuroinspect-tui[formats]"')
    return UnreadableImage(NO_IMAGE)


def _in_words(text: str) -> str:
    """Return what a decoder says; libtiff says a number alone."""
    number = re.fullmatch(r"(?:decoder error )?(-?[0-9]+)", text.strip())
    if number is None:
        return text.lower()
    return f"broken image ({ImageFile.ERRORS.get(int(number[1]), 'decoding error')})"
