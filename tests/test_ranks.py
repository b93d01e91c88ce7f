"""Several processes on one session: the same report, and a clear end when one is lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.runtime.ranks import Ranks
from tests.ranks import free_port, start_ranks
from tests.tiny import TinyProject, make_tiny

WORK = ["--repair", "ridge", "--illusions", "4", "--iters", "9", "--batch-size", "5"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Ranks(0, 1, 0)),
        ({"RANK": "2", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "a"}, Ranks(2, 4, 1)),
        ({"RANK": "2", "WORLD_SIZE": "4", "MASTER_ADDR": "a"}, Ranks(2, 4, 0)),
        ({"RANK": "0", "WORLD_SIZE": "1"}, Ranks(0, 1, 0)),
        (
            {"SLURM_PROCID": "3", "SLURM_NTASKS": "8", "SLURM_LOCALID": "1", "MASTER_ADDR": "a"},
            Ranks(3, 8, 1),
        ),
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "8", "SLURM_LOCALID": "1"}, Ranks(0, 1, 0)),
    ],
)
def test_ranks_are_read_from_the_environment(environment: dict[str, str], expected: Ranks) -> None:
    assert Ranks.of_environment(environment) == expected


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"RANK": "1", "WORLD_SIZE": "2"}, "RANK is set but MASTER_ADDR is not: start with torchrun"),
        (
            {"RANK": "one", "WORLD_SIZE": "2", "MASTER_ADDR": "a"},
            "RANK, WORLD_SIZE, LOCAL_RANK are not all numbers: start with torchrun",
        ),
    ],
)
def test_half_an_environment_is_refused(environment: dict[str, str], line: str) -> None:
    with pytest.raises(InputError) as caught:
        Ranks.of_environment(environment)
    assert str(caught.value) == line


def test_rank_0_speaks_and_rank_1_when_rank_0_is_gone() -> None:
    speak = [
        [Ranks(rank, 3).prints(line) for rank in range(3)] for line in ("no such file", "rank 0 of 3, …")
    ]
    assert speak == [[True, False, False], [True, True, False]]


def finish(ranks: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of each rank; none is left running."""
    found = []
    try:
        for rank in ranks:
            shown, errors = rank.communicate(timeout=240)
            found.append((rank.returncode, shown, errors))
    finally:
        for rank in ranks:
            rank.kill()
    return found


def report(out: Path) -> dict[str, Any]:
    """The report but for times."""
    document = json.loads((out / "report.json").read_text())
    for debugged in document["debugged"]:
        for repair in debugged["repairs"]:
            repair.pop("seconds")
    return document


def shards(out: Path, split: str) -> list[tuple[int, int]]:
    """The evaluated ranges of a split, sorted."""
    lines = map(json.loads, (out / "journal.jsonl").read_text().splitlines())
    return sorted((e["start"], e["stop"]) for e in lines if e["event"] == "shard" and e["split"] == split)


@pytest.mark.slow
def test_one_two_and_three_ranks_write_the_same_report(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    ((code, shown, errors),) = finish(start_ranks(1, *tiny.options, *WORK, "-o", str(tmp_path / "1")))
    assert code == 0, errors
    slurm = finish(start_ranks(2, *tiny.options, *WORK, "-o", str(tmp_path / "2"), slurm=True))
    assert [found[0] for found in slurm] == [0, 0], slurm
    assert slurm[0][1].replace(str(tmp_path / "2"), str(tmp_path / "1")) == shown
    assert slurm[1][1:] == ("", "")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "3"]
    command += ["--master-port", str(free_port()), "-m", "neuroinspect_tui", "--batch", *tiny.options, *WORK]
    torchrun = subprocess.run(
        [*command, "-o", str(tmp_path / "3")], capture_output=True, text=True, check=False, timeout=240
    )
    assert torchrun.returncode == 0, torchrun.stderr
    assert torchrun.stdout.replace(str(tmp_path / "3"), str(tmp_path / "1")) == shown
    assert report(tmp_path / "2") == report(tmp_path / "1")
    assert report(tmp_path / "3") == report(tmp_path / "1")
    assert len(report(tmp_path / "3")["debugged"][0]["illusions"]) == 4
    assert shards(tmp_path / "2", "val") == [(0, 20), (20, 36)]
    assert shards(tmp_path / "3", "val") == [(0, 15), (15, 30), (30, 36)]


def wait_for_pictures(out: Path) -> None:
    """Return when the ranks are at work on pictures."""
    deadline, journal = time.monotonic() + 120, out / "journal.jsonl"
    while time.monotonic() < deadline and not (journal.exists() and '"Illustrate"' in journal.read_text()):
        time.sleep(0.1)
    time.sleep(1)


ENDLESS = ["--worst", "1", "--illusions", "1", "--iters", "1000000"]


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_rank_ends_the_run_and_the_session_goes_on(
    tiny: TinyProject, tmp_path: Path, killed: int
) -> None:
    """Rank 0 paints the only picture, rank 1 waits; like torchrun, the test tells the survivor to stop."""
    out = tmp_path / "session"
    ranks = start_ranks(2, *tiny.options, *ENDLESS, "-o", str(out))
    wait_for_pictures(out)
    ranks[killed].kill()
    ranks[killed].wait()
    if killed == 1:
        ranks[0].send_signal(signal.SIGTERM)
    code, _, errors = finish(ranks)[1 - killed]
    line = (
        f"neuroinspect: rank {killed} of 2, process {ranks[killed].pid}, is gone: "
        "finished work is kept, give the same command again to go on"
    )
    assert (code, errors.splitlines()[-1]) == (2, line)
    assert "Traceback" not in errors
    before = shards(out, "val")
    again = finish(start_ranks(2, *tiny.options, "--worst", "1", "--illusions", "0", "-o", str(out)))
    assert [found[0] for found in again] == [0, 0], again
    assert shards(out, "val") == before
    assert report(out)["evaluation"]["samples"] == 36


@pytest.mark.slow
def test_an_interrupt_of_all_ranks_is_told_once(tiny: TinyProject, tmp_path: Path) -> None:
    out = tmp_path / "session"
    ranks = start_ranks(2, *tiny.options, *ENDLESS, "-o", str(out))
    wait_for_pictures(out)
    for rank in ranks:
        rank.send_signal(signal.SIGINT)
    (first, _, errors), second = finish(ranks)
    assert (first, second) == (130, (130, "", ""))
    assert errors.splitlines()[-1] == (
        f"neuroinspect: interrupted, session saved in {out}: run the same command to go on"
    )


@pytest.mark.slow
def test_bad_input_is_told_once(tiny: TinyProject, tmp_path: Path) -> None:
    options = [*tiny.options, "-o", str(tmp_path / "s"), "--class", "blu"]
    options[options.index("-w") + 1] = "none.safetensors"
    (first, _, errors), second = finish(start_ranks(2, *options))
    assert (first, second) == (2, (2, "", ""))
    assert errors.count("\n") == 1 and errors.startswith("neuroinspect: -w none.safetensors")


@pytest.mark.slow
def test_a_failure_of_one_rank_fails_all(tiny: TinyProject, tmp_path: Path) -> None:
    """Rank 1 alone cannot see the weights."""
    options = [*tiny.options, "-o", str(tmp_path / "s")]
    (first, _, errors), second = finish(start_ranks(2, *options, last=("-w", "elsewhere.safetensors")))
    assert (first, second) == (2, (2, "", ""))
    assert (
        errors.startswith("neuroinspect: rank 1 failed, -w elsewhere.safetensors") and errors.count("\n") == 1
    )
