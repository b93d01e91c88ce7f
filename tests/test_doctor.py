"""What the doctor says of machines in good and bad health."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from neuroinspect_tui import torchvision_compat
from neuroinspect_tui.cli import doctor
from neuroinspect_tui.cli.doctor import Finding
from neuroinspect_tui.errors import InputError
from tests.conftest import REPOSITORY
from tests.terminal import Terminal

COMMAND = [sys.executable, "-m", "neuroinspect_tui", "doctor"]


def lines_of(output: str) -> dict[str, tuple[str, str]]:
    """Topic → (mark, rest) of each line."""
    return {line[9:31].strip(): (line[:7].strip(), line[33:]) for line in output.splitlines()}


def found(check: doctor.Check) -> list[Finding]:
    return list(check())


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty home."""
    return {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "OMP_NUM_THREADS": "1",
    }


@pytest.mark.slow
def test_a_plain_shell_without_clip_weights_is_well(home: dict[str, str]) -> None:
    home.pop("TMUX", None)
    home["HF_HOME"] = home["HOME"]
    run = subprocess.run(COMMAND, env=home, cwd=REPOSITORY, capture_output=True, text=True)
    lines = lines_of(run.stdout)
    assert run.returncode == 0, run.stdout
    patched = "NeuroInspect works around it" in lines["match"][1]
    assert lines.pop("match")[0] == ("note" if patched else "ok")
    assert all(mark == "ok" for mark, _ in lines.values())
    assert lines["terminal"][1] == "none: the app needs one, --batch does not"
    assert lines["demo CLIP"][1] == "loads"
    assert lines["CLIP weights in cache"][1].startswith("none: --clip NAME:FILE")
    assert lines["torch"][1] == importlib.metadata.version("torch")
    assert lines["settings"][1] == "none"
    assert lines["data folder"][1].startswith(f"{home['XDG_DATA_HOME']}/neuroinspect, ")
    assert "tmux passthrough" not in lines


@pytest.mark.slow
def test_in_a_terminal_it_says_what_that_can_draw(home: dict[str, str]) -> None:
    with Terminal("doctor", HOME=home["HOME"], XDG_DATA_HOME=home["XDG_DATA_HOME"], COLORTERM="") as terminal:
        terminal.wait_for(terminal.ended)
        assert terminal.process.returncode == 2
        terminal.wait_for(lambda: "data folder" in terminal.text)
        assert "ok       terminal                TERM=xterm-256color, 120 by 40" in terminal.text
        assert "ok       terminal graphics       a terminal without a name" in terminal.text
        problem = "problem  true colour             not announced: export COLORTERM=truecolor"
        assert problem in terminal.text


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_in_tmux_it_asks_for_the_passthrough(home: dict[str, str], tmp_path: Path) -> None:
    out, tmux = tmp_path / "out", ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    line = f"cd {REPOSITORY}; {' '.join(COMMAND)} > {out} 2>&1 < /dev/null; echo $? > {out}.code"
    subprocess.run([*tmux, "new-session", "-d", "-x", "120", "-y", "40", line], env=home, check=True)
    try:
        deadline = time.monotonic() + 120
        while not Path(f"{out}.code").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
    mark, state = lines_of(out.read_text())["tmux passthrough"]
    assert (mark, Path(f"{out}.code").read_text()) == ("problem", "2\n")
    assert (
        state == "off: tmux set -g allow-passthrough on, for pictures in full resolution"
        or "not known" in state
    )


def test_every_line_is_ok_or_a_problem_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused() -> Iterator[Finding]:
        yield Finding("one", "fine")
        raise InputError("the file is gone", "make assets")

    def broken() -> Iterator[Finding]:
        raise ImportError("libcudart.so.13: cannot open shared object file\nmore")
        yield

    monkeypatch.setattr(doctor, "CHECKS", {"a": refused, "b": broken})
    assert doctor.examine() == 2
    assert capsys.readouterr().out.splitlines() == [
        "ok       one                     fine",
        "problem  a                       the file is gone: make assets",
        "problem  b                       ImportError: libcudart.so.13: cannot open shared object file: "
        "run make setup, or pip install it again",
    ]
    monkeypatch.setattr(doctor, "CHECKS", {"a": lambda: iter([Finding("one", "\x1b[2J")])})
    assert doctor.examine() == 0
    assert capsys.readouterr().out == "ok       one                     \\x1b[2J\n"


