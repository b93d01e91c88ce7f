"""One writer a session: a lock file with pid, host and start time, so that a stale one can be told."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import InputError
from ..text import safe
from .atomic import explained, temporary_for

NAME = "lock.json"
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS)


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


class SessionLocked(InputError):  # noqa: N818  (the name says what is wrong)
    """Another process writes this session: `holder` says which. It can still be read."""

    def __init__(self, root: Path, holder: Holder) -> None:
        self.holder = holder
        super().__init__(
            f"{safe(str(root))} is in use by process {holder.pid} on {safe(holder.host)}",
            f"wait for it, choose another directory with -o, or delete {NAME} there if that process is gone",
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
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return "" if fields[0] == "Z" else f"{boot}:{fields[19]}"
    listed = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()


def read_holder(root: Path) -> Holder | None:
    """Return who holds the session at `root`, or None; a lock that is no such file counts as stale."""
    return _read(root / NAME)


def _read(path: Path) -> Holder | None:
    try:
        values = json.loads(path.read_bytes())
        return Holder(int(values["pid"]), str(values["host"]), str(values["started"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return Holder(0, socket.gethostname(), "unknown")


class Lock:
    """Holds the lock of the session at `root` from `acquire` to `release`."""

    def __init__(self, root: Path) -> None:
        self.path = root / NAME
        self.holder = Holder.current()

    def acquire(self) -> None:
        """Take the lock, from a process that is gone if need be. Raises SessionLocked, InputError."""
        claim = temporary_for(self.path)
        try:
            while not self._claim(claim):
                self._evict()
        finally:
            with contextlib.suppress(OSError):
                claim.unlink()

    def _claim(self, claim: Path) -> bool:
        with explained(self.path.parent):
            claim.write_text(json.dumps(asdict(self.holder)), encoding="ascii")
        with explained(self.path):
            try:
                os.link(claim, self.path)
            except (FileExistsError, FileNotFoundError):  # held, or the holder has cleaned the claim away
                return False
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                return self._claim_without_links(claim)
        return True

    def _claim_without_links(self, claim: Path) -> bool:
        try:
            with self.path.open("xb") as file:
                file.write(claim.read_bytes())
        except FileExistsError:
            return False
        return True

    def _evict(self) -> None:
        """Move a stale lock aside; put it back when another process renewed it in the meantime."""
        root = self.path.parent
        holder = read_holder(root)
        if holder is None:
            return
        if not holder.stale:
            raise SessionLocked(root, holder)
        aside = temporary_for(self.path)
        with explained(self.path):
            try:
                self.path.rename(aside)
            except FileNotFoundError:
                return
            if _read(aside) != holder:
                os.link(aside, self.path)
            aside.unlink()

    def release(self) -> None:
        """Give the lock up, if it is still this process's."""
        if read_holder(self.path.parent) == self.holder:
            self.path.unlink(missing_ok=True)
