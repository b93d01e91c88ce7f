"""Kills runs of the headless face at random moments: `python -m tests.crash SEED KILLS FOLDER REPORT ARGUMENTS…`.

Everything is imported once; each run is a fork, so that a round takes a fraction of a second. A run is ended
after a random time by SIGKILL, SIGTERM, SIGINT or SIGHUP, or by SIGKILL at a random one of its own steps on the
session's files (open, rename, link, make or remove), and started again in the same directory until it finishes;
then the next session begins, until SIGKILL was sent KILLS times and each other signal once. The first session is left undisturbed, and
evaluated in larger shards than the others. What happened is written to REPORT as JSON.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from neuroinspect_tui.pipeline import evaluating

AT_A_STEP = "SIGKILL at a step on files"
ENDINGS = (AT_A_STEP, AT_A_STEP, "SIGKILL", "SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
INTERRUPTED = 130
FILE_STEPS = ("open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir")


def main() -> None:
    """Run the rounds that the command line asks for."""
    seed, kills, folder, report = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
    arguments = sys.argv[5:]
    began = time.monotonic()
    modules = run(folder / "undisturbed", arguments, folder / "modules.json")
    import_all(folder / "modules.json")
    gc.freeze()
    assert modules == 0
    began = time.monotonic()
    assert run(folder / "timed", arguments, folder / "steps.json") == 0
    seconds = time.monotonic() - began
    steps = json.loads((folder / "steps.json").read_text())["steps"]
    moments = random.Random(seed)
    done, sessions = dict.fromkeys(ENDINGS, 0), 0
    while done["SIGKILL"] + done[AT_A_STEP] < kills or (min(done.values()) == 0 and sessions < 4 * kills):
        sessions += 1
        _finish_one(folder / f"killed-{sessions}", arguments, moments, seconds, steps, done)
    report.write_text(json.dumps({"endings": done, "sessions": sessions, "steps": steps, "seconds": seconds}))


def _finish_one(
    out: Path,
    arguments: list[str],
    moments: random.Random,
    seconds: float,
    steps: int,
    done: dict[str, int],
) -> None:
    """End and restart the run in `out` until one finishes; count the endings in `done`."""
    while True:
        how = moments.choice(ENDINGS)
        number = signal.Signals[how.split()[0]]
        if how == AT_A_STEP:
            code = run(out, arguments, None, step=moments.randrange(1, steps + 1))
        else:
            code = run(out, arguments, None, after=moments.uniform(0, seconds), number=number)
        if code == 0:
            return
        ended = code == -number or (code == INTERRUPTED and number != signal.SIGKILL)
        assert ended, f"{out}: {how} gave {code}"
        done[how] += 1


def run(
    out: Path,
    arguments: list[str],
    notes: Path | None,
    after: float | None = None,
    number: int = signal.SIGKILL,
    step: int | None = None,
) -> int:
    """Fork a run in `out`, to be sent signal `number` `after` some seconds, or killed at file step `step`.

    Returns its exit code, or minus the signal that ended it.
    """
    child = os.fork()
    if child == 0:
        _be_the_run(out, arguments, notes, step)
    killer = threading.Timer(after, _send, [child, number]) if after is not None else None
    if killer is not None:
        killer.start()
    _, status = os.waitpid(child, 0)
    if killer is not None:
        killer.cancel()
    return os.waitstatus_to_exitcode(status)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _be_the_run(out: Path, arguments: list[str], notes: Path | None, step: int | None) -> None:
    """In the child: run the command line, count its steps on files, die at number `step`; never return.

    Signals work as in a terminal, also where the tests were started under nohup.
    """
    code, count = 70, 0
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if notes is None:
        evaluating.FIRST_SHARD = evaluating.LARGEST_SHARD = 16

    def watch(event: str, details: tuple[object, ...]) -> None:
        nonlocal count
        if event in FILE_STEPS and str(details[0]).startswith(str(out)):
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    sys.argv = ["neuroinspect", "--batch", *arguments, "-o", str(out)]
    with (out.parent / f"{out.name}.log").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        from neuroinspect_tui.cli import main as cli

        cli.main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        if notes is not None:
            notes.write_text(json.dumps({"modules": sorted(sys.modules), "steps": count}))
        sys.stderr.flush()
        os._exit(code)


def import_all(notes: Path) -> None:
    """Import what a run imports, so that the next forks need not."""
    for name in json.loads(notes.read_text())["modules"]:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


if __name__ == "__main__":
    main()
