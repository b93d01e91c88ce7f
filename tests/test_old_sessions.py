"""Sessions that earlier releases wrote open with what they knew: `tests/old_sessions` holds one of each."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.results import Cue, TagCounts, Verdict
from neuroinspect_tui.resume import follow
from neuroinspect_tui.resume.restore import saved_state
from neuroinspect_tui.session.store import Session
from neuroinspect_tui.tui.app_state import AppState
from neuroinspect_tui.tui.protocol import View

OLD = sorted((Path(__file__).parent / "old_sessions").iterdir())


@pytest.fixture(params=OLD, ids=lambda folder: folder.name)
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Session:
    """A copy of an old session: a run of `tests.tiny` with tags, one class and one repair."""
    return Session.view(Path(shutil.copytree(request.param, tmp_path / "old")))


def test_all_that_an_old_session_knew_is_there(session: Session) -> None:
    config = session.config
    assert config is not None
    state = saved_state(config, session.root)
    assert Counter(type(answer.job).__name__ for answer in state.answers) == {
        "Open": 1, "Evaluate": 3, "FindCulprits": 1, "FindExemplars": 2, "NameNeurons": 1, "Illustrate": 1,
        "ExportRepair": 1,
    }  # fmt: skip
    (cue,) = state.cues
    assert cue.tags == {
        "val": {
            "val/blue-red-0.png": "has",
            "val/blue-none-0.png": "not",
            "val/red-none-1.png": "mislabelled",
        }
    }
    assert state.view == View(0, 2, "index", {0: (2,)}, True)


def test_the_app_shows_it(session: Session) -> None:
    assert session.config is not None
    app_state = AppState.of(saved_state(session.config, session.root))
    assert app_state.opened is not None and app_state.opened.classes == ("blue", "green", "red")
    assert app_state.evaluation_final and app_state.evaluation is not None
    assert [row.correct for row in app_state.evaluation.classes] == [6, 12, 12]
    weak, strong = app_state.reports[0].insufficient[0], app_state.reports[0].excessive[0]
    assert (weak.neuron, weak.concept, weak.spurious) == (2, "sky", 0.85)
    assert (strong.neuron, strong.concept, strong.importance) == (0, None, pytest.approx(0.9149568))
    (picture,) = app_state.illusions[0, 2]
    assert (picture.image, picture.ratio) == ("illusions/0-cea7b01e-2-0.png", pytest.approx(0.8442673))
    assert {exemplar.neuron for exemplar in app_state.exemplars[0, 0]} == {0}
    made = app_state.repairs[1]
    assert (made.method, made.accepted, made.fixed, made.broken) == ("ridge", True, 6, 0)
    assert (made.before.accuracy, made.after.accuracy) == (pytest.approx(5 / 6), 1.0)
    assert made.verdict == Verdict("no_better", ())
    assert app_state.cues == {"tinted": Cue("tinted", TagCounts(1, 1, 1))}


def test_its_journal_can_be_followed(session: Session) -> None:
    assert session.config is not None
    finished = {entry["job"]: entry for entry in session.events()[0] if entry["event"] == "finished"}
    for job in (jobs.Open(), jobs.FindExemplars(0, 2), jobs.ExportRepair(1)):
        entry = finished[type(job).__name__]
        answer = follow.answer_of(session, session.config, job, entry)
        assert answer is not None
        assert answer == job.recall(session.config, session.load)
