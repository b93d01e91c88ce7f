"""What all screens with a contact sheet share: tagging on it, undo, enlarging, small pictures in time."""

from __future__ import annotations

from textual import on

from ... import jobs
from ...results import Sample
from ..cue_aim import CueAim
from ..widgets.contact_sheet import ContactSheet
from ..widgets.gallery import Gallery
from .page import Page


class SheetPage(Page[None]):
    """A page with the contact sheet `sheet`; what is tagged there is tagged for the cue of `aim`."""

    def __init__(self, sheet: ContactSheet) -> None:
        super().__init__()
        self.sheet = sheet
        self.sheet.moved = self.ask_thumbnails
        self.history: list[tuple[str, list[tuple[Sample, str]]]] = []

    @property
    def aim(self) -> CueAim | None:
        """The cue that is tagged here."""
        return None

    @property
    def cue(self) -> str:
        """Its name."""
        return self.aim.name if self.aim else ""

    def action_tag(self, tag: str) -> None:
        """Tag the chosen images ("" takes their tags away) and go on."""
        self._tag(tag, whole_row=False)

    def action_tag_row(self, tag: str) -> None:
        """Tag the cursor's whole row and go on to the next."""
        self._tag(tag, whole_row=True)

    def _tag(self, tag: str, whole_row: bool) -> None:
        aim, samples = self.aim, self.sheet.samples(whole_row)
        if aim is None or not samples:
            self.notify("No image of the data is under the cursor.", timeout=2)
            return
        if aim.name not in self.app_state.cues:
            self.ask(jobs.AddCue(aim.name, aim.origin, aim.source))
        before = [(sample, self.app_state.tag(aim.name, sample)) for sample in samples]
        self.history.append((aim.name, before))
        for sample in samples:
            self._set(aim.name, sample, tag)
        self.sheet.go_on(whole_row)
        self.redraw(frozenset({"tags"}))

    def _set(self, cue: str, sample: Sample, tag: str) -> None:
        tags = self.app_state.tagged.setdefault(cue, {})
        if tag:
            tags[sample.split, sample.path] = tag
        else:
            tags.pop((sample.split, sample.path), None)
        self.ask(jobs.SetTag(sample.split, sample.row, tag, cue))

    def action_undo(self) -> None:
        """Take the last tags back and return to the first of them."""
        if not self.history:
            self.notify("Nothing to undo.", timeout=2)
            return
        cue, before = self.history.pop()
        for sample, tag in before:
            self._set(cue, sample, tag)
        places = [place for place, tile in enumerate(self.sheet.tiles) if tile.sample == before[0][0]]
        self.sheet.cursor = places[0] if places else self.sheet.cursor
        self.redraw(frozenset({"tags"}))

    def ask_thumbnails(self) -> None:
        """Ask for the small pictures that are or soon will be on the screen."""
        state = self.app_state
        asked = {
            (job.split, row)
            for job in state.pending
            if isinstance(job, jobs.MakeThumbnails)
            for row in job.rows
        }
        rows: dict[str, list[int]] = {}
        for sample in self.sheet.upcoming:
            place = (sample.split, sample.row)
            if place not in state.thumbnails and place not in asked:
                rows.setdefault(sample.split, []).append(sample.row)
        for split, wanted in rows.items():
            job = jobs.MakeThumbnails(split, tuple(dict.fromkeys(wanted)))
            if job not in state.failures:
                self.ask(job)

    @on(Gallery.Opened)
    def action_zoom(self) -> None:
        """Enlarge the picture under the cursor."""
        from .zoom import ZoomScreen

        if self.sheet.tiles:
            self.app.push_screen(ZoomScreen(self.sheet.tiles, self.sheet.cursor, self.sheet.masked))

    def action_mask(self) -> None:
        """Show where the neuron looks, or the whole picture."""
        self.sheet.masked = not self.sheet.masked

    def action_view(self, name: str) -> None:
        """Open another screen."""
        self.ni.view(name)
