"""What all screens with a sheet of pictures share: enlarging, masks, small pictures in time."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual import on

from ... import jobs
from ..widgets.contact_sheet import PictureSheet
from ..widgets.gallery import Gallery
from .page import Page

Sheet = TypeVar("Sheet", bound=PictureSheet)


class PicturePage(Page[None], Generic[Sheet]):
    """A page with the sheet of pictures `sheet`."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self.sheet = sheet
        self.sheet.moved = self.ask_thumbnails

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
