"""What a session on disk tells the app before torch is there."""

from __future__ import annotations

from pathlib import Path

from neuroinspect_tui.config import DataConfig, ModelConfig, RunConfig
from neuroinspect_tui.pipeline.tagging import TagBook
from neuroinspect_tui.restore import saved_state
from neuroinspect_tui.session.store import Session

CONFIG = RunConfig(ModelConfig("m"), DataConfig("d"))


def test_tags_are_known_by_split_and_path(tmp_path: Path) -> None:
    with Session.open(tmp_path / "session") as session:
        book = TagBook(session)
        book.set("val", "boat/1.jpg", "cue")
        book.set("train", "boat/2.jpg", "no cue")
        book.set("val", "boat/3.jpg", "cue")
        book.set("val", "boat/3.jpg", "")
        expected = {("val", "boat/1.jpg"): "cue", ("train", "boat/2.jpg"): "no cue"}
        assert saved_state(CONFIG, session.root).tags == expected


def test_without_a_session_nothing_is_known(tmp_path: Path) -> None:
    state = saved_state(CONFIG, tmp_path / "none")
    assert (state.opened, state.tags, state.repairs) == (None, {}, ())
