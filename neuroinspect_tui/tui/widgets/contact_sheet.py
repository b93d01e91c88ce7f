"""Images of the data as a grid: every one can be enlarged, masked and, on a contact sheet, tagged there."""

from __future__ import annotations

from ...results import Sample
from ..keymap import keys
from .gallery import Gallery


class PictureSheet(Gallery):
    """A gallery whose tiles may show images of the data."""

    BINDINGS = keys("picture.zoom", "picture.mask")

    @property
    def upcoming(self) -> list[Sample]:
        """The images on the screen and just below it, whose small pictures will be wanted."""
        top = round(self.scroll_y)
        bottom = top + 2 * max(1, self.size.height)
        near = (self.tiles[p.index].sample for p in self.plan.tiles if p.bottom > top and p.y < bottom)
        return [sample for sample in near if sample is not None]


class ContactSheet(PictureSheet):
    """A sheet for tagging; the screen tags the images that are chosen."""

    BINDINGS = keys(
        "tag.has", "tag.not", "tag.mislabelled", "tag.row-has", "tag.row-not", "tag.range", "tag.undo"
    )

    @property
    def sample(self) -> Sample | None:
        """The image under the cursor."""
        return self.tile.sample if self.tile else None

    def samples(self, whole_row: bool = False) -> list[Sample]:
        """Return the images of the range, or the cursor's, or those of its row."""
        places = self.row if whole_row else self.chosen
        found = (self.tiles[place].sample for place in places if place < len(self.tiles))
        return [sample for sample in found if sample is not None]

    def go_on(self, whole_row: bool = False) -> None:
        """Go to the tile after the ones that were tagged."""
        last = max(self.row, default=0) if whole_row else self.chosen.stop - 1
        self.begin = None
        self.cursor = min(last + 1, len(self.tiles) - 1)
        self.refresh()