def test_old_and_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = ["torch>=99", "nothing-of-this-name>=1.5", "pytest>=999; extra == 'dev'"]
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: needs)
    version = importlib.metadata.version("torch")
    assert found(doctor._packages)[1:] == [
        Finding("torch", f"{version}, but >=99 is needed", "pip install 'torch>=99'"),
        Finding("nothing-of-this-name", "not installed", "pip install 'nothing-of-this-name>=1.5'"),
    ]


def test_a_torchvision_of_another_torch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch, "__version__", "2.10.1+cpu")
    (match,) = found(doctor._torchvision)
    assert match.remedy == "pip install torchvision==0.25.*"


def test_builds_that_had_to_be_patched_are_called_other_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    for patched in (True, False):
        monkeypatch.setattr(torchvision_compat, "was_patched", lambda patched=patched: patched)
        (match,) = found(doctor._torchvision)
        assert match.remedy == ""
        assert (
            match.state.endswith(
                ", of another build: NeuroInspect works around it, import torchvision in your own code fails"
            )
            == patched
        )


def test_a_gpu_that_torch_does_not_see_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor, "_output", lambda *command: "580.65\n580.65" if command[0] == "nvidia-smi" else ""
    )
    driver = found(lambda: doctor._without_gpu(None))[1]
    assert driver.state == "NVIDIA driver 580.65 is here, but torch sees no GPU and is a build without CUDA"
    assert driver.remedy.startswith("install the torch build")


class Cuda:
    """A GPU with `free` bytes of memory, as torch would tell."""

    def __init__(self, free: int) -> None:
        self.cuda = self.version = self
        self.free = free

    def __str__(self) -> str:
        return "13.0"

    def mem_get_info(self, device: Any) -> tuple[int, int]:
        return self.free, 80 * doctor.GIBIBYTE


@pytest.mark.parametrize(("free", "remedy"), [(60 * 2**30, ""), (2**29, "see in nvidia-smi who uses it")])
def test_a_gpu_without_room_is_a_problem(monkeypatch: pytest.MonkeyPatch, free: int, remedy: str) -> None:
    monkeypatch.setattr(doctor, "_output", lambda *command: "580.65")
    driver, memory = found(lambda: doctor._cuda(Cuda(free), None))
    assert driver == Finding("driver", "NVIDIA driver 580.65, torch is built for CUDA 13.0")
    assert memory == Finding("device memory", f"{free / 2**30:.1f} of 80.0 GiB free", remedy)


@pytest.mark.parametrize(
    ("answer", "state", "remedy"),
    [
        ("all", "all", ""),
        ("off", "off", "tmux set -g allow-passthrough on, for pictures in full resolution"),
        ("", "not known to this tmux", "use tmux 3.3 or newer for pictures in full resolution"),
    ],
)
def test_tmux(monkeypatch: pytest.MonkeyPatch, answer: str, state: str, remedy: str) -> None:
    monkeypatch.setenv("TMUX", "/tmp/tmux")
    monkeypatch.setattr(doctor, "_output", lambda *command: answer)
    assert found(doctor._tmux) == [Finding("tmux passthrough", state, remedy)]


def test_commands_that_are_missing_fail_or_hang_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor._output("no-such-command-here") == ""
    assert doctor._output("false") == ""
    assert doctor._output("echo", "x") == "x"

    def hang(*words: Any, **options: Any) -> None:
        raise subprocess.TimeoutExpired("x", 5)

    monkeypatch.setattr(doctor.subprocess, "run", hang)
    assert doctor._output("echo", "x") == ""


def test_a_data_folder_in_the_way_of_a_file_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(doctor, "data_folder", lambda: tmp_path / "file" / "data")
    (folder,) = found(doctor._folder)
    assert folder == Finding(
        "data folder", f"{tmp_path}/file/data: Not a directory", "give a writable directory with -o"
    )


def test_little_space_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "data_folder", lambda: tmp_path)
    usage: Callable[..., Any] = lambda path: shutil._ntuple_diskusage(10, 9, 1)  # type: ignore[attr-defined]  # noqa: E731
    monkeypatch.setattr(doctor.shutil, "disk_usage", usage)
    (folder,) = found(doctor._folder)
    assert folder.remedy == "free some space, or give another with -o"


def test_bad_settings_are_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "neuroinspect.toml").write_text('devise = "cpu"\n')
    (finding,) = doctor.guarded("settings", doctor._settings)
    assert finding == Finding(
        "settings", "neuroinspect.toml key devise is not known", 'did you mean "device"?'
    )
    (tmp_path / "neuroinspect.toml").write_text('device = "cpu"\nclass = ["a"]\n')
    assert found(doctor._settings) == [Finding("settings", "class, device")]
