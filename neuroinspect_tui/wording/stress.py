"""The stress battery in words: which changes that should not matter pull images towards a class."""

from __future__ import annotations

from collections.abc import Sequence

from ..results import Pull, StressResult
from .numbers import class_name, number, p_value, percent, plural, signed

NOTABLE = 0.05
SHOWN = 12
_PHRASES = {
    "grey": "greyscale",
    "blur": "a blur",
    "sharpen": "sharpening",
    "centre only": "the middle alone",
    "rim only": "the rim alone",
    "patch shuffle": "shuffled tiles",
}


def change_words(pull: Pull) -> str:
    """Return what was done to the images, and how strongly: `a red cast at 30 % strength`."""
    strength = f" at {percent(pull.strength, 0)} strength" if pull.strength < 1 else ""
    return _change_words(pull) + strength


def _change_words(pull: Pull) -> str:
    if pull.mode is not None:
        return f"what failure mode {pull.mode} looks at, put in"
    if pull.change.startswith("text "):
        return f"text in the {pull.change.removeprefix('text ')} corner"
    return _PHRASES.get(pull.change, f"a {pull.change}")


def pull_words(pull: Pull, names: Sequence[str]) -> str:
    """Return the pull with its counts: `a red cast → bird: +6.4 points (61 gained, …)`."""
    counts = f"{number(pull.gained)} gained, {number(pull.lost)} lost of {plural(pull.images, 'image')}"
    points = f"{signed(pull.pull)} points"
    return f"{change_words(pull)} → {class_name(names, pull.target)}: {points} ({counts}, {p_value(pull.p)})"


def stress_sentence(found: StressResult, names: Sequence[str]) -> str:
    """Return the strongest pull beyond chance and 5 points, or that there is none."""
    measured = f"{plural(len(found.changes), 'change')} of {plural(found.images, 'image')} of {found.split}"
    weakened = any(pull.strength < 1 for pull in found.pulls)
    how = " Each is weakened until at most a tenth of a sample's answers change." if weakened else ""
    beyond = found.beyond(NOTABLE)
    if not beyond:
        return f"None of {measured} pulls more than 5 points towards a class beyond chance.{how}"
    first = beyond[0]
    words = change_words(first)
    more = f"; {number(len(beyond) - 1)} more pull over 5 points" if len(beyond) > 1 else ""
    return (
        f"{words[0].upper()}{words[1:]} pulls most: of {plural(first.images, 'image')} of other classes, "
        f"{number(first.gained)} become {class_name(names, first.target)} and {number(first.lost)} leave it "
        f"({signed(first.pull)} points, {p_value(first.p)}){more}. Measured with {measured}.{how}"
    )
