"""What all screens with a sheet of pictures share: enlarging, masks, small pictures in time."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual import on

from ..on_show import missing_thumbnails
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
        for job in missing_thumbnails(self.app_state, self.sheet.upcoming):
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
