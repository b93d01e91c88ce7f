"""What a session already knows, for the app's first paint: read before torch is imported."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from .. import jobs
from ..config import RunConfig
from ..errors import InputError
from ..events import Finished
from ..jobs import Job
from ..results import Repair, states
from ..results.stored_cues import StoredCue, from_first_version
from ..session.atomic import write_json
from ..session.store import INDEX, Session, Summary, list_sessions, summary_of
from ..session.stored import to_json
from ..tui.protocol import SavedState, SessionEntry, View
from .locations import data_folder, recent

T = TypeVar("T")
VIEW = "view"


def saved_state(config: RunConfig, directory: Path) -> SavedState:
    """Return what the session at `directory` knows; an empty state when there is none, or a damaged one.

    A damaged value counts as none, and hides no others: the worker will say which file it is.
    """
    try:
        return _read(config, Session.view(directory))
    except InputError:
        return SavedState(directory)


def _read(config: RunConfig, session: Session) -> SavedState:
    cues = _sound(session, states.CUES, tuple[StoredCue, ...])
    if cues is None:
        cues = from_first_version(_sound(session, states.TAGS, dict[str, dict[str, str]]) or {})
    return SavedState(
        session_root=session.root,
        answers=tuple(_answers(config, session)),
        cues=cues,
        view=_sound(session, VIEW, View) or View(),
    )


def _answers(config: RunConfig, session: Session) -> Iterator[Finished]:
    """Yield what the session knows, as if the worker had just found it."""
    yield from _known(config, session, jobs.Evaluate())
    yield from _known(config, session, jobs.RunStress())
    for opened in _known(config, session, jobs.Open()):
        yield opened
        for split in opened.value.splits:
            if split != opened.value.split:
                yield from _known(config, session, jobs.Evaluate(split))
        for target in range(len(opened.value.classes)):
            yield from _of_class(config, session, target)
    for name in session.saved("repairs/"):
        repair = _sound(session, name, Repair)
        if repair is not None:
            yield Finished(jobs.ExportRepair(repair.number), repair)
            yield from _known(config, session, jobs.VerifyRepair(repair.number))
            yield from _known(config, session, jobs.Prescribe(repair.number))


def _of_class(config: RunConfig, session: Session, target: int) -> Iterator[Finished]:
    """Yield what is known of a class and its neurons; nothing before its culprits are."""
    for found in _known(config, session, jobs.FindCulprits(target)):
        yield found
        for culprit in (*found.value.insufficient, *found.value.excessive):
            yield from _known(config, session, jobs.FindExemplars(target, culprit.neuron))
        yield from _known(config, session, jobs.NameNeurons(target))
        yield from _known(config, session, jobs.Illustrate(target))


def _known(config: RunConfig, session: Session, job: Job[T]) -> Iterator[Finished[T]]:
    """Yield the answer to `job`, if the session knows it."""
    answer = job.recall(config, partial(_sound, session))
    if answer is not None:
        yield Finished(job, answer)


def _sound(session: Session, name: str, kind: type[T]) -> T | None:
    """Return the value stored under `name`, or None where there is none that can be read."""
    with contextlib.suppress(InputError):
        return session.load(name, kind)
    return None


def save_view(directory: Path, view: View) -> None:
    """Keep what the user looked at in a session that has its inputs; raises InputError when it cannot be."""
    if (directory / INDEX).is_file() and Session.view(directory).config is not None:
        write_json(directory / "state" / f"{VIEW}.json", to_json(view))


def session_entries() -> list[SessionEntry]:
    """Return a line for each known session, the one written last first."""
    folders = {summary.root.resolve(): summary for summary in list_sessions(data_folder() / "sessions")}
    others = {path.resolve() for path in recent()} - folders.keys()
    summaries = [*folders.values(), *filter(None, map(summary_of, others))]
    return [_entry(summary) for summary in sorted(summaries, key=lambda summary: -summary.updated)]


def _entry(summary: Summary) -> SessionEntry:
    """Return the line of a session; a damaged evaluation counts as none."""
    session = Session.view(summary.root)
    config = session.config
    evaluation = config and jobs.Evaluate().recall(config, partial(_sound, session))
    return SessionEntry(
        root=summary.root,
        model=summary.model,
        data=summary.data,
        changed=time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.updated)),
        accuracy=evaluation.accuracy if evaluation else None,
        repairs=len(session.saved("repairs/")),
    )
