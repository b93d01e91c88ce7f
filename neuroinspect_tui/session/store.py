"""A session: the directory that holds everything found; resumable, portable by copy."""

from __future__ import annotations

import contextlib
import io
import json
import platform
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from ..config import RunConfig, seen_from
from ..errors import InputError
from ..text import safe
from ..version import __version__
from .atomic import explained, make_directory, remove_leftovers, write_bytes, write_json
from .inputs import changes_of_inputs
from .journal import Entry, append_line, make_durable, read_journal
from .lock import Lock, read_holder
from .stored import from_json, to_json

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

T = TypeVar("T")
K = TypeVar("K", int, tuple[int, int])
INDEX = "session.json"
JOURNAL = "journal.jsonl"
VERSION = 1
SCHEMA = "neuroinspect.session/"

_NAME = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


@dataclass
class Index:
    """What session.json holds: `config` as JSON, and the `folder` that its relative paths are seen from.

    `hashes` are of the inputs that the results depend on, `stages` the state of each by name.
    """

    schema: str = f"{SCHEMA}{VERSION}"
    created: str = field(default_factory=lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    config: object = None
    folder: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """One line of `neuroinspect sessions`; `busy` while a process writes it."""

    root: Path
    model: str
    data: str
    split: str
    stages: dict[str, str]
    updated: float
    busy: bool


class Session:
    """A session directory; `open` it to write (one process at a time), `view` it to read."""

    _made: tuple[Path, ...] = ()

    def __init__(self, root: Path, lock: Lock | None) -> None:
        self.root = root
        self._lock = lock
        self._index = _read_index(root)

    @classmethod
    def open(cls, root: Path, create: bool = True) -> Session:
        """Lock the session at `root` for writing and clean up after an interrupted writer.

        Raises SessionLocked when another process writes it, InputError when the directory cannot be
        used: not a session, made by a newer version, read-only.
        """
        if not create:
            require_session(root)
        missing = [path for path in (root, root / INDEX, root / JOURNAL) if not path.exists()]
        with explained(root, "create"):
            make_directory(root)
        lock = Lock(root)
        lock.acquire()
        try:
            if (root / INDEX).exists():
                remove_leftovers(root)
            session = cls(root, lock)
            session._made = tuple(missing)
            session._write_index()
        except BaseException:
            lock.release()
            raise
        return session

    @classmethod
    def view(cls, root: Path) -> Session:
        """Open the session at `root` for reading, also while another process writes it."""
        require_session(root)
        return cls(root, None)

    def close(self, refused: bool = False) -> None:
        """Make the journal durable and give the lock up; of `refused` inputs no new session is left."""
        if self._lock is None:
            return
        unused = self._made if refused and self.config is None else ()
        if not unused:
            make_durable(self.root / JOURNAL)
        for path in unused:
            if path != self.root:
                path.unlink(missing_ok=True)
        self._lock.release()
        self._lock = None
        if self.root in unused:
            with contextlib.suppress(OSError):
                self.root.rmdir()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def writable(self) -> bool:
        """Whether this object holds the session's lock."""
        return self._lock is not None

    def path(self, relative: str) -> Path:
        """Return the absolute path of a file of the session; InputError if it would lie outside of it."""
        path = self.root / relative
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise InputError(f"{safe(relative)} lies outside the session", "use a session that you trust")
        return path

    # What the session was made from

    @property
    def config(self) -> RunConfig | None:
        """The configuration of the last run, or None before the first; its paths hold where we are now."""
        stored, folder = self._index.config, self._index.folder
        config = None if stored is None else _decode(self.root / INDEX, RunConfig, stored)
        if config is None or not folder or folder == str(Path.cwd()):
            return config
        return seen_from(config, Path(folder))

    @property
    def hashes(self) -> dict[str, str]:
        """The inputs that the session was made from: what `bind` recorded."""
        return dict(self._index.hashes)

    def bind(self, config: RunConfig, hashes: Mapping[str, str], versions: Mapping[str, str]) -> None:
        """Record the run's configuration, inputs and versions.

        `hashes` names each input that the cached results depend on (model, weights, manifest,
        preprocessing). Raises InputError that says what differs when the session was made from others.
        """
        known = self._index.hashes
        differing = sorted(key for key in known.keys() | hashes.keys() if known.get(key) != hashes.get(key))
        if known and differing:
            changes = changes_of_inputs(self.config, config, differing)
            raise InputError(
                f"{safe(str(self.root))} was made from other inputs ({changes})",
                "choose another directory with -o, or give the inputs of that session",
            )
        made_by = {"neuroinspect": __version__, "python": platform.python_version(), **versions}
        self._index.config, self._index.folder = to_json(config), str(Path.cwd())
        self._index.hashes, self._index.versions = dict(hashes), made_by
        self._write_index()

    # Which stages are done

    @property
    def stages(self) -> dict[str, str]:
        """The state of each stage by name."""
        return dict(self._index.stages)

    def set_stage(self, name: str, state: str) -> None:
        """Record the state of a stage, such as "running" or "done"."""
        self._index.stages[name] = state
        self._write_index()

    # Results

    def save(self, name: str, value: object) -> None:
        """Store a value of `results` (or a tuple or dict of such) as `state/<name>.json`, atomically."""
        write_json(self._state(name), to_json(value))

    def load(self, name: str, kind: type[T]) -> T | None:
        """Return the value stored under `name`, or None if there is none; InputError if it is damaged."""
        path = self._state(name)
        try:
            stored = path.read_bytes()
        except FileNotFoundError:
            return None
        return _decode(path, kind, _parse(path, stored))

    def add(
        self, name: str, kind: type[tuple[T, ...]], found: Iterable[T], key: Callable[[T], K]
    ) -> tuple[T, ...]:
        """Add values to the tuple stored under `name`, in place of those with their `key`; return it sorted.

        What another job stored since the caller looked is kept.
        """
        together = {key(value): value for value in (*(self.load(name, kind) or ()), *found)}
        values = tuple(together[place] for place in sorted(together))
        self.save(name, values)
        return values

    def saved(self, prefix: str = "") -> tuple[str, ...]:
        """Return the names stored so far that begin with `prefix`, sorted."""
        state = self.root / "state"
        names = (file.relative_to(state).with_suffix("").as_posix() for file in state.rglob("[!.]*.json"))
        return tuple(sorted(name for name in names if name.startswith(prefix)))

    def forget(self, name: str) -> None:
        """Delete the value stored under `name`, if there is one."""
        path = self._state(name)
        with explained(path, "delete"):
            path.unlink(missing_ok=True)

    def _state(self, name: str) -> Path:
        if not _NAME.fullmatch(name) or ".." in name:
            raise ValueError(f"{name!r} is not the name of a stored value")
        return self.root / "state" / f"{name}.json"

    # Files

    def write_bytes(self, relative: str, data: bytes) -> str:
        """Write a file of the session atomically; return its relative path."""
        write_bytes(self.path(relative), data)
        return relative

    def write_png(
        self, relative: str, pixels: Image | np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    ) -> str:
        """Write a PIL image or a uint8 array [H,W] or [H,W,3] as PNG; return its relative path."""
        import PIL.Image

        image = pixels if isinstance(pixels, PIL.Image.Image) else PIL.Image.fromarray(pixels)
        encoded = io.BytesIO()
        image.save(encoded, "PNG")
        return self.write_bytes(relative, encoded.getvalue())

    def repair_directory(self, method: str) -> tuple[int, Path]:
        """Create `repairs/<k>-<method>` with the next free number k; return both."""
        repairs = self.root / "repairs"
        taken = [int(found[1]) for folder in _entries(repairs) if (found := re.match(r"(\d+)-", folder.name))]
        number = max(taken, default=0) + 1
        directory = repairs / f"{number}-{method}"
        with explained(directory, "create"):
            make_directory(directory)
        return number, directory

    # Journal

    def journal(self, event: str, **values: object) -> None:
        """Append an event to journal.jsonl."""
        append_line(self.root / JOURNAL, {"time": round(time.time(), 3), "event": event, **to_json(values)})

    def events(self, offset: int = 0) -> tuple[list[Entry], int]:
        """Return the events after byte `offset` of the journal, and the offset to follow it from."""
        return read_journal(self.root / JOURNAL, offset)

    def _write_index(self) -> None:
        write_json(self.root / INDEX, to_json(self._index))


def require_session(root: Path) -> None:
    """Raise InputError unless `root` is a session directory."""
    if not (root / INDEX).is_file():
        raise InputError(
            f"{safe(str(root))} is not a session", "give a directory that neuroinspect wrote with -o"
        )


def list_sessions(folder: Path) -> tuple[Summary, ...]:
    """Return the sessions directly inside `folder`, the one written last first; damaged ones are left out."""
    found = filter(None, map(summary_of, _entries(folder)))
    return tuple(sorted(found, key=lambda summary: -summary.updated))


def summary_of(root: Path) -> Summary | None:
    """Return the summary of the session at `root`; None where there is none, or one that cannot be read."""
    try:
        session = Session.view(root)
        config = session.config
        updated = (root / INDEX).stat().st_mtime
    except (InputError, OSError):
        return None
    holder = read_holder(root)
    return Summary(
        root,
        config.model.spec if config else "",
        config.data.source if config else "",
        config.data.split if config else "",
        session.stages,
        updated,
        holder is not None and not holder.stale,
    )


def _entries(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())


def _read_index(root: Path) -> Index:
    path = root / INDEX
    if not path.exists():
        return Index()
    with explained(path, "read"):
        stored = _parse(path, path.read_bytes())
    schema = stored.get("schema") if isinstance(stored, dict) else None
    name, _, version = str(schema).rpartition("/")
    if f"{name}/" != SCHEMA or not version.isdecimal():
        raise InputError(
            f"{safe(str(path))} is not a session of neuroinspect", "choose another directory with -o"
        )
    if int(version) > VERSION:
        raise InputError(
            f"{safe(str(path))} was written by a newer neuroinspect (format {version})",
            "upgrade neuroinspect",
        )
    return _decode(path, Index, stored)


def _parse(path: Path, data: bytes) -> object:
    try:
        parsed: object = json.loads(data)
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    return parsed


def _decode(path: Path, kind: type[T], stored: object) -> T:
    try:
        return from_json(kind, stored)
    except ValueError as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(
        f"{safe(str(path))} is damaged ({safe(reason)})", "delete it: it is made anew by the next run"
    )
