"""A newer job of the same kind runs inside an older one: neither loses what the other found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from neuroinspect_tui import jobs
from neuroinspect_tui.config import DataConfig, ModelConfig, RunConfig
from neuroinspect_tui.pipeline import naming, picturing
from neuroinspect_tui.results import ClassRef, Concept, Illusion
from neuroinspect_tui.runtime.rank_group import RankGroup
from neuroinspect_tui.session.store import Session

CONFIG = RunConfig(ModelConfig("m"), DataConfig("d"))


class Interrupted:
    """A reporter at whose first on_progress another job runs to its end."""

    def __init__(self, inner: Callable[[], object] = lambda: None) -> None:
        self.inner: Callable[[], object] | None = inner

    def unit(self, name: str) -> None:
        return None

    def progress(self, done: int, total: int) -> None:
        inner, self.inner = self.inner, None
        if inner is not None:
            inner()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Any]:
    with Session.open(tmp_path / "session") as session:
        yield SimpleNamespace(
            config=CONFIG,
            session=session,
            known=lambda job: job.recall(CONFIG, session.load),
            group=RankGroup(),
            device=torch.device("cpu"),
            names=("a", "b"),
            clip=object(),
            recorded=None,
            classifier=SimpleNamespace(differentiable_through=True),
        )


def illusion(neuron: int, seed: int) -> Illusion:
    return Illusion(neuron, ClassRef(0, "a"), seed, "x.png", "m.png", 1.0, 1.0, 1.0, 1, 0.5, 1.0, None, None)


def test_pictures(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def paint(
        project: Any, job: Any, pairs: Any, reporter: Any, on_progress: Callable[[int, int], None]
    ) -> Any:
        on_progress(0, 1)
        return pairs

    monkeypatch.setattr(picturing, "_statistics", lambda *_: None)
    monkeypatch.setattr(picturing, "_optimise", paint)
    monkeypatch.setattr(picturing, "_keep", lambda project, name, pair: illusion(pair.neuron, pair.seed))
    inner = Interrupted(lambda: picturing.illustrate(project, jobs.Illustrate(0, (7,)), Interrupted()))
    found = picturing.illustrate(project, jobs.Illustrate(0, (3, 9)), inner)
    assert [picture.neuron for picture in found] == [3, 9]
    kept = project.session.load(jobs.Illustrate(0).key(CONFIG), tuple[Illusion, ...])
    assert [picture.neuron for picture in kept] == [3, 7, 9]


def test_names(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "vocabulary", lambda *_: None)
    monkeypatch.setattr(
        naming, "_named", lambda p, c, v, target, neuron, on_progress: Concept(neuron, f"n{neuron}", 0.9)
    )
    inner = Interrupted(lambda: naming.name_neurons(project, jobs.NameNeurons(0, (7, 4)), Interrupted()))
    found = naming.name_neurons(project, jobs.NameNeurons(0, (3, 4)), inner)
    assert [concept.label for concept in found] == ["n3", "n4"]
    kept = project.session.load(jobs.NameNeurons(0).key(CONFIG), tuple[Concept, ...])
    assert [concept.neuron for concept in kept] == [3, 4, 7]
