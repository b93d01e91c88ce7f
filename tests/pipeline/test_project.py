"""What a run takes from its options where they leave the choice, and what it tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neuroinspect_tui.config import ComputeConfig, PreprocessConfig
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.pipeline.project import Project
from neuroinspect_tui.session.store import Session
from tests.tiny import TinyProject


@pytest.fixture
def project(tiny: TinyProject, tmp_path: Path) -> Iterator[Project]:
    config = tiny.config
    with Session.open(tmp_path / "session") as session:
        yield Project(config, session)


@pytest.mark.parametrize(
    ("device", "cores", "asked", "readers"),
    [
        ("cpu", 64, None, 2),
        ("cuda", 12, None, 12),
        ("cuda", 64, None, 16),
        ("cuda", 1, None, 2),
        ("cuda", 8, 0, 0),
    ],
)
def test_with_a_gpu_every_core_reads(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    cores: int,
    asked: int | None,
    readers: int,
) -> None:
    monkeypatch.setattr("neuroinspect_tui.pipeline.project.usable_cores", lambda: cores)
    project.device = torch.device(device)
    project.config = replace(project.config, compute=ComputeConfig(workers=asked))
    assert project.workers == readers


def test_what_was_left_unsaid_is_told(project: Project) -> None:
    assert project.assumptions == ()
    project.config = replace(project.config, preprocess=PreprocessConfig(8))
    assert project.assumptions == (
        "pixels are normalised as for ImageNet, for the model says nothing (--mean, --std)",
    )


def test_features_come_after_the_evaluation(project: Project) -> None:
    with pytest.raises(InputError) as caught:
        project.features("val")
    assert str(caught.value) == "split val is not evaluated yet: wait for the evaluation"


def test_the_columns_make_the_groups(project: Project) -> None:
    assert project.group_columns == ("tint",)
    assert project.names == ("blue", "green", "red")
