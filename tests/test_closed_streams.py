"""With `<&-`, `>&-` or `2>&-` there is no traceback, and the exit code is the right one."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY


def neuroinspect(arguments: str) -> subprocess.CompletedProcess[str]:
    command = f"{shlex.quote(sys.executable)} -m neuroinspect_tui {arguments}"
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=REPOSITORY)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_bad_input_is_still_code_2(closed: str) -> None:
    done = neuroinspect(f"report nowhere {closed}")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr + done.stdout
    assert ("nowhere" in done.stderr) == ("2>" not in closed)


def test_the_app_without_input_says_that_there_is_no_terminal() -> None:
    done = neuroinspect("--demo <&-")
    assert done.returncode == 2
    assert done.stderr.startswith("neuroinspect: there is no terminal") and len(done.stderr.splitlines()) == 1


def test_a_version_that_nobody_reads_is_no_error() -> None:
    done = neuroinspect("--version >&-")
    assert (done.returncode, done.stderr) == (0, "")
