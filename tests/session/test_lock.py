import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from neuroinspect_tui.session import lock
from neuroinspect_tui.session.lock import NAME, Holder, Lock, SessionLocked, read_holder


def hold(root, holder):
    (root / NAME).write_text(json.dumps(asdict(holder)))


def test_the_lock_says_who_holds_it_and_goes_with_its_release(tmp_path):
    held = Lock(tmp_path)
    held.acquire()
    assert read_holder(tmp_path) == Holder.current()
    assert (held.holder.pid, held.holder.host) == (os.getpid(), socket.gethostname())
    assert [entry.name for entry in tmp_path.iterdir()] == [NAME]
    held.release()
    assert read_holder(tmp_path) is None


def test_a_second_writer_is_refused_in_one_line(tmp_path):
    Lock(tmp_path).acquire()
    with pytest.raises(SessionLocked) as caught:
        Lock(tmp_path).acquire()
    assert str(caught.value) == (
        f"{tmp_path} is in use by process {os.getpid()} on {socket.gethostname()}: wait for it, "
        "choose another directory with -o, or delete lock.json there if that process is gone"
    )
    assert caught.value.holder == Holder.current()


def test_the_lock_of_a_process_that_is_gone_is_taken_over(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    dead = Holder(child.pid, socket.gethostname(), lock.start_time(child.pid))
    hold(tmp_path, dead)
    with pytest.raises(SessionLocked):
        Lock(tmp_path).acquire()
    child.kill()
    child.wait()
    Lock(tmp_path).acquire()
    assert read_holder(tmp_path) == Holder.current()
    assert [entry.name for entry in tmp_path.iterdir()] == [NAME]


def test_a_process_that_is_dead_but_not_waited_for_is_gone(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", ""])
    started = lock.start_time(child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert started and Holder(child.pid, socket.gethostname(), started).stale
    child.wait()


def test_another_process_with_the_same_pid_does_not_hold_it(tmp_path):
    hold(tmp_path, replace(Holder.current(), started="another boot:1"))
    Lock(tmp_path).acquire()
    assert read_holder(tmp_path) == Holder.current()


def test_a_process_on_another_host_is_never_called_gone(tmp_path):
    hold(tmp_path, Holder(1, "elsewhere", "x"))
    with pytest.raises(SessionLocked, match="process 1 on elsewhere"):
        Lock(tmp_path).acquire()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}'])
def test_a_damaged_lock_is_taken_over(tmp_path, content):
    (tmp_path / NAME).write_text(content)
    Lock(tmp_path).acquire()
    assert read_holder(tmp_path) == Holder.current()


def test_a_lock_renewed_in_the_meantime_is_put_back(tmp_path, monkeypatch):
    hold(tmp_path, replace(Holder.current(), started="gone"))
    winner = Holder(1, "elsewhere", "x")
    rename = type(tmp_path).rename

    def race(self, target):
        hold(tmp_path, winner)
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", race)
    with pytest.raises(SessionLocked, match="elsewhere"):
        Lock(tmp_path).acquire()
    assert read_holder(tmp_path) == winner


def test_a_claim_that_another_writer_cleans_away_is_made_again(tmp_path, monkeypatch):
    link, claims = os.link, []

    def cleaned_away(claim, path):
        claims.append(claim)
        if len(claims) == 1:
            Path(claim).unlink()
        link(claim, path)

    monkeypatch.setattr(os, "link", cleaned_away)
    lock = Lock(tmp_path)
    lock.acquire()
    assert len(claims) == 2
    assert read_holder(tmp_path) == lock.holder
    assert [path.name for path in tmp_path.iterdir()] == ["lock.json"]


def test_release_leaves_the_lock_of_another_process(tmp_path):
    mine = Lock(tmp_path)
    mine.acquire()
    hold(tmp_path, Holder(1, "elsewhere", "x"))
    mine.release()
    assert read_holder(tmp_path) == Holder(1, "elsewhere", "x")


def test_it_works_where_there_are_no_hard_links(tmp_path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    Lock(tmp_path).acquire()
    assert read_holder(tmp_path) == Holder.current()
    with pytest.raises(SessionLocked):
        Lock(tmp_path).acquire()


def test_only_one_of_many_processes_gets_it(tmp_path):
    hold(tmp_path, Holder(0, socket.gethostname(), "gone"))
    code = (
        "import sys, pathlib\n"
        "from neuroinspect_tui.session.lock import Lock, SessionLocked\n"
        "sys.stdin.readline()\n"
        "try:\n    Lock(pathlib.Path(sys.argv[1])).acquire(); print('got', flush=True)\n"
        "except SessionLocked:\n    print('refused', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    answers = sorted(child.stdout.readline().strip() for child in children)
    for child in children:
        child.communicate("\n")
    assert answers == ["got", "refused", "refused", "refused"]
