"""Pictures with their captions: images of the data, exemplars, illusions, images of a failure mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ...events import Preview
from ...results import Exemplar, FailureMode, Flip, Illusion, ModeExemplar, RepairedImage, Sample
from ...text import safe
from ...wording.modes import changed_images
from ...wording.numbers import number, percent
from ..app_state import AppState
from ..images.picture import Picture
from .cells import Span, class_word
from .gallery import Section, Tile

SECTIONS = {
    "class": "real images of the class that excite it most",
    "mistakes": "mistakes that excite it most",
    "overall": "real images of all classes that excite it most",
}
SIGNS = {"has": ("●", "good"), "not": ("○", "warn"), "mislabelled": ("✗", "bad")}
YES_NO = {"yes": True, "true": True, "no": False, "false": False}
FLIPS_SHOWN = 200
Caption = tuple[tuple[Span, ...], ...]


def file_name(path: str) -> str:
    """Return the last part of a path, safe to show."""
    return safe(PurePosixPath(path.replace("\\", "/")).name or path, 300)


def group_words(sample: Sample) -> str:
    """Return the image's groups: `watermark` or `no watermark` for yes and no, first, and other values."""
    told = sorted(sample.groups.items(), key=lambda pair: pair[1].lower() not in YES_NO)
    return ", ".join(_group(safe(column, 20), safe(value, 20)) for column, value in told)


def _group(column: str, value: str) -> str:
    if value.lower() in YES_NO:
        return column if YES_NO[value.lower()] else f"no {column}"
    return f"{column} {value}" if value.lstrip("+-").replace(".", "").isdecimal() else value


def answer_words(names: Sequence[str], label: int, predicted: int) -> tuple[Span, ...]:
    """Return `boat → mug`, or `✓ boat` where it is right."""
    true = class_word(names, label)
    if label == predicted:
        return (("✓ ", "good"), (true, "strong"))
    return ((f"{true} → ", ""), (class_word(names, predicted), "bad"))


def sample_tile(
    app_state: AppState, sample: Sample, names: Sequence[str], tag: str = "", score: float | None = None
) -> Tile:
    """Return the tile of an image of the data, with the sign of its `tag`, and its `score` if given."""
    thumbnail = app_state.thumbnails.get((sample.split, sample.row))
    sign = ((f"{SIGNS[tag][0]} ", SIGNS[tag][1]),) if tag in SIGNS else ()
    scored = "" if score is None else f"{score:.1f} · ".replace("-", "−")
    lines: Caption = (
        (*sign, *answer_words(names, sample.label, sample.predicted)),
        ((f"{scored}{percent(sample.confidence, 0)}", "dim"),),
    )
    if sample.groups:
        lines = (*lines, ((group_words(sample), "dim"),))
    words = "reading…" if thumbnail is None else "can no longer be read"
    picture = Picture(app_state.root / thumbnail) if thumbnail else None
    return Tile(picture, lines, sample.path, words, file_name(sample.path), sample)


# Failure modes


def mode_sections(app_state: AppState, mode: FailureMode, names: Sequence[str], cue: str) -> list[Section]:
    """Return the mode's mistakes, the same ones without its cue, right images and its illusion."""
    own = [exemplar for exemplar in mode.exemplars if exemplar.label in mode.classes]
    wrong = [exemplar for exemplar in own if exemplar.label != exemplar.predicted]
    right = [exemplar for exemplar in own if exemplar.label == exemplar.predicted]
    mistakes = tuple(mode_tile(app_state, exemplar, names, cue) for exemplar in wrong)
    covered = tuple(_covered_tile(app_state, exemplar, names) for exemplar in wrong if exemplar.covered)
    kept = tuple(mode_tile(app_state, exemplar, names, cue) for exemplar in right)
    sections = [Section("its mistakes, the strongest first", mistakes, 1)]
    if covered:
        sections.append(Section(changed_images(mode), covered, 1))
    else:
        sections[0] = Section("its mistakes, the strongest first", mistakes, 2)
    sections.append(Section("right images of the same classes", kept or right_tiles(app_state, mode, cue), 1))
    drawn = mode_illusions(app_state, mode)
    if drawn:
        sections.append(Section("what it looks for (illusion)", drawn, 1, beside=True))
    return [section for section in sections if section.tiles]


def mode_illusions(app_state: AppState, mode: FailureMode) -> tuple[Tile, ...]:
    """Return the illusions of the mode, else those of its first neuron."""
    if mode.illusions:
        return tuple(_illusion_tile(app_state.root, illusion) for illusion in mode.illusions)
    if not (mode.neurons and mode.classes):
        return ()
    return illusion_tiles(app_state, (mode.classes[0], mode.neurons[0].neuron))


def right_tiles(app_state: AppState, mode: FailureMode, cue: str) -> tuple[Tile, ...]:
    """Return images of the mode's first class that are predicted right, as far as listed."""
    names = app_state.class_names
    found = app_state.right_images(mode.classes[0]) if mode.classes else ()
    return tuple(sample_tile(app_state, sample, names, app_state.tag(cue, sample)) for sample in found[:8])


