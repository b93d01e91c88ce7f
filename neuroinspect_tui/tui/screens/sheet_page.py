"""What all screens with a contact sheet share: tagging on it, and undo."""

from __future__ import annotations

from ... import jobs
from ...results import Sample
from ..cue_aim import CueAim
from ..widgets.contact_sheet import ContactSheet
from .picture_page import PicturePage


class SheetPage(PicturePage[ContactSheet]):
    """A page with the contact sheet `sheet`; what is tagged there is tagged for the cue of `aim`."""

    def __init__(self, sheet: ContactSheet) -> None:
        super().__init__(sheet)
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
