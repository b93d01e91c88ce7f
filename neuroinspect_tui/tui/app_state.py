"""All that the app knows, kept up to date by the worker's events: values only, no widgets.

`AppState.apply(event)` returns the topics that changed, so that each screen redraws what it shows of them.
"""

from __future__ import annotations

from .. import jobs
from ..events import Elsewhere, Event, Failed, Finished, Note, Partial, Preview, Progress, Started, Stopped
from ..jobs import Job
from ..results import (
    Evaluation,
)
from .answers import TAKERS, Topic
from .knowledge import QUIET, Knowledge, LogLine
from .protocol import SavedState

__all__ = ["AppState", "LogLine", "Topic"]


class AppState(Knowledge):
    """The app's knowledge, kept up to date."""

    @classmethod
    def of(cls, state: SavedState) -> AppState:
        """Return the state of an app that knows what the session knows."""
        app_state = cls(state.session_root)
        for answer in state.answers:
            app_state._take(answer)
        app_state.through_repair = False
        for cue in state.cues:
            app_state.cues[cue.name] = cue.shown()
            app_state.tagged[cue.name] = {
                (split, path): tag for split, tags in cue.tags.items() for path, tag in tags.items()
            }
        return app_state

    def apply(self, event: Event) -> frozenset[Topic]:
        """Take in one event and say what changed."""
        match event:
            case Started():
                return self._started(event)
            case Progress():
                return self._progress(event)
            case Preview():
                return self._preview(event)
            case Partial():
                return self._partial(event)
            case Finished():
                return self._finished(event)
            case Stopped():
                return self._stopped(event)
            case Failed():
                return self._failed(event)
            case Note():
                return self._noted(event)
            case Elsewhere():
                return self._elsewhere(event)

    def _end(self, job: Job) -> None:
        self.pending.pop(job, None)
        self.progress.pop(job, None)
        if job in self.running:
            self.running.remove(job)
        if job == self.stopping:
            self.stopping = None

    def _started(self, event: Started) -> frozenset[Topic]:
        self.running.append(event.job)
        return frozenset({"progress"})

    def _progress(self, event: Progress) -> frozenset[Topic]:
        self.progress[event.job] = event
        return frozenset({"progress"})

    def _preview(self, event: Preview) -> frozenset[Topic]:
        target = event.job.target if isinstance(event.job, jobs.Illustrate) else -1
        self.previews.setdefault((target, event.neuron), {})[event.seed] = event
        return frozenset({"preview"})

    def _partial(self, event: Partial) -> frozenset[Topic]:
        if isinstance(event.value, Evaluation) and self.debugged(event.value):
            self.evaluation, self.evaluation_final = event.value, False
            return frozenset({"evaluation"})
        if isinstance(event.job, jobs.FindFailureModes | jobs.ExamineFailureModes) and isinstance(
            event.value, tuple
        ):
            self.failure_modes = event.value
            return frozenset({"modes"})
        return frozenset()

    def _finished(self, event: Finished) -> frozenset[Topic]:
        self._end(event.job)
        self.failures.pop(event.job, None)
        ended: frozenset[Topic] = frozenset({"progress"})
        if not isinstance(event.job, QUIET):
            self.note(f"{event.job.label}: done")
            ended = frozenset({"progress", "log"})
        return self._take(event) | ended

    def _stopped(self, event: Stopped) -> frozenset[Topic]:
        self._end(event.job)
        self.drop_previews(event.job)
        self.note(f"{event.job.label}: stopped")
        return frozenset({"progress", "log", "pictures"})

    def _failed(self, event: Failed) -> frozenset[Topic]:
        self._end(event.job)
        self.drop_previews(event.job)
        self.failures[event.job] = event
        self.note(f"{event.job.label}: {event.line}", "error", event.detail)
        return frozenset({"progress", "log", "failure", "pictures"})

    def _noted(self, event: Note) -> frozenset[Topic]:
        self.note(event.text, event.level)
        return frozenset({"log"})

    def _elsewhere(self, event: Elsewhere) -> frozenset[Topic]:
        self.elsewhere = event.process
        return frozenset({"progress"})

    def _take(self, event: Finished) -> frozenset[Topic]:
        """Take in an answer, fresh or from a saved session."""
        return TAKERS[type(event.job)](self, event.job, event.value)