def mode_tile(app_state: AppState, exemplar: ModeExemplar, names: Sequence[str], cue: str) -> Tile:
    """Return the tile of an image that scores high on a mode."""
    sample = app_state.sample_at(exemplar.path)
    score = f"{exemplar.score:.1f}".replace("-", "−")
    if sample is None:
        caption: Caption = (answer_words(names, exemplar.label, exemplar.predicted), ((score, "dim"),))
    else:
        caption = sample_tile(app_state, sample, names, app_state.tag(cue, sample), exemplar.score).caption
    picture = Picture(app_state.root / exemplar.image) if exemplar.image else None
    return Tile(picture, caption, exemplar.path, "can no longer be read", file_name(exemplar.path), sample)


def _covered_tile(app_state: AppState, exemplar: ModeExemplar, names: Sequence[str]) -> Tile:
    answer = exemplar.covered_predicted
    spans: tuple[Span, ...] = () if answer is None else answer_words(names, exemplar.label, answer)
    caption: Caption = (
        spans, ((percent(exemplar.covered_confidence, 0), "dim"),),
    )  # fmt: skip
    picture = Picture(app_state.root / exemplar.covered) if exemplar.covered else None
    return Tile(picture, caption, exemplar.path, "", file_name(exemplar.path))


# Neurons


def exemplar_sections(app_state: AppState, place: tuple[int, int]) -> list[Section]:
    """Return a section for each kind of exemplar that there is."""
    found = app_state.exemplars.get(place, ())
    sections = []
    for kind, title in SECTIONS.items():
        tiles = tuple(_exemplar_tile(app_state, exemplar) for exemplar in found if exemplar.kind == kind)
        if tiles:
            sections.append(Section(title, tiles, 1))
    return sections


def neuron_sections(app_state: AppState, place: tuple[int, int]) -> list[Section]:
    """Return a neuron's exemplars with its illusions beside the first of them."""
    sections, pictures = exemplar_sections(app_state, place), illusion_tiles(app_state, place)
    if pictures:
        drawn = Section("illusions", pictures, 1, beside=bool(sections))
        sections = [*sections[:1], drawn, *sections[1:]]
    return sections


def _exemplar_tile(app_state: AppState, exemplar: Exemplar) -> Tile:
    label = class_word(app_state.class_names, exemplar.label)
    caption: Caption = (((f"{exemplar.activation:.2f} ", "strong"), (label, "dim")),)
    mask = app_state.root / exemplar.mask if exemplar.mask else None
    picture = Picture(app_state.root / exemplar.image, mask)
    return Tile(picture, caption, exemplar.path, name=file_name(exemplar.path))


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
    caption: Caption = (
        ((f"step {preview.step}/{preview.steps}", "accent"),),
        ((f"×{preview.ratio:.2f} so far", "dim"),),
    )
    return Tile(picture, caption, name="illusion")


def _illusion_tile(root: Path, illusion: Illusion) -> Tile:
    ink = "good" if illusion.shown else "dim"
    verdict = "" if illusion.shown else " not shown here"
    similar = "" if illusion.clip_percentile is None else f" CLIP {illusion.clip_percentile:.0f} %ile"
    caption: Caption = (
        ((f"×{illusion.ratio:.2f}", ink), (verdict, "dim"), (f" rank {illusion.rank}", "")),
        ((f"p {percent(illusion.probability, 0)}{similar}", "dim"),),
    )
    mask = root / illusion.mask if illusion.mask else None
    picture = Picture(root / illusion.image, mask, faded=not illusion.shown)
    return Tile(picture, caption, illusion.image, name=file_name(illusion.image))


# Repairs

FLIPS: dict[Flip, str] = {"fixed": "fixed", "broken": "broken", "still": "wrong still"}


def flip_sections(
    app_state: AppState, images: Sequence[RepairedImage], order: Sequence[Flip] = ("fixed", "broken")
) -> list[Section]:
    """Return a section for each way in which a repair changes images, or does not."""
    sections = []
    for flip in order:
        own = [image for image in images if image.flip == flip]
        tiles = tuple(flip_tile(app_state, image) for image in own[:FLIPS_SHOWN])
        shown = f", the surest {FLIPS_SHOWN} of them" if len(own) > FLIPS_SHOWN else ""
        sections.append(Section(f"{FLIPS[flip]} · {number(len(own))}{shown}", tiles))
    return [section for section in sections if section.tiles]


def flip_tile(app_state: AppState, image: RepairedImage) -> Tile:
    """Return the tile of an image with its answers before and after: `mug ▸ ✓ boat`, or `boat → mug`."""
    tile, names = sample_tile(app_state, image.sample, app_state.class_names), app_state.class_names
    before, after = image.sample.predicted, image.repaired
    label = image.sample.label
    later = () if before == after else ((" ▸ ", "dim"), *_answer(names, label, after))
    first = answer_words(names, label, before) if image.flip == "still" else _answer(names, label, before)
    groups = ((group_words(image.sample), "dim"),) if image.sample.groups else ()
    return replace(tile, caption=((*first, *later), groups) if groups else ((*first, *later),))


def _answer(names: Sequence[str], label: int, predicted: int) -> tuple[Span, ...]:
    if label == predicted:
        return (("✓ ", "good"), (class_word(names, predicted), "strong"))
    return ((class_word(names, predicted), "bad"),)
