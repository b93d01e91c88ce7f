"""One writer per session: a lock that the kernel gives up with the process, and a file that names its holder.

    session.lock   held with flock from `acquire` to `release`
    session.lease  where flock is not implemented: filelock's lease, renewed by its holder
    lock.json      pid, host and start time of the holder, who touches it every few seconds

Some network file systems grant flock to one process of each host. So a holder on another machine counts as
gone only when its touches have ceased for a while.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import subprocess
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import BaseFileLock, SoftFileLease, Timeout, UnixFileLock

from ..errors import InputError
from ..text import safe
from .atomic import explained, write_json

NAME = "lock.json"
KERNEL_LOCK = "session.lock"
LEASE = "session.lease"
BEAT_SECONDS = 2.0
WATCH_SECONDS = 5.0
"""How long a holder on another machine is watched for a touch before its lock is taken over."""
FRESH_SECONDS = 30.0
"""How old its last touch may be for those who only look; also how long a lease lasts."""
BUSY_SECONDS = 1.0
"""How long to try again for a lock that a reader has taken for a moment."""
_NO_FLOCK = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock; `started` tells it from a later process with the same pid."""

    pid: int
    host: str
    started: str

    @classmethod
    def current(cls) -> Holder:
        """This process."""
        return cls(os.getpid(), socket.gethostname(), start_time(os.getpid()))

    @property
    def stale(self) -> bool:
        """True when the process is on this host and gone; a process on another host cannot be asked."""
        return self.host == socket.gethostname() and start_time(self.pid) != self.started

    @property
    def shares_kernel(self) -> bool:
        """Whether it runs, or ran, below this very kernel, be it in another container."""
        return bool(_boot_id()) and self.started.partition(":")[0] == _boot_id()


UNKNOWN = Holder(0, "an unknown host", "")


class SessionLocked(InputError):  # noqa: N818  (the name says what is wrong)
    """Another process writes this session: `holder` says which. It can still be read."""

    def __init__(self, root: Path, holder: Holder) -> None:
        self.holder = holder
        super().__init__(
            f"{safe(str(root))} is in use by process {holder.pid} on {safe(holder.host)}",
            "wait for it, or choose another directory with -o",
        )


def start_time(pid: int) -> str:
    """Return a text that no other process of this host ever has, or "" when there is no process `pid`."""
    if pid <= 0:
        return ""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return "" if fields[0] == "Z" else f"{_boot_id()}:{fields[19]}"
    listed = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()


def _boot_id() -> str:
    """Return the id of the running kernel's boot, "" where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def read_holder(root: Path) -> Holder | None:
    """Return who holds the session at `root`, or None when nobody does any more."""
    held = _is_flocked(root / KERNEL_LOCK)
    holder = _read(root / NAME)
    if held:
        return holder or UNKNOWN
    if holder is None or holder.stale:
        return None
    if holder.host != socket.gethostname():
        gone = holder.shares_kernel and held is not None
        return None if gone or not _is_fresh(root / NAME) else holder
    return holder


def _is_flocked(path: Path) -> bool | None:
    """Whether a process holds the kernel's lock on `path`; None where flock is not implemented."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return None if error.errno in _NO_FLOCK else True
    finally:
        os.close(descriptor)
    return False


def _is_fresh(path: Path) -> bool:
    try:
        return abs(time.time() - path.stat().st_mtime) < FRESH_SECONDS
    except OSError:
        return False


def _read(path: Path) -> Holder | None:
    try:
        values = json.loads(path.read_bytes())
        return Holder(int(values["pid"]), str(values["host"]), str(values["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Lock:
    """Holds the lock of the session at `root` from `acquire` to `release`."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / NAME
        self.holder = Holder.current()
        self._held: BaseFileLock | None = None
        self._released = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="neuroinspect-lock", daemon=True)

    def acquire(self) -> None:
        """Take the lock, from a process that is gone if need be. Raises SessionLocked, InputError."""
        with explained(self.root):
            self._held = self._take()
        if self._held is None:
            raise SessionLocked(self.root, _read(self.path) or UNKNOWN)
        try:
            other = _read(self.path)
            if other is not None and self._works(other):
                raise SessionLocked(self.root, other)
            write_json(self.path, asdict(self.holder))
        except BaseException:
            self._held.release()
            raise
        self._beating.start()

    def _take(self) -> BaseFileLock | None:
        """Return the kernel's lock or, where there is none, a lease; None when another process has it."""
        kernel = UnixFileLock(self.root / KERNEL_LOCK, thread_local=False, fallback_to_soft=False)
        try:
            return _acquired(kernel, BUSY_SECONDS)
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise
        lease = SoftFileLease(self.root / LEASE, lease_duration=FRESH_SECONDS, thread_local=False)
        return _acquired(lease, FRESH_SECONDS + BEAT_SECONDS)

    def _works(self, other: Holder) -> bool:
        """Whether the process that lock.json names still works in the session."""
        if other.host == socket.gethostname():
            return not other.stale
        if other.shares_kernel and isinstance(self._held, UnixFileLock):
            return False
        return self._is_touched()

    def _is_touched(self) -> bool:
        """Watch lock.json for a while; return whether somebody touched or replaced it."""
        before = self._touched_at()
        until = time.monotonic() + WATCH_SECONDS
        while time.monotonic() < until:
            time.sleep(min(0.1, WATCH_SECONDS))
            if self._touched_at() != before:
                return True
        return False

    def _touched_at(self) -> int:
        with contextlib.suppress(OSError):
            return self.path.stat().st_mtime_ns
        return 0

    def _beat(self) -> None:
        while not self._released.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):
                os.utime(self.path)

    def release(self) -> None:
        """Give the lock up; lock.json goes too, if it is still this process's."""
        if self._held is None:
            return
        self._released.set()
        self._beating.join()
        with contextlib.suppress(OSError):
            if _read(self.path) == self.holder:
                self.path.unlink(missing_ok=True)
            if isinstance(
                self._held, UnixFileLock
            ):  # while it is held: who waits for it sees that it is gone
                (self.root / KERNEL_LOCK).unlink(missing_ok=True)
        self._held.release()
        self._held = None


def _acquired(lock: BaseFileLock, timeout: float) -> BaseFileLock | None:
    try:
        lock.acquire(timeout=timeout, poll_interval=0.02)
    except Timeout:
        return None
    return lock
