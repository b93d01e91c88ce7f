"""Textual's driver on a terminal of its own: writes UTF-8 to the tty itself, counts bytes, hears answers."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import IO, Any

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from .replies import Replies

LAST_ANSWERS = 1.0
"""Seconds that answers still under way are waited for at the end."""


class TerminalReplied(Message, bubble=False):
    """An answer of the terminal."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class LineClear(Message, bubble=False):
    """All that was written has been handed to the terminal's line."""

    def can_replace(self, message: Message) -> bool:
        """One is as good as several."""
        return isinstance(message, LineClear)


class Writer(WriterThread):
    """Writes on its own thread and knows how much still waits. A terminal that is gone takes everything."""

    def __init__(self, file: IO[str], emptied: Callable[[], None]) -> None:
        super().__init__(file)
        self._emptied = emptied
        self._count = threading.Lock()
        self.waiting = 0

    def write(self, text: str) -> None:
        """Hand `text` to the thread."""
        with self._count:
            self.waiting += len(text)
        super().write(text)

    def run(self) -> None:
        """Write until told to stop."""
        while (text := self._queue.get()) is not None:
            with contextlib.suppress(OSError):
                self._file.write(text)
                self._file.flush()
            with self._count:
                self.waiting -= len(text)
            if not self.waiting:
                self._emptied()


class TerminalDriver(LinuxDriver):
    """Input and output of the app, which says by its `output` where to write (None: standard error)."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        output: IO[str] | None = getattr(app, "output", None)
        if output is not None:
            self._file = output  # type: ignore[assignment]
        self.expected = 0
        """Answers that were asked for and have not come."""

    @property
    def waiting(self) -> int:
        """Characters that wait to be written."""
        return self._writer_thread.waiting if isinstance(self._writer_thread, Writer) else 0

    def _get_terminal_size(self) -> tuple[int, int]:
        """Ask the terminal itself: standard output may lead elsewhere."""
        with contextlib.suppress(OSError):
            columns, rows = os.get_terminal_size(self.fileno)
            if columns and rows:
                return columns, rows
        return super()._get_terminal_size()

    def ask(self, query: str) -> None:
        """Write a question whose answer `TerminalReplied` will bring."""
        self.expected += 1
        self.write(query)

    def start_application_mode(self) -> None:
        """Start as Textual does, with a writer that counts."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        before = self._writer_thread
        if before is None:
            return
        before.stop()
        self._writer_thread = Writer(self._file, self._emptied)  # type: ignore[arg-type]
        self._writer_thread.start()

    def _emptied(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._app.post_message(LineClear())

    def run_input_thread(self) -> None:
        """Read keys, without the terminal's answers, until told to stop."""
        parser, replies = XTermParser(self._debug), Replies()
        decode = getincrementaldecoder("utf-8")("replace").decode
        while not self.exit_event.is_set():
            keys = ""
            if select.select([self.fileno], [], [], 0.02 if replies.holds else 0.1)[0]:
                data = os.read(self.fileno, 4096)
                if not data:
                    time.sleep(0.1)
                keys, answers = replies.split(decode(data))
                self._hear(answers)
            else:
                keys = replies.give_up()
            for event in parser.feed(keys) if keys else ():
                self.process_message(event)
            for event in parser.tick():
                self.process_message(event)

    def _hear(self, answers: list[str]) -> None:
        for text in answers:
            self.expected = max(0, self.expected - 1)
            self.send_message(TerminalReplied(text))

    def disable_input(self) -> None:
        """Stop reading once the answers under way have come: the shell would take them for keys."""
        deadline = time.monotonic() + LAST_ANSWERS
        while self.expected and self._key_thread and time.monotonic() < deadline:
            time.sleep(0.01)
        super().disable_input()
