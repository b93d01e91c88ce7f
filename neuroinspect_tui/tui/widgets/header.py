"""The first line: what is open, what the worker is doing, how fast, how long still, and messages."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from ...events import Progress
from ...jobs import Job
from ...wording.numbers import bar, duration, number


class StatusHeader(Widget):
    """One line; the progress on the right wins when there is not room for both."""

    ALLOW_SELECT = False
    facts: reactive[tuple[str, ...]] = reactive((), layout=False)
    work: reactive[Content] = reactive(Content(""), layout=False)
    message: reactive[Content] = reactive(Content(""), layout=False)
    _silence: Timer | None = None

    def say(self, words: str, ink: str, seconds: float) -> None:
        """Show a message instead of what is open, for some seconds: it lies over nothing."""
        self.message = Content.styled(" ".join(words.split()), f"bold {ink}")
        if self._silence is not None:
            self._silence.stop()
        self._silence = self.set_timer(seconds, self._be_silent)

    def _be_silent(self) -> None:
        self.message = Content("")

    def show_work(self, job: Job | None, progress: Progress | None, waiting: int, hint: str) -> None:
        """Describe the running job; without one, the line is quiet."""
        if job is None:
            self.work = Content("")
            return
        parts: list[tuple[str, str]] = [(f"{job.label} ", "$foreground")]
        if progress is not None and progress.total > 0:
            parts += _measures(progress, self.size.width)
        if waiting > 0:
            parts.append((f" +{waiting}", "$foreground 60%"))
        if hint:
            parts.append((f"  {hint}", "$accent"))
        self.work = Content.assemble(*parts)

    def render(self) -> Content:
        """Return the line."""
        width = self.size.width
        if self.message:
            return self.message.truncate(width, ellipsis=True)
        name = Content.styled("NeuroInspect", "bold $primary")
        room = width - self.work.cell_length - 2
        shown = Content.assemble(name, *((f" · {fact}", "$foreground 80%") for fact in self.facts))
        left = shown.truncate(max(12, room), ellipsis=True) if shown.cell_length > room else shown
        gap = max(1, width - left.cell_length - self.work.cell_length)
        return Content.assemble(left, " " * gap, self.work)


def _measures(progress: Progress, width: int) -> list[tuple[str, str]]:
    share = progress.done / progress.total
    done, rest = bar(share, 6 if width < 100 else 12 if width < 160 else 24)
    parts = [(done, "$primary"), (rest, "$foreground 30%"), (f" {100 * share:.0f}%", "bold")]
    left = progress.remaining
    if width >= 120:
        parts.insert(
            0, (f"{number(progress.done)}/{number(progress.total)} {progress.unit} ", "$foreground 80%")
        )
        parts.append((f" · {progress.rate:.3g}/s", "$foreground 80%"))
    if left is not None:
        parts.append((f" · {duration(left)}" + (" left" if width >= 100 else ""), "$foreground 80%"))
    return parts
