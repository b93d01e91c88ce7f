"""What a shell is left with when the app ends: an exit code, a line, and a session that opens anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.terminal import Terminal
from tests.tiny import TinyProject


@pytest.mark.slow
def test_inputs_that_cannot_be_opened_are_said_below_the_prompt_and_leave_nothing(
    tiny: TinyProject, tmp_path: Path
) -> None:
    options = [*tiny.options, "-w", str(tmp_path / "none.pt"), "-o", str(tmp_path / "s")]
    with Terminal(*options, XDG_DATA_HOME=str(tmp_path / "data")) as terminal:
        terminal.wait_for(lambda: "What went wrong" in terminal.text)
        terminal.type("q")
        terminal.wait_for(lambda: "What went wrong" not in terminal.text)
        terminal.type("q")
        assert terminal.process.wait(60) == 2
        terminal.wait_for(
            lambda: b"none.pt is not a file: give the path of a " in terminal.output.split(b"\x1b[?1049l")[-1]
        )
        assert b"session saved" not in terminal.output
    assert not (tmp_path / "s").exists()


@pytest.mark.slow
def test_a_session_given_by_relative_paths_opens_from_another_folder(
    tiny: TinyProject, tmp_path: Path
) -> None:
    inputs = ["-m", "tiny.py:tiny", "-w", "tiny.safetensors", "-d", "data/manifest.csv"]
    data = str(tmp_path / "home")
    with Terminal(*inputs, *tiny.options[6:], folder=tiny.root, XDG_DATA_HOME=data) as terminal:
        terminal.wait_for(lambda: "blue" in terminal.text)
        terminal.type("qy")
        assert terminal.process.wait(60) == 0
        terminal.wait_for(lambda: b": neuroinspect opens it again" in terminal.output)
    with Terminal(XDG_DATA_HOME=data) as terminal:
        terminal.wait_for(lambda: "2 Neurons of blue" in terminal.text)
        terminal.wait_for(lambda: "▲" in terminal.text)
        assert "What went wrong" not in terminal.text
        terminal.type("qy")
        assert terminal.process.wait(60) == 0
