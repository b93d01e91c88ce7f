"""What a session on disk tells the app before torch is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.config import DataConfig, ModelConfig, RunConfig
from neuroinspect_tui.events import Finished
from neuroinspect_tui.pipeline.tagging import CueStore
from neuroinspect_tui.results import Cue, Evaluation, ProbeQuality, TagCounts, states
from neuroinspect_tui.resume.locations import data_folder, recent, remember
from neuroinspect_tui.resume.restore import save_view, saved_state, session_entries
from neuroinspect_tui.session.store import Session
from neuroinspect_tui.tui.app_state import AppState
from neuroinspect_tui.tui.protocol import View

CONFIG = RunConfig(ModelConfig("m"), DataConfig("d"))


def test_tags_are_known_by_split_and_path(tmp_path: Path) -> None:
    with Session.open(tmp_path / "session") as session:
        store = CueStore(session)
        store.set("water", "val", "boat/1.jpg", "has")
        store.set("water", "train", "boat/2.jpg", "not")
        store.set("sky", "val", "boat/1.jpg", "has")
        quality = ProbeQuality(0.5, False, 12, 3, 4, 7, "has")
        store.learn("water", quality)
        state = saved_state(CONFIG, session.root)
    app_state = AppState.of(state)
    assert app_state.tagged == {
        "water": {("val", "boat/1.jpg"): "has", ("train", "boat/2.jpg"): "not"},
        "sky": {("val", "boat/1.jpg"): "has"},
    }
    assert app_state.cues["water"] == Cue("water", TagCounts(1, 1), probe=quality)


def test_without_a_session_nothing_is_known(tmp_path: Path) -> None:
    state = saved_state(CONFIG, tmp_path / "none")
    assert (state.answers, state.cues) == ((), ())


def test_the_view_is_kept_where_there_is_a_session(tmp_path: Path) -> None:
    save_view(tmp_path / "refused", View(3))
    assert not (tmp_path / "refused").exists()
    with Session.open(tmp_path / "session") as session:
        save_view(tmp_path / "session", View(2))
        assert not (tmp_path / "session" / "state").exists()
        session.bind(CONFIG, {"model": "m"}, {})
        save_view(tmp_path / "session", View(3))
    assert saved_state(CONFIG, tmp_path / "session").view == View(3)


def test_damaged_sessions_hide_no_others(tmp_path: Path) -> None:
    folder = data_folder() / "sessions"
    for name in ("sound", "no-result", "no-index"):
        with Session.open(folder / name) as session:
            session.bind(CONFIG, {"model": name}, {})
    damaged = folder / "no-result" / "state" / f"{jobs.Evaluate('val').key(CONFIG)}.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{")
    (folder / "no-index" / "session.json").write_text("{")
    found = {entry.root.name: entry.accuracy for entry in session_entries()}
    assert {"sound": None, "no-result": None}.items() <= found.items()
    assert "no-index" not in found


def test_a_damaged_value_hides_no_others(tmp_path: Path) -> None:
    evaluation = Evaluation("val", 4, (), 0.5, 0.5, ())
    with Session.open(tmp_path / "session") as session:
        session.save(jobs.Evaluate().key(CONFIG), evaluation)
        session.save(states.TAGS, {"val": {"a.png": "cue"}})
        for name in (jobs.Open().key(CONFIG), states.repair(1), "view"):
            session.save(name, {"unknown": 1})
        state = saved_state(CONFIG, session.root)
    assert state.answers == (Finished(jobs.Evaluate(), evaluation),)
    assert ([(cue.name, cue.tags) for cue in state.cues], state.view) == (
        [("cue", {"val": {"a.png": "has"}})],
        View(),
    )


@pytest.mark.parametrize("text", ["5", "null", '{"a": 1}', "[1, null]", "{"])
def test_a_damaged_list_of_recent_sessions_counts_as_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    data_folder().mkdir(parents=True)
    (data_folder() / "recent.json").write_text(text)
    assert recent() == []
    with Session.open(tmp_path / "session"):
        remember(tmp_path / "session")
        assert recent() == [tmp_path / "session"]
