"""The errors that a user can cause and fix, and the signal that stops a stage."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How the program ends.

    `CHECK_FAILED`: --fail-under or --fail-on-regression; `PARTLY_DONE`: the report is written, but a part of
    it failed; `INTERNAL_FAULT`: a bug of the program (sysexits' EX_SOFTWARE); `INTERRUPTED`: 128 + SIGINT.
    """

    DONE = 0
    CHECK_FAILED = 1
    BAD_INPUT = 2
    PARTLY_DONE = 3
    INTERNAL_FAULT = 70
    INTERRUPTED = 130


class InputError(Exception):
    """Bad input or usage: `message` names the file or option, `remedy` says what to do about it.

    The faces print it as one line, `message: remedy`, and the batch face exits with code 2.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message, self.remedy = message, remedy
        super().__init__(f"{message}: {remedy}" if remedy else message)


class InternalFault(Exception):  # noqa: N818  (of the program, not of its input)
    """A bug: `line` says in one line what failed, `detail` is the traceback."""

    def __init__(self, line: str, detail: str) -> None:
        self.line, self.detail = line, detail
        super().__init__(line)


class Cancelled(Exception):  # noqa: N818  (a request, not a failure)
    """Raised by a stage's `on_progress` when the user asked the running job to stop."""


def disk_line(error: OSError) -> str:
    """Return one line for an error of the disk, or of the output, that nothing has explained before."""
    return f"{error.filename or 'the output'}: {error.strerror or error}: check the disk and the permissions"
