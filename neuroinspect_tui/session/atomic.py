"""Files and directories that appear whole or not at all, whatever happens in between."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import InputError
from ..text import safe

TEMPORARY = ".neuroinspect-tmp-"

_FULL = "free some space and give the same command again; all finished work is kept"
_FORBIDDEN = "choose a directory that you may write to with -o"
_IN_THE_WAY = "a file is in the way: choose another directory with -o"
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _FORBIDDEN,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
    errno.ENAMETOOLONG: "choose a shorter directory name with -o",
}


@contextmanager
def explained(path: Path, action: str = "write") -> Iterator[None]:
    """Turn an OSError about `path` into an InputError of one line that names the remedy."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = _REMEDIES.get(
            error.errno or 0, "check that its disk is mounted and well; finished work is kept"
        )
        raise InputError(f"cannot {action} {safe(str(path))} ({safe(reason)})", remedy) from error


def sync_directory(path: Path) -> None:
    """Make the names in directory `path` durable (nothing to do where directories cannot be opened)."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no such call
            raise
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Create `path` and its parents, durably. Raises OSError."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True)
    sync_directory(path.parent)


def temporary_for(path: Path) -> Path:
    """Return a new name beside `path` that `remove_leftovers` knows."""
    return path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """Yield the name of a file to write that takes the place of `path` when the block ends well.

    For writers that want a name; raises InputError like `replacing`.
    """
    with explained(path):
        make_directory(path.parent)
        temporary = temporary_for(path)
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_directory(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a binary file that takes the place of `path` when the block ends well, and vanishes otherwise.

    Raises InputError naming `path` on a full disk, a read-only directory and the like.
    """
    with aside(path) as temporary, temporary.open("xb") as file:
        yield file


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Yield a directory that becomes `path` when the block ends well, and vanishes otherwise.

    The block makes its own files durable. `path` must not exist. Raises InputError like `replacing`.
    """
    with explained(path):
        make_directory(path.parent)
        temporary = temporary_for(path)
        temporary.mkdir()
        try:
            yield temporary
            sync_directory(temporary)
            temporary.rename(path)
            sync_directory(path.parent)
        finally:
            if temporary.exists():
                shutil.rmtree(temporary)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the file `path` by `data` atomically."""
    with replacing(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Replace the file `path` by `text` as UTF-8; lone surrogates in names are kept as they are on disk."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def json_text(value: Any) -> str:
    """Return the canonical text of a JSON value; raises ValueError for NaN and infinity."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=1) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Replace the file `path` by a JSON value atomically."""
    write_text(path, json_text(value))


def remove_leftovers(root: Path) -> int:
    """Delete what an interrupted writer left under `root`; return how many files and directories."""
    removed = 0
    with explained(root, "clean"):
        for folder, directories, files in os.walk(root):
            for name in [name for name in directories if name.startswith(TEMPORARY)]:
                directories.remove(name)
                shutil.rmtree(Path(folder, name))
                removed += 1
            for name in files:
                if name.startswith(TEMPORARY):
                    Path(folder, name).unlink()
                    removed += 1
    return removed
