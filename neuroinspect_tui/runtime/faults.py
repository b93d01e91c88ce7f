"""Where the traceback of a bug goes: to a file that can be sent, never between the lines of the output."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from ..errors import InternalFault


def fault_line(fault: InternalFault, folder: Path | None = None) -> str:
    """Keep the fault's traceback, in `folder` if it can be written to, and return what to tell the user."""
    file = _keep(fault.detail, folder)
    place = f"its traceback is in {file}" if file else "its traceback could not be written"
    return f"{fault.line}: this is a fault of neuroinspect, please report it ({place})"


def _keep(detail: str, folder: Path | None) -> Path | None:
    name = f"fault-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    for place in _places(folder):
        try:
            place.mkdir(parents=True, exist_ok=True)
            with (place / name).open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(detail)
        except OSError:
            continue
        return place / name
    return None


def _places(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
    yield platformdirs.user_log_path("neuroinspect")
    yield Path(tempfile.gettempdir())
