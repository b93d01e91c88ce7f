"""What a session already knows, for the app's first paint: read before torch is imported."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from ..config import RunConfig
from ..errors import InputError
from ..results import Concept, CulpritReport, Evaluation, Exemplar, Illusion, Opened, Propagation, Repair
from ..results.culprit_lists import named
from ..session import states
from ..session.atomic import write_json
from ..session.store import INDEX, Session, Summary, list_sessions, summary_of
from ..session.stored import to_json
from ..tui.protocol import SavedState, SessionEntry, View
from .locations import data_folder, recent

T = TypeVar("T")
VIEW = "view"


def saved_state(config: RunConfig, directory: Path) -> SavedState:
    """Return what the session at `directory` knows; an empty state when there is none, or a damaged one."""
    try:
        return _read(config, Session.view(directory))
    except InputError:
        return SavedState(directory)


def _read(config: RunConfig, session: Session) -> SavedState:
    opened = session.load(states.OPENED, Opened)
    classes = range(len(opened.classes)) if opened else range(0)
    reports = {
        target: named(report, session.load(states.concepts(config, target), tuple[Concept, ...]) or ())
        for target in classes
        if (report := session.load(states.culprits(config, target), CulpritReport))
    }
    illusions = (session.load(states.illusions(config, target), tuple[Illusion, ...]) for target in reports)
    repairs = (session.load(name, Repair) for name in session.saved("repairs/"))
    tags = session.load(states.TAGS, dict[str, dict[str, str]]) or {}
    return SavedState(
        session_root=session.root,
        opened=opened,
        evaluation=session.load(states.evaluation(config.data.split), Evaluation),
        culprits=reports,
        exemplars=dict(_exemplars(config, session, reports)),
        illusions=tuple(picture for pictures in illusions for picture in pictures or ()),
        repairs=tuple(repair for repair in repairs if repair),
        tags={(split, path): tag for split, tagged in tags.items() for path, tag in tagged.items()},
        propagation=session.load(states.PROPAGATION, Propagation),
        view=session.load(VIEW, View) or View(),
    )


def _exemplars(
    config: RunConfig, session: Session, reports: dict[int, CulpritReport]
) -> Iterator[tuple[tuple[int, int], tuple[Exemplar, ...]]]:
    for target, report in reports.items():
        for culprit in (*report.insufficient, *report.excessive):
            name = states.exemplars(config, target, culprit.neuron)
            found = session.load(name, tuple[Exemplar, ...])
            if found:
                yield (target, culprit.neuron), found


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
    evaluation = None
    with contextlib.suppress(InputError):
        evaluation = session.load(states.evaluation(summary.split or "val"), Evaluation)
    return SessionEntry(
        root=summary.root,
        model=summary.model,
        data=summary.data,
        changed=time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.updated)),
        accuracy=evaluation.accuracy if evaluation else None,
        repairs=len(session.saved("repairs/")),
    )
