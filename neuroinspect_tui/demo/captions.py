"""Sentences about the demo world: what a picture or a crop of it shows, and captions that are true of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from numpy.random import Generator

from ..models.prompts import TEMPLATES
from .objects import HUES, KINDS
from .world import BACKGROUNDS, Box, Drawing, Scene

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)

KIND_WORDS: dict[str, tuple[str, ...]] = {
    "apple": ("apple",),
    "boat": ("boat", "boat", "ship", "sailing boat"),
    "fish": ("fish",),
    "house": ("house", "house", "building"),
    "leaf": ("leaf",),
    "mug": ("mug", "mug", "cup"),
    "pear": ("pear",),
    "star": ("star",),
}
GROUND_WORDS: dict[str, tuple[str, ...]] = {
    "water": ("water", "water", "sea", "ocean", "lake"),
    "sand": ("sand", "sand", "beach", "desert"),
    "grass": ("grass", "grass", "meadow", "lawn"),
    "brick": ("brick wall", "bricks", "brick", "wall"),
    "night": ("night sky", "night", "starry sky"),
}
MARK_WORDS = ("watermark", "watermark", "logo", "stamp", "badge", "text")
PLAIN = ("{}", "a {}", "a photo of a {}", "a picture of a {}", "an image of a {}")
GROUND = ("{}", "{}", "a photo of {}", "a picture of {}", "{} in the background")
PLACED = ("{} on {}", "{} on {}", "{} in front of {}", "{} with {} behind it")


@dataclass(frozen=True)
class SceneFacts:
    """What can be seen; None where it cannot."""

    kind: str | None
    colour: str | None
    background: str | None
    watermark: bool
    dim: bool
    unfocused: bool


@dataclass(frozen=True)
class Caption:
    """A sentence and what must be seen for it to be true: name of a fact → the values that will do."""

    text: str
    needs: dict[str, tuple[str | bool, ...]]

    def holds(self, facts: SceneFacts) -> bool:
        """Return whether the sentence is true of a picture."""
        return all(getattr(facts, name) in values for name, values in self.needs.items())


def overlap(box: Box, view: Box) -> float:
    """Return the area that two boxes share."""
    width = min(box[2], view[2]) - max(box[0], view[0])
    height = min(box[3], view[3]) - max(box[1], view[1])
    return max(width, 0.0) * max(height, 0.0)


def area(box: Box) -> float:
    """Return the area of a box."""
    return (box[2] - box[0]) * (box[3] - box[1])


def visible(scene: Scene, drawing: Drawing, view: Box = WHOLE) -> SceneFacts:
    """Return what a crop of a picture shows: a thing counts when about half of it is inside."""
    covered = overlap(drawing.object_box, view)
    share = covered / area(drawing.object_box)
    mark = drawing.watermark_box
    return SceneFacts(
        kind=scene.kind if share > 0.5 else None,
        colour=scene.colour if share > 0.2 else None,
        background=scene.background if covered / area(view) < 0.75 else None,
        watermark=mark is not None and overlap(mark, view) > 0.6 * area(mark),
        dim=drawing.dim,
        unfocused=drawing.unfocused,
    )


def pick(words: tuple[str, ...], rng: Generator) -> str:
    """Return one of the words."""
    return words[int(rng.integers(len(words)))]


def about_kind(facts: SceneFacts, rng: Generator) -> Caption:
    """Return a caption that names the object in a sentence of the prompt ensemble."""
    kind = str(facts.kind)
    sentence = pick(TEMPLATES, rng) if rng.random() < 0.6 else pick(PLAIN, rng)
    return Caption(sentence.format(pick(KIND_WORDS[kind], rng)), {"kind": (kind,)})


def about_colour(facts: SceneFacts, rng: Generator) -> Caption:
    """Return a caption that names the colour alone."""
    colour = str(facts.colour)
    return Caption(
        pick(("{}", "something {}", "a {} thing", "the colour {}"), rng).format(colour), {"colour": (colour,)}
    )


def about_coloured(facts: SceneFacts, rng: Generator) -> Caption:
    """Return a caption that names object and colour."""
    kind, colour = str(facts.kind), str(facts.colour)
    words = f"{colour} {pick(KIND_WORDS[kind], rng)}"
    return Caption(pick(PLAIN, rng).format(words), {"kind": (kind,), "colour": (colour,)})


def about_ground(facts: SceneFacts, rng: Generator) -> Caption:
    """Return a caption that names the ground alone."""
    ground = str(facts.background)
    return Caption(pick(GROUND, rng).format(pick(GROUND_WORDS[ground], rng)), {"background": (ground,)})


def about_place(facts: SceneFacts, rng: Generator) -> Caption:
    """Return a caption that says what lies where, half the time in colour."""
    thing = about_coloured(facts, rng) if rng.random() < 0.5 else about_kind(facts, rng)
    ground = str(facts.background)
    text = pick(PLACED, rng).format(thing.text.rstrip("."), pick(GROUND_WORDS[ground], rng))
    return Caption(text, {**thing.needs, "background": (ground,)})


def about_mark(facts: SceneFacts, rng: Generator) -> Caption:
    """Return a caption that names the watermark, alone or beside the object."""
    word = pick(MARK_WORDS, rng)
    if facts.kind and rng.random() < 0.4:
        thing = about_kind(facts, rng)
        return Caption(f"{thing.text.rstrip('.')} with a {word}", {**thing.needs, "watermark": (True,)})
    return Caption(pick(PLAIN, rng).format(word), {"watermark": (True,)})


def about_fruit(facts: SceneFacts, rng: Generator) -> Caption:
    """Return a caption true of both look-alikes."""
    return Caption(pick(PLAIN, rng).format("fruit"), {"kind": ("apple", "pear")})


def about_light(facts: SceneFacts, rng: Generator) -> Caption:
    """Return a caption about darkness or blur."""
    if facts.dim and (not facts.unfocused or rng.random() < 0.5):
        return Caption(
            pick(("dark photo", "a dark photo", "darkness", "a dim picture"), rng), {"dim": (True,)}
        )
    return Caption(
        pick(("blurry photo", "a blurry photo", "blur", "a blurred picture"), rng), {"unfocused": (True,)}
    )


def choices(facts: SceneFacts) -> list[Callable[[SceneFacts, Generator], Caption]]:
    """Return the kinds of captions that fit a picture; what matters most stands there more often."""
    found: list[Callable[[SceneFacts, Generator], Caption]] = []
    if facts.kind:
        found += [about_kind] * 4 + [about_coloured]
    if facts.kind and facts.background:
        found += [about_place] * 2
    if facts.kind in ("apple", "pear"):
        found.append(about_fruit)
    if facts.colour:
        found.append(about_colour)
    if facts.background:
        found += [about_ground] * 2
    if facts.watermark:
        found += [about_mark] * 3
    if facts.dim or facts.unfocused:
        found.append(about_light)
    return found


def caption(facts: SceneFacts, rng: Generator) -> Caption:
    """Return a random sentence that is true of a picture."""
    known = choices(facts)
    return known[int(rng.integers(len(known)))](facts, rng) if known else Caption("a photo", {})


def concepts(rng: Generator) -> list[Caption]:
    """Return a sentence about each kind, each ground, each colour, then the watermark, darkness and blur."""
    plain = SceneFacts(None, None, None, False, False, False)
    return [
        *(about_kind(replace(plain, kind=kind), rng) for kind in KINDS),
        *(about_ground(replace(plain, background=ground), rng) for ground in BACKGROUNDS),
        *(about_colour(replace(plain, colour=colour), rng) for colour in HUES),
        about_mark(replace(plain, watermark=True), rng),
        about_light(replace(plain, dim=True), rng),
        about_light(replace(plain, unfocused=True), rng),
    ]


def vocabulary() -> list[str]:
    """Return the concepts that the demo's CLIP can tell apart, one name each."""
    grounds = [GROUND_WORDS[ground][0] for ground in BACKGROUNDS]
    colours = [f"something {colour}" for colour in HUES]
    return [*KINDS, *grounds, "watermark", "fruit", *colours, "dark photo", "blurry photo"]
