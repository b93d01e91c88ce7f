"""The append-only record of a session's events: one JSON object a line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .atomic import explained

Entry = dict[str, Any]
"""One event as JSON: `time`, `event` and what belongs to it."""


def append_line(path: Path, entry: Entry) -> None:
    """Append `entry` as one line with one write, so that a kill leaves whole lines.

    A line torn by a power failure is ended first. Raises InputError on a full disk and the like.
    """
    line = json.dumps(entry, allow_nan=False).encode() + b"\n"
    with explained(path), path.open("ab+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
            line = b"\n" + line
        file.write(line)


def read_journal(path: Path, offset: int = 0) -> tuple[list[Entry], int]:
    """Return the whole entries after byte `offset` and the offset behind the last of them.

    A last line without its end is left for the next call; a line that is no JSON object (torn, then
    ended by a later append) is passed over.
    """
    if not path.exists():
        return [], 0
    with explained(path, "read"), path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    entries = [entry for line in whole.splitlines() if (entry := _parse(line)) is not None]
    return entries, offset + len(whole)


def make_durable(path: Path) -> None:
    """Bring the journal to the disk. A kill loses no line without it; a power failure may lose the last."""
    with explained(path):
        if path.exists():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _parse(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
