"""From a failing class to a repaired model: the real app on the demo, in a real terminal, by keyboard alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.conftest import REPOSITORY
from tests.tmux import TMUX, Tmux
from tests.walkthrough import TAGGED, walk

HEAD = {"fc.weight", "fc.bias"}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def changed_tensors(before: Path, after: Path) -> set[str]:
    """The names of the tensors that differ; every tensor is in both files, with one shape and type."""
    old, new = load_file(before), load_file(after)
    assert {name: (t.shape, t.dtype) for name, t in old.items()} == {
        name: (t.shape, t.dtype) for name, t in new.items()
    }
    return {name for name in old if not np.array_equal(old[name], new[name])}


@pytest.mark.slow
@pytest.mark.skipif(TMUX is None, reason="needs tmux")
def test_the_whole_loop_by_keyboard(tmp_path: Path) -> None:
    session = tmp_path / "session"
    with Tmux(tmp_path / "home", "--demo", "--images", "none", "-o", str(session)) as app:
        for _ in walk(app):
            pass
        app.press("q")
        assert app.exit_code() == 0

    weights = "repairs/1-ridge/model.safetensors"
    assert changed_tensors(REPOSITORY / "assets/classifier.safetensors", session / weights) == HEAD

    boat = next(found for found in read(session / "report.json")["debugged"] if found["repairs"])
    [repair] = boat["repairs"]
    assert (repair["number"], repair["method"], repair["weights"]) == (1, "ridge", weights)
    assert repair["before"]["split"] == repair["after"]["split"] == "test"
    assert repair["after"]["class_accuracy"] > repair["before"]["class_accuracy"]
    assert repair["verdict"]["outcome"] == "helps"
    assert repair["sentence"].startswith("Helps: the failure mode")
    assert {"bias", "finetune"} <= set(repair["controls"])

    tags = read(session / "state/cues.json")[0]["tags"]["val"]
    with (REPOSITORY / "assets/data/manifest.csv").open(encoding="utf-8") as file:
        truth = {row["path"]: row["watermark"] for row in csv.DictReader(file)}
    assert len(tags) == TAGGED
    assert tags == {path: "has" if truth[path] == "yes" else "not" for path in tags}
    assert not (session / "lock.json").exists()
    assert read(session / "state/view.json")["marks"]
