"""Jobs: the type of each answer, where sessions keep it, and that no job is forgotten by those who do or show it."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.config import DataConfig, DebugConfig, ModelConfig, RunConfig
from neuroinspect_tui.pipeline.pipeline import FIRST, later
from neuroinspect_tui.results import (
    ClassRef,
    Concept,
    Culprit,
    CulpritReport,
    Evaluation,
    Exemplar,
    Illusion,
    Repair,
)
from neuroinspect_tui.session.store import Session
from neuroinspect_tui.tui.answers import TAKERS

CONFIG = RunConfig(ModelConfig("m"), DataConfig("d"))
KINDS = {kind for kind in jobs.Job.kinds.values() if kind.__module__.startswith(jobs.__name__)}


def test_every_job_is_done_by_the_pipeline_and_its_answer_taken_in_by_the_app() -> None:
    assert len(KINDS) >= 16
    assert FIRST.keys() | later().keys() == KINDS
    assert set(TAKERS) == KINDS


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (jobs.Evaluate, Evaluation),
        (jobs.FindCulprits, CulpritReport),
        (jobs.FindExemplars, tuple[Exemplar, ...]),
        (jobs.Illustrate, tuple[Illusion, ...]),
        (jobs.RepairHead, Repair),
        (jobs.DiscardRepair, int),
        (jobs.MakeThumbnails, dict[int, str]),
    ],
)
def test_a_job_knows_the_type_of_its_answer(kind: type[jobs.Job], answer: object) -> None:
    assert kind.result() == answer


@pytest.mark.parametrize(
    ("job", "name"),
    [
        (jobs.Open(), "opened"),
        (jobs.Evaluate(), "evaluation/b388cf3f"),
        (jobs.Evaluate("test"), "evaluation/fe698deb"),
        (jobs.FindCulprits(2), "culprits/2-34d58b59"),
        (jobs.FindExemplars(2, 7), "exemplars/2-7-b388cf3f"),
        (jobs.NameNeurons(2, (7, 9)), "concepts/2-788cadfe"),
        (jobs.Illustrate(2, (7,)), "illusions/2-49c86e4d"),
        (jobs.Illustrate(2, (7,), iters=8), "illusions/2-b15c746b"),
        (jobs.SetTag("val", 1, "has"), "cues"),
        (jobs.ExportRepair(3), "repairs/3"),
        (jobs.RepairHead(2, "ridge"), None),
        (jobs.ListSamples(2), None),
    ],
)
def test_answers_have_the_names_of_the_first_release(job: jobs.Job, name: str | None) -> None:
    assert job.key(CONFIG) == name


def test_other_settings_have_other_names() -> None:
    other = replace(CONFIG, debug=DebugConfig(mode="paper", clip="demo"))
    assert jobs.Evaluate().key(other) == jobs.Evaluate("val").key(CONFIG)
    for job in (jobs.FindCulprits(0), jobs.NameNeurons(0), jobs.Illustrate(0)):
        assert job.key(other) != job.key(CONFIG)


def test_a_ranking_is_recalled_with_the_concepts_found_since(tmp_path: Path) -> None:
    culprit = Culprit(7, "insufficient", 40.0, 1.2, 0.3, 0.1)
    report = CulpritReport(ClassRef(2, "boat"), "default", 5, 0, (culprit,), (), None, None)
    job = jobs.FindCulprits(2)
    with Session.open(tmp_path) as session:
        assert job.recall(CONFIG, session.load) is None
        session.save(job.key(CONFIG), report)
        assert job.recall(CONFIG, session.load) == report
        session.save(jobs.NameNeurons(2).key(CONFIG), (Concept(7, "water", 0.3, 0.9),))
        (found,) = job.recall(CONFIG, session.load).insufficient
        assert (found.concept, found.concept_score, found.spurious) == ("water", 0.3, 0.9)


def test_what_others_are_not_told_is_not_kept() -> None:
    """A private answer has no name: followers could not find it, and it is found anew each time."""
    private = {kind for kind in KINDS if kind.private}
    assert {kind.__name__ for kind in private} == {
        "AskWhatIf", "FindNeighbours", "ListSamples", "LookThrough", "MakeThumbnails", "OrderReview",
        "PreviewRepair", "SearchNeurons",
    }  # fmt: skip
    assert all(kind.key is jobs.Job.key for kind in private)


def test_no_job_has_a_field_that_the_journal_uses_itself() -> None:
    assert not {field.name for kind in KINDS for field in fields(kind)} & {"time", "event", "job"}
