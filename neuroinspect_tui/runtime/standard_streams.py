"""Closed standard streams (`<&-`, `>&-`) lead to nowhere: the next file opened must not become one."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def open_closed_streams() -> None:
    """Open the null device under each closed descriptor 0, 1 and 2, and the streams that Python left out."""
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
    for name, mode_of in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode_of, encoding="utf-8")  # noqa: SIM115 - open to the end
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
