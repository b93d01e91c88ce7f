"""A run that is killed again and again leaves what an undisturbed one leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neuroinspect_tui.session.atomic import TEMPORARY
from tests.conftest import REPOSITORY
from tests.tiny import TinyProject

KILLS = 52
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


@pytest.mark.slow
def test_kills_at_random_moments_change_nothing(tiny: TinyProject, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    command = [sys.executable, "-m", "tests.crash", "20261122", str(KILLS), str(tmp_path), str(told)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [*command, *tiny.options, *OPTIONS], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    happened = json.loads(told.read_text())
    assert sum(happened["kills"].values()) >= KILLS
    assert min(happened["kills"].values()) > 0
    wanted = comparable(tmp_path / "undisturbed")
    assert wanted["debugged"][0]["repairs"] and len(wanted["debugged"][0]["illusions"]) == 6
    for number in range(1, happened["sessions"] + 1):
        out = tmp_path / f"killed-{number}"
        assert comparable(out) == wanted
        assert [folder.name for folder in (out / "repairs").iterdir()] == ["1-ridge"]
        assert not list(out.rglob(f"{TEMPORARY}*"))
        assert not (out / "lock.json").exists()
