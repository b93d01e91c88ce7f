"""What really reaches a terminal when the names of classes and of the split are escape sequences.

The bytes of both faces are searched.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from neuroinspect_tui.text import safe
from tests.terminal import Terminal
from tests.tiny import TinyProject

PAYLOADS = {
    "blue": "\x1b]0;owned\x07\x1b]52;c;cm0gLXJmIC8=\x07",  # window title, clipboard
    "green": "\x1b[2J\x1b[31m\x1bc",  # screen clear, colour, reset
    "red": "\x9b2J\x9d0;owned\x9c\u202edeus",  # C1 controls, right-to-left override
}
SPLIT = "my/../val\x1b[2J\x1bc\x9d0;owned\x9c[/red]"


@pytest.fixture
def hostile(tiny: TinyProject) -> TinyProject:
    """The tiny project with a payload behind every class name, and a split that is named by one."""
    table = tiny.manifest.read_text(encoding="utf-8")
    for name, payload in PAYLOADS.items():
        table = table.replace(f",{name},", f",{name}{payload},")
    tiny.manifest.write_text(table.replace(",val,", f",{SPLIT},"), encoding="utf-8")
    return replace(tiny, split=SPLIT)


def assert_harmless(output: bytes) -> None:
    """No payload, nor a command that only a payload has, is among the bytes."""
    for name, payload in PAYLOADS.items():
        assert (name + payload[:3]).encode() not in output
    for command in (
        b"\x1b]0;owned",
        b"\x1b]52;",
        b"\x1bc",
        "\x9b".encode(),
        "\x9d".encode(),
        "\u202e".encode(),
    ):
        assert command not in output, command


@pytest.mark.slow
def test_the_app_shows_the_payloads_and_obeys_none(hostile: TinyProject, tmp_path: Path) -> None:
    with Terminal(*hostile.options, "-o", str(tmp_path / "out"), "--illusions", "0") as terminal:
        shown = [safe(f"{name}{payload}")[:7] for name, payload in PAYLOADS.items()]
        terminal.wait_for(lambda: "excessive" in terminal.text or "insufficient" in terminal.text)
        terminal.wait_for(lambda: all(name in terminal.text for name in shown))
        for keys, words in (
            ("C", "Confusion"),
            ("\x1b", "1 Why it fails"),
            ("m", "1 Repair blue"),
            ("\x1b", "1 Why it fails"),
        ):
            terminal.type(keys)
            terminal.wait_for(lambda words=words: words in terminal.text)
        terminal.type("q")
        terminal.wait_for(terminal.ended)
        assert terminal.process.returncode == 0
        assert_harmless(bytes(terminal.output))


@pytest.mark.slow
def test_batch_prints_the_payloads_and_obeys_none(hostile: TinyProject, tmp_path: Path) -> None:
    options = [*hostile.options, "-o", str(tmp_path / "out"), "--illusions", "0", "--repair", "ridge"]
    with Terminal("--batch", *options) as terminal:
        terminal.wait_for(terminal.ended)
        terminal.wait_for(lambda: "report:" in terminal.text)
        assert terminal.process.returncode == 0
        assert safe(f"blue{PAYLOADS['blue']}")[:7] in terminal.text
        assert_harmless(bytes(terminal.output))
