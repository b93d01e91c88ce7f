"""Faults put into a whole run: what is missing comes as one clear line, and nothing that was finished is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.batch.displays import Display
from neuroinspect_tui.batch.run import Batch
from neuroinspect_tui.errors import Cancelled
from neuroinspect_tui.events import Event, Started, Stopped
from tests.session.tmpfs import run_on_tmpfs
from tests.test_batch import neuroinspect
from tests.test_resume import OPTIONS, comparable
from tests.tiny import TinyProject

FAULTY = """
import os
from pathlib import Path

import torch
from tiny import Tiny


class Faulty(Tiny):
    def forward(self, x):
        if len(x) > int(os.environ.get("MOST", "99")):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        mount = os.environ.get("MOUNT")
        if mount and len(x) == 8:
            Path(mount).rename(mount + "-gone")
            del os.environ["MOUNT"]
        return super().forward(x)


def faulty():
    return Faulty()
"""
FULL_DISK = """
import json, os, random, shutil, subprocess, sys
from pathlib import Path
from tests.crash import import_all, run

disk, arguments = Path(sys.argv[1]), json.loads({arguments!r})
log, modules = disk.parent / f"{{disk.name}}.log", disk.parent / "modules.json"

def resize(size):
    subprocess.run(["mount", "-o", f"remount,size={{size}}", disk], check=True)

def move(name):
    shutil.copytree(disk, disk.parent / name)
    for entry in disk.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

assert run(disk, arguments, modules) == 0
import_all(modules)
pages = os.statvfs(disk).f_blocks - os.statvfs(disk).f_bfree
move("undisturbed")
told, sizes = [], random.Random(6)
for number in range({rounds}):
    resize(4096 * sizes.randrange(1, pages))
    full = run(disk, arguments, None)
    line = log.read_text().splitlines()[-1]
    resize("64m")
    told.append((full, line, run(disk, arguments, None)))
    move(f"full-{{number}}")
print(json.dumps(told))
"""
ROUNDS = 8


@pytest.fixture
def faulty(tiny: TinyProject) -> list[str]:
    """The options of the tiny project with a model that faults as the environment says."""
    (tiny.root / "faulty.py").write_text(FAULTY)
    return [option.replace("tiny.py:tiny", "faulty.py:faulty") for option in tiny.options]


def test_running_out_of_memory_changes_no_result(
    faulty: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, most in (("plenty", "99"), ("little", "4")):
        monkeypatch.setenv("MOST", most)
        code, _, errors = neuroinspect(
            "--batch", *faulty, *OPTIONS, "-o", str(tmp_path / name), capsys=capsys
        )
        assert code == 0, errors
    assert comparable(tmp_path / "little") == comparable(tmp_path / "plenty")


def test_memory_for_not_even_one_image_is_one_line(
    faulty: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOST", "0")
    code, _, errors = neuroinspect("--batch", *faulty, *OPTIONS, "-o", str(tmp_path / "s"), capsys=capsys)
    assert code == 2
    assert errors == (
        "neuroinspect: loading: cpu does not have enough memory: use --device cpu, or a smaller --image-size\n"
    )


@pytest.mark.slow
def test_a_full_disk_keeps_what_was_finished(tiny: TinyProject, tmp_path: Path) -> None:
    arguments = json.dumps([*tiny.options, *OPTIONS])
    disk = tmp_path / "disk"
    disk.mkdir()
    told = run_on_tmpfs(disk, "size=64m", FULL_DISK.format(arguments=arguments, rounds=ROUNDS))
    for number, (full, line, again) in enumerate(json.loads(told)):
        assert full == 2
        assert line.startswith("neuroinspect: cannot "), line
        assert "(No space left on device): free some space" in line
        assert again == 0
        assert comparable(tmp_path / f"full-{number}") == comparable(tmp_path / "undisturbed")
    assert not any("Traceback" in log.read_text() for log in tmp_path.glob("*.log"))


def test_a_data_folder_that_vanishes_is_one_line_and_the_run_goes_on_when_it_is_back(
    faulty: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mount, out = tmp_path / "data", tmp_path / "session"
    command = ["--batch", *faulty, *OPTIONS, "--workers", "0"]
    monkeypatch.setenv("MOUNT", str(mount))
    code, _, errors = neuroinspect(*command, "-o", str(out), capsys=capsys)
    assert code == 2
    assert errors.splitlines()[-1] == (
        f"neuroinspect: {mount} is gone: mount the data folder again, then resume"
    )
    (tmp_path / "data-gone").rename(mount)
    assert neuroinspect(*command, "-o", str(out), capsys=capsys)[0] == 0
    assert neuroinspect(*command, "-o", str(tmp_path / "other"), capsys=capsys)[0] == 0
    assert comparable(out) == comparable(tmp_path / "other")


def test_a_run_on_local_files_touches_no_network(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError(f"the network was asked for {arguments}")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    code, _, errors = neuroinspect(
        "--batch", *tiny.options, *OPTIONS, "-o", str(tmp_path / "s"), capsys=capsys
    )
    assert code == 0, errors


def test_an_output_that_is_closed_or_full_is_one_line(tiny: TinyProject, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "neuroinspect_tui",
        "--batch",
        *tiny.options,
        "--illusions",
        "0",
        "--json",
    ]
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [*command, "-o", str(tmp_path / "s")], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert run.returncode == 2
    assert run.stderr == (
        "neuroinspect: the output: No space left on device: check the disk and the permissions\n"
    )
    listing = [sys.executable, "-m", "neuroinspect_tui", "sessions"]
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run(listing, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert run.stderr == ""


def test_the_second_ctrl_c_ends_the_run_at_once_but_signals_that_come_together_are_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("neuroinspect_tui.batch.run.time.monotonic", lambda: now[0])

    class Busy:
        cancelled = 0

        def cancel(self) -> None:
            self.cancelled += 1

    busy = Busy()
    batch = Batch(lambda on_event: busy, Display())  # type: ignore[arg-type, return-value]
    batch.interrupt(signal.SIGINT, None)
    with pytest.raises(Cancelled):
        batch.ask(jobs.Open())
    now[0] += 0.9
    batch.interrupt(signal.SIGTERM, None)
    now[0] += 0.2
    with pytest.raises(KeyboardInterrupt):
        batch.interrupt(signal.SIGINT, None)
    assert busy.cancelled == 1


def test_a_ctrl_c_before_the_worker_takes_the_job_is_not_lost() -> None:
    class Slow:
        """Takes a job only after the first call of `cancel`."""

        def __init__(self, on_event: Callable[[Event], None]) -> None:
            self.tell, self.cancelled = on_event, 0

        def submit(self, job: jobs.Job) -> None:
            batch.interrupt(signal.SIGINT, None)
            self.tell(Started(job))

        def cancel(self) -> None:
            self.cancelled += 1
            if self.cancelled == 2:
                self.tell(Stopped(jobs.Evaluate()))

    batch = Batch(Slow, Display())  # type: ignore[arg-type]
    with pytest.raises(Cancelled):
        batch.ask(jobs.Evaluate())
