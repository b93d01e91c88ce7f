"""Copying over SSH and out of tmux."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from neuroinspect_tui.tui import clipboard


def test_osc_52_carries_the_text() -> None:
    sequence = clipboard.osc52("naïve 花\n\x1b[0m")
    assert sequence.startswith("\x1b]52;c;") and sequence.endswith("\x07")
    assert base64.b64decode(sequence[7:-1]).decode() == "naïve 花\n\x1b[0m"


def test_outside_tmux_the_terminal_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    written: list[str] = []
    assert clipboard.copy("text", written.append) == "terminal"
    assert written == [clipboard.osc52("text")]


def fake_tmux(folder: Path, code: int) -> None:
    script = folder / "tmux"
    script.write_text(f'#!/bin/sh\necho "$@" > {folder}/asked\ncat > {folder}/buffer\nexit {code}\n')
    script.chmod(script.stat().st_mode | stat.S_IEXEC)


def test_inside_tmux_its_buffer_hands_the_text_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_tmux(tmp_path, 0)
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    written: list[str] = []
    assert clipboard.copy("text", written.append) == "tmux"
    assert written == []
    assert (tmp_path / "buffer").read_text() == "text"
    assert (tmp_path / "asked").read_text() == "load-buffer -w -\n"


def test_a_tmux_that_cannot_is_passed_by(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_tmux(tmp_path, 1)
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    written: list[str] = []
    assert clipboard.copy("text", written.append) == "terminal"
    assert written == [clipboard.osc52("text")]


def test_a_name_that_is_not_utf_8_is_copied_as_it_is_on_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    assert base64.b64decode(clipboard.osc52(name)[7:-1]) == b"caf\xe9.jpg"
    fake_tmux(tmp_path, 0)
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    clipboard.copy(name, print)
    assert (tmp_path / "buffer").read_bytes() == b"caf\xe9.jpg"
