"""A repair is told which images are copies, and does without a test split that holds nothing else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from neuroinspect_tui.config import DataConfig, ModelConfig, RunConfig
from neuroinspect_tui.pipeline.copies import told_apart
from neuroinspect_tui.pipeline.project import Project
from neuroinspect_tui.session.store import Session
from tests.pipeline.test_pipeline import Hearing
from tests.stages.test_duplicates import picture, split

SEEDS = {"train": [0, 1, 2], "val": [3, 4, 5]}


class Pictured:
    """The parts of a project that copies are looked for in: splits of pictures, drawn from seeds."""

    recorded = None
    config = RunConfig(ModelConfig("m"), DataConfig("d"))

    def __init__(self, session: Session, seeds: dict[str, list[int]]) -> None:
        self.session, self.seeds = session, seeds
        self.dataset = SimpleNamespace(splits=tuple(seeds), split=self.opener)

    known, keep = Project.known, Project.keep

    def features(self, name: str) -> Any:
        return split(name, torch.zeros(len(self.seeds[name]), 4))

    def evaluated(self, name: str) -> bool:
        return True

    def opener(self, name: str) -> Any:
        def opened(row: int) -> Image.Image:
            return picture(self.seeds[name][row])

        return SimpleNamespace(open=opened)


def apart(folder: Path, test: list[int]) -> tuple[list[str], dict[str, list[int]], list[str]]:
    """Return the splits that are left, their copied rows, and what was said."""
    heard = Hearing()
    with Session.open(folder) as session:
        project: Any = Pictured(session, {**SEEDS, "test": test})
        features = {name: project.features(name) for name in project.seeds}
        splits, copied = told_apart(project, features, heard)
    return list(splits), {name: rows.tolist() for name, rows in copied.items()}, heard.notes


def test_copied_rows_are_named_on_both_sides(tmp_path: Path) -> None:
    splits, copied, said = apart(tmp_path, [6, 4, 0])
    assert splits == ["train", "val", "test"] and said == []
    assert copied == {"train": [0], "val": [1], "test": [1, 2]}


@pytest.mark.parametrize("test", [[3, 4, 5], [0, 5]])
def test_a_test_split_of_copies_alone_is_no_test_split(tmp_path: Path, test: list[int]) -> None:
    splits, copied, said = apart(tmp_path, test)
    assert splits == ["train", "val"]
    assert copied == {"train": [], "val": []}
    assert said == ["all images of test are copies of images in other splits: no repair is judged on them"]
