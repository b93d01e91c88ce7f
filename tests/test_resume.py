"""A run that is killed again and again leaves what an undisturbed one leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuroinspect_tui.session.atomic import TEMPORARY
from tests.conftest import REPOSITORY
from tests.tiny import TinyProject

KILLS = 50
OPTIONS = ["--repair", "ridge", "--illusions", "6", "--neurons", "2", "--iters", "9", "--batch-size", "8"]
SAME_BYTES = ("classes.csv", "neurons.csv", "samples.csv", "label_issues.csv")


def comparable(out: Path) -> dict[str, Any]:
    """The report but for times, with the bytes of every file that it names."""
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    named = []
    for found in report["debugged"]:
        for repair in found["repairs"]:
            repair.pop("seconds")
            named.append(repair["weights"])
        for picture in (*found["illusions"], *found["exemplars"]):
            named += [picture["image"], *filter(None, [picture.get("mask")])]
    tables = [name for name in SAME_BYTES if (out / name).exists()]
    return report | {"files": {name: (out / name).read_bytes() for name in sorted({*named, *tables})}}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a kill loses no more there than on a disk, and syncing is free."""
    place = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=place if os.access(place, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


@pytest.mark.slow
def test_kills_at_random_moments_change_nothing(tiny: TinyProject, memory: Path) -> None:
    told = memory / "told.json"
    command = [sys.executable, "-m", "tests.crash", "20261122", str(KILLS), str(memory), str(told)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [*command, *tiny.options, *OPTIONS], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    happened = json.loads(told.read_text())
    assert sum(count for ending, count in happened["endings"].items() if "SIGKILL" in ending) >= KILLS
    assert min(happened["endings"].values()) > 0
    wanted = comparable(memory / "undisturbed")
    assert wanted["debugged"][0]["repairs"] and len(wanted["debugged"][0]["illusions"]) == 6
    for number in range(1, happened["sessions"] + 1):
        out = memory / f"killed-{number}"
        assert comparable(out) == wanted
        assert [folder.name for folder in (out / "repairs").iterdir()] == ["1-ridge"]
        assert not list(out.rglob(f"{TEMPORARY}*"))
        assert not (out / "lock.json").exists()
