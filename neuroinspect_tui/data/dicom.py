"""Read DICOM images through pydicom, an extra."""

from __future__ import annotations

from typing import IO

import numpy as np
from PIL import Image

from ..errors import InputError

_MARK, _AT = b"DICM", 128


def is_dicom(file: IO[bytes]) -> bool:
    """Whether an open file is DICOM; leaves it at its beginning."""
    start = file.read(_AT + len(_MARK))
    file.seek(0)
    return start[_AT:] == _MARK


def read(file: IO[bytes], most_pixels: int) -> Image.Image:
    """Return the first frame as 8 bits: modality and window applied, the range of stored values on 0…255.

    MONOCHROME1, where 0 is white, is inverted. Raises InputError without pydicom, whatever it raises else.
    """
    try:
        import pydicom
        from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
    except ImportError:
        raise InputError("DICOM images need a library", 'pip install "neuroinspect-tui[dicom]"') from None
    data = pydicom.dcmread(file)
    if int(data.Rows) * int(data.Columns) > most_pixels:
        raise Image.DecompressionBombError
    pixels = data.pixel_array
    if int(data.get("NumberOfFrames", 1) or 1) > 1:
        pixels = pixels[0]
    if int(data.SamplesPerPixel) > 1:
        return Image.fromarray(pixels.astype(np.uint8))
    bits, signed = int(data.BitsStored), int(data.PixelRepresentation)
    stored = np.array([-(2 ** (bits - 1)) if signed else 0, 2 ** (bits - signed) - 1], pixels.dtype)
    low, high = (float(value) for value in apply_modality_lut(stored, data))
    values = np.asarray(apply_voi_lut(apply_modality_lut(pixels, data), data), np.float64)
    scaled = np.rint((values - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)
    return Image.fromarray(255 - scaled if data.PhotometricInterpretation == "MONOCHROME1" else scaled)
