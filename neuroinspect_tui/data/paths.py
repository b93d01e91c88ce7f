"""Why the images of a table are not where its paths say."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal

from ..errors import InputError
from .files import is_there
from .table import Table
from .tree import SPELLED

_FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")


def why_not_there(table: Table, path: str) -> InputError | None:
    """Return the refusal that names the fault of `path`, which is not in the table's root; None: no idea."""
    root = table.root
    if "\\" in path:
        forward = path.replace("\\", "/")
        line = f'{table.origin}: paths are written with backslashes (for example "{path}")'
        shown = forward if is_there(root / forward) else _tail(root, forward)
        return InputError(line, f'write "{shown or forward}": forward slashes, relative to {root}')
    if path.startswith("/"):
        line = f'{table.origin}: paths are absolute and not on this machine (for example "{path}")'
        tail = _tail(root, path)
        remedy = f'write "{tail}"' if tail else "write them relative to --data-root"
        return InputError(line, remedy)
    for form in _FORMS:
        spelled = unicodedata.normalize(form, path)
        if spelled != path and is_there(root / spelled):
            line = f'{table.origin}: paths are in another Unicode form than the files (for example "{path}")'
            return InputError(line, f"write them in {form}, as the files are named")
    suffix = next((suffix for suffix in SPELLED if is_there(root / f"{path}{suffix}")), None)
    if suffix is not None:
        line = f'{table.origin}: paths lack the suffix of the files (for example "{path}")'
        return InputError(line, f"write {path}{suffix}")
    tail = _tail(root, path)
    if tail is not None:
        above = path.removesuffix(tail)
        line = f'{table.origin}: paths begin with "{above}", which is not in {root} (for example "{path}")'
        return InputError(line, f'write "{tail}"')
    parent = next((folder for folder in list(root.absolute().parents)[:3] if is_there(folder / path)), None)
    if parent is None:
        return None
    line = f'{table.origin}: its images are not in {root} (for example "{path}")'
    return InputError(line, f"give --data-root {parent}")


def _tail(root: Path, path: str) -> str | None:
    """Return the longest end of a path that is there below the root."""
    parts = PurePosixPath(PureWindowsPath(path).as_posix()).parts
    tails = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return next((tail for tail in tails if tail and is_there(root / tail)), None)
