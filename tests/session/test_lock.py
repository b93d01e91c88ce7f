import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest
from filelock import SoftFileLease

from neuroinspect_tui.session import lock
from neuroinspect_tui.session.lock import (
    KERNEL_LOCK,
    LEASE,
    NAME,
    UNKNOWN,
    Holder,
    Lock,
    SessionLocked,
    read_holder,
)

ELSEWHERE = Holder(4711, "node-a", "another boot:1")
HOLD = (
    "import sys, pathlib\n"
    "from neuroinspect_tui.session.lock import Lock, SessionLocked\n"
    "try:\n    Lock(pathlib.Path(sys.argv[1])).acquire(); print('got', flush=True)\n"
    "except SessionLocked:\n    print('refused', flush=True)\n"
    "sys.stdin.readline()\n"
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No test waits for seconds."""
    monkeypatch.setattr(lock, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(lock, "WATCH_SECONDS", 0.3)
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.02)


@pytest.fixture
def taken():
    """Acquire locks that are released when the test ends."""
    made = []

    def take(root):
        made.append(Lock(root))
        made[-1].acquire()
        return made[-1]

    yield take
    for one in made:
        one.release()


def hold(root, holder, age=0.0):
    (root / NAME).write_text(json.dumps(asdict(holder)))
    os.utime(root / NAME, (time.time() - age,) * 2)


def process(root):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", HOLD, str(root)], **pipes)


def without_flock(monkeypatch):
    """Play a file system that has no flock."""

    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_the_lock_says_who_holds_it_and_goes_with_its_release(tmp_path, taken):
    held = taken(tmp_path)
    assert read_holder(tmp_path) == Holder.current()
    assert (held.holder.pid, held.holder.host) == (os.getpid(), socket.gethostname())
    assert {entry.name for entry in tmp_path.iterdir()} == {NAME, KERNEL_LOCK}
    held.release()
    assert read_holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    held.release()


def test_a_second_writer_is_refused_in_one_line(tmp_path, taken):
    taken(tmp_path)
    with pytest.raises(SessionLocked) as caught:
        Lock(tmp_path).acquire()
    assert str(caught.value) == (
        f"{tmp_path} is in use by process {os.getpid()} on {socket.gethostname()}: wait for it, "
        "or choose another directory with -o"
    )
    assert caught.value.holder == Holder.current()


def test_the_lock_goes_with_a_process_that_is_killed(tmp_path, taken):
    child = process(tmp_path)
    assert child.stdout.readline() == "got\n"
    assert read_holder(tmp_path).pid == child.pid
    with pytest.raises(SessionLocked, match=f"process {child.pid} on"):
        Lock(tmp_path).acquire()
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert json.loads((tmp_path / NAME).read_text())["pid"] == child.pid
    assert read_holder(tmp_path) is None
    taken(tmp_path)
    assert read_holder(tmp_path) == Holder.current()


def test_a_process_that_is_dead_but_not_waited_for_is_gone(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", ""])
    started = lock.start_time(child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert started and Holder(child.pid, socket.gethostname(), started).stale
    child.wait()


def test_another_process_with_the_same_pid_does_not_hold_it(tmp_path, taken):
    hold(tmp_path, replace(Holder.current(), started="another boot:1"))
    assert read_holder(tmp_path) is None
    taken(tmp_path)
    assert read_holder(tmp_path) == Holder.current()


def test_a_living_process_of_this_host_that_knows_no_flock_is_respected(tmp_path):
    """As an older version wrote it."""
    hold(tmp_path, Holder.current(), age=1e6)
    assert read_holder(tmp_path) == Holder.current()
    with pytest.raises(SessionLocked):
        Lock(tmp_path).acquire()


def test_the_lock_of_a_restarted_container_is_taken_over_at_once(tmp_path, taken, monkeypatch):
    monkeypatch.setattr(lock, "WATCH_SECONDS", 1e6)
    hold(tmp_path, replace(ELSEWHERE, started=f"{lock._boot_id()}:1"))
    assert read_holder(tmp_path) is None
    taken(tmp_path)
    assert read_holder(tmp_path) == Holder.current()


def test_a_lock_left_by_another_host_is_taken_over(tmp_path, taken):
    hold(tmp_path, ELSEWHERE)
    assert read_holder(tmp_path) == ELSEWHERE
    hold(tmp_path, ELSEWHERE, age=60)
    assert read_holder(tmp_path) is None
    hold(tmp_path, ELSEWHERE)
    taken(tmp_path)
    assert read_holder(tmp_path) == Holder.current()


def test_another_host_that_works_is_seen_by_its_touches_where_flock_does_not_reach_it(tmp_path):
    hold(tmp_path, ELSEWHERE, age=1e6)
    other = Lock(tmp_path)
    other._beating.start()
    with pytest.raises(SessionLocked, match="process 4711 on node-a"):
        Lock(tmp_path).acquire()
    other._released.set()
    other._beating.join()


def test_without_flock_a_lease_keeps_the_second_writer_out(tmp_path, taken, monkeypatch):
    monkeypatch.setattr(lock, "FRESH_SECONDS", 0.3)
    without_flock(monkeypatch)
    held = taken(tmp_path)
    assert isinstance(held._held, SoftFileLease)
    assert read_holder(tmp_path) == Holder.current()
    with pytest.raises(SessionLocked):
        Lock(tmp_path).acquire()
    held.release()
    assert not (tmp_path / LEASE).exists() and read_holder(tmp_path) is None


def test_without_flock_a_holder_elsewhere_counts_while_its_file_is_fresh(tmp_path, monkeypatch):
    without_flock(monkeypatch)
    (tmp_path / KERNEL_LOCK).touch()
    container = replace(ELSEWHERE, started=f"{lock._boot_id()}:1")
    hold(tmp_path, container)
    assert read_holder(tmp_path) == container
    hold(tmp_path, container, age=60)
    assert read_holder(tmp_path) is None


def test_other_errors_of_the_disk_are_no_missing_flock(tmp_path, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(lock.InputError, match="Input/output error"):
        Lock(tmp_path).acquire()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}'])
def test_a_damaged_lock_is_taken_over(tmp_path, content, taken):
    (tmp_path / NAME).write_text(content)
    assert read_holder(tmp_path) is None
    taken(tmp_path)
    assert read_holder(tmp_path) == Holder.current()
    (tmp_path / NAME).write_text(content)
    assert read_holder(tmp_path) == UNKNOWN and not UNKNOWN.stale


def test_release_leaves_what_another_process_wrote(tmp_path, taken):
    mine = taken(tmp_path)
    hold(tmp_path, ELSEWHERE)
    mine.release()
    assert json.loads((tmp_path / NAME).read_text())["host"] == "node-a"


def test_only_one_of_many_processes_gets_it(tmp_path):
    hold(tmp_path, Holder(0, socket.gethostname(), "gone"))
    children = [process(tmp_path) for _ in range(4)]
    answers = sorted(child.stdout.readline().strip() for child in children)
    for child in children:
        child.communicate("\n")
    assert answers == ["got", "refused", "refused", "refused"]


def test_a_child_that_was_forked_does_not_keep_the_lock(tmp_path, taken):
    held = taken(tmp_path)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    held.release()
    taken(tmp_path)
    os.close(writer)
    os.waitpid(child, 0)
