"""What is said where the session lies, and which sessions are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuroinspect_tui.cli import launch
from neuroinspect_tui.resume.locations import recent
from tests.test_batch import neuroinspect
from tests.tiny import TinyProject


def test_after_the_app_the_session_is_named_if_there_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launch._say_where(tmp_path / "none")
    assert capsys.readouterr().err == ""
    (tmp_path / "session.json").touch()
    launch._say_where(tmp_path)
    assert capsys.readouterr().err == f"session saved in {tmp_path}: neuroinspect opens it again\n"


def test_headless_sessions_are_listed_too(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--illusions", "0", "-o", str(tmp_path / "s")]
    assert neuroinspect("--batch", *tiny.options, *options, capsys=capsys)[0] == 0
    assert recent()[0] == tmp_path / "s"
    code, shown, _ = neuroinspect("sessions", capsys=capsys)
    assert code == 0
    header, *lines = shown.splitlines()
    assert header.split() == ["changed", "accuracy", "repairs", "model", "data", "directory"]
    line = next(line for line in lines if line.endswith(f"  {tmp_path / 's'}"))
    assert line.split()[2:5] == ["83.3", "%", "0"]
    assert "tiny.py:tiny" in line and "data/manifest.csv" in line


def test_a_data_folder_that_cannot_be_written_stops_no_headless_run(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/proc/nowhere")
    options = ["--illusions", "0", "-o", str(tmp_path / "s")]
    assert neuroinspect("--batch", *tiny.options, *options, capsys=capsys)[0] == 0


def test_bad_input_leaves_no_session_behind(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--batch", *tiny.options, "-d", "nowhere", "-o", str(tmp_path / "s")]
    assert neuroinspect(*options, capsys=capsys)[0] == 2
    assert not (tmp_path / "s").exists()
