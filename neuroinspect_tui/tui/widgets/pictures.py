"""The pictures of a neuron (real crops first, then illusions) or of one mistake, with their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...events import Preview
from ...results import Exemplar, Illusion, Sample
from ...text import safe
from ...wording.numbers import bare_percent as percent
from ..app_state import AppState
from ..images.picture import Picture
from ..keymap import keys
from .cells import Span, class_word
from .gallery import Gallery, Section, Tile
from .mistake_table import file_name, group_words

TITLE = "4 Pictures"
SECTIONS = {
    "class": "real, strongest of the class",
    "mistakes": "real, strongest mistakes",
    "overall": "real, strongest of all",
}


class PicturesPane(Gallery):
    """The fourth pane."""

    BINDINGS = keys("picture.mask", "picture.zoom")

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(TITLE, dom_id)

    def show_neuron(self, app_state: AppState, target: int, neuron: int) -> None:
        """Show what makes `neuron` fire, for the class `target`."""
        self.name_it(_title(app_state, target, neuron))
        place = (target, neuron)
        sections = exemplar_sections(app_state, place)
        pictures = illusion_tiles(app_state, place)
        if pictures:
            real = 1 if sections else 0
            drawn = Section("illusions", pictures)
            sections = [*sections[:real], drawn, *sections[real:]]
        self.show(sections, ("Looking for images that excite it…",))

    def show_mistake(self, app_state: AppState, sample: Sample, names: Sequence[str]) -> None:
        """Show one mistake as large as the pane allows."""
        self.name_it(f"{TITLE} · {file_name(sample.path)}")
        self.show([Section("", (sample_tile(app_state, sample, names),), "full")])

    def explain(self, *words: str) -> None:
        """Show words instead of pictures."""
        self.name_it(TITLE)
        self.show([], words)


def _title(app_state: AppState, target: int, neuron: int) -> str:
    concept, label = app_state.concepts.get((target, neuron)), app_state.label_of(target, neuron)
    words = f" · “{safe(label, 40)}”" if label else " · no clear concept" if concept else ""
    return f"{TITLE} of {neuron}{words}"


def exemplar_sections(app_state: AppState, place: tuple[int, int]) -> list[Section]:
    """Return a section for each kind of exemplar that there is."""
    found = app_state.exemplars.get(place, ())
    sections = []
    for kind, title in SECTIONS.items():
        tiles = tuple(_exemplar_tile(app_state, exemplar) for exemplar in found if exemplar.kind == kind)
        if tiles:
            sections.append(Section(title, tiles, "small"))
    return sections


def _exemplar_tile(app_state: AppState, exemplar: Exemplar) -> Tile:
    names = app_state.opened.classes if app_state.opened else ()
    label = class_word(names, exemplar.label)
    caption: tuple[tuple[Span, ...], ...] = (((f"{exemplar.activation:.2f} ", "strong"), (label, "dim")),)
    mask = app_state.root / exemplar.mask if exemplar.mask else None
    return Tile(Picture(app_state.root / exemplar.image, mask), caption, exemplar.path)


def illusion_tiles(app_state: AppState, place: tuple[int, int]) -> tuple[Tile, ...]:
    """Return the illusions of a neuron: while they are being made, their previews."""
    previews = app_state.previews.get(place)
    if previews:
        return tuple(_preview_tile(place, previews[seed]) for seed in sorted(previews))
    return tuple(_illusion_tile(app_state.root, illusion) for illusion in app_state.illusions.get(place, ()))


def _preview_tile(place: tuple[int, int], preview: Preview) -> Tile:
    name = f"{place[0]}/{place[1]}/{preview.seed}"
    size = (preview.width, preview.height)
    picture = Picture(name=name, step=preview.step, size=size, rgb=preview.rgb)
    caption: tuple[tuple[Span, ...], ...] = (
        ((f"step {preview.step}/{preview.steps}", "accent"),),
        ((f"×{preview.ratio:.2f} so far", "dim"),),
    )
    return Tile(picture, caption)


def _illusion_tile(root: Path, illusion: Illusion) -> Tile:
    ink = "good" if illusion.shown else "dim"
    verdict = "" if illusion.shown else " not shown here"
    similar = "" if illusion.clip_percentile is None else f" CLIP {illusion.clip_percentile:.0f}%ile"
    caption: tuple[tuple[Span, ...], ...] = (
        ((f"×{illusion.ratio:.2f}", ink), (verdict, "dim"), (f" rank {illusion.rank}", "")),
        ((f"robust ×{illusion.robust_ratio:.2f}", "dim"),),
        ((f"p {percent(illusion.probability, 0)}%{similar}", "dim"),),
    )
    mask = root / illusion.mask if illusion.mask else None
    return Tile(Picture(root / illusion.image, mask, faded=not illusion.shown), caption, illusion.image)


def sample_tile(app_state: AppState, sample: Sample, names: Sequence[str]) -> Tile:
    """Return the tile of a whole image with what was made of it."""
    thumbnail = app_state.thumbnails.get((sample.split, sample.row))
    true, predicted = (class_word(names, index) for index in (sample.label, sample.predicted))
    wrong = sample.predicted != sample.label
    arrow = (f"{true} → ", "bad") if wrong else ("✓ ", "good")
    culprits = (
        "culprits " + ", ".join(str(neuron) for neuron in sample.culprits[:5]) if sample.culprits else ""
    )
    tag = app_state.tag_of(sample)
    taken: tuple[Span, ...] = (arrow, (predicted, "strong"), (f" {percent(sample.confidence, 0)}%", ""))
    known: tuple[Span, ...] = ((culprits, "dim"), (f"  {safe(tag, 30)}" if tag else "", "accent"))
    groups: tuple[Span, ...] = ((group_words(sample), "dim"),)
    lines = ((taken, True), (known, bool(culprits or tag)), (groups, bool(sample.groups)))
    caption = tuple(line for line, there in lines if there)
    words = "reading…" if thumbnail is None else "can no longer be read"
    return Tile(Picture(app_state.root / thumbnail) if thumbnail else None, caption, sample.path, words)
