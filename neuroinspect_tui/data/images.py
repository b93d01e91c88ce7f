"""Open one image the way the usual training loader does, or say why it cannot be read."""

from __future__ import annotations

import stat
import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
SUFFIXES = frozenset(("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm", "pbm", "pnm"))
PIXEL_LIMIT = 89_478_485
"""A quarter of a gigabyte of RGB, Pillow's own bound for a "decompression bomb"."""

TOO_LARGE = f"too large: more than {PIXEL_LIMIT // 10**6} million pixels"

# Pillow's remarks about odd but readable files would be written over the screen.
warnings.filterwarnings("ignore", module=r"PIL\.")


class UnreadableImage(Exception):  # noqa: N818  (listed beside the images that can be read, not a failure)
    """`reason` says in a few words why an image cannot be read; it does not repeat the path."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def open_image(path: Path) -> Image.Image:
    """Return the decoded first frame as RGB; raises UnreadableImage.

    Equals torchvision's `ImageFolder` loader, `Image.open(path).convert("RGB")`, so that a classifier sees
    what it was trained on: alpha is dropped, palettes are looked up, greyscale is repeated, CMYK is converted
    without a colour profile, 16-bit RGB keeps its high byte, 16-bit greyscale is clipped at 255 (nearly
    all white), and the EXIF orientation is ignored. Only `FORMATS` up to `PIXEL_LIMIT` are decoded.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableImage("not a regular file")
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > PIXEL_LIMIT:
                raise UnreadableImage(TOO_LARGE)
            image.load()
            rgb: Image.Image = image if image.mode == "RGB" else image.convert("RGB")
            return rgb
    except (UnreadableImage, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise UnreadableImage(TOO_LARGE) from None
    except UnidentifiedImageError:
        empty = path.stat().st_size == 0
        raise UnreadableImage("empty file" if empty else f"not one of {', '.join(FORMATS)}") from None
    except OSError as error:
        raise UnreadableImage((error.strerror or str(error)).lower()) from None
    except Exception as error:  # a decoder fails on a broken file with whatever it stumbled over
        raise UnreadableImage(f"broken image ({type(error).__name__}: {error})") from None
