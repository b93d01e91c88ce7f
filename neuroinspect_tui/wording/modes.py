"""Failure modes in words: what a group of mistakes has in common, and how far that is proven."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..results import (
    Carried,
    ConfusedPair,
    CoverTest,
    FlipChange,
    FlipRate,
    ImageStatistic,
    ProjectOut,
    WeightedNeuron,
)
from .numbers import class_name, decimal, listed, number, p_value, percent, plural, signed_decimal

CLASSES_NAMED = 3
MOSTLY = 0.7
_CHANGES = {"region": ("covered", "elsewhere"), "colour": ("recoloured", "others")}
"""How each cover test changes the images, and its control, in short."""


class Mode(Protocol):
    """What the words need of a failure mode: `results.FailureMode` and the report's rows both have it."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def name(self) -> str | None:
        """The user's name, or one that was verified."""

    @property
    def name_auroc(self) -> float | None:
        """How well a found name holds on other images."""

    @property
    def spurious(self) -> bool:
        """Whether the evidence speaks for a cue beside the class."""

    @property
    def weak(self) -> bool:
        """Whether it does not come back in resamples."""

    @property
    def mistakes(self) -> int:
        """How many mistakes it has."""

    @property
    def share(self) -> float:
        """Their share of all mistakes."""

    @property
    def pairs(self) -> tuple[ConfusedPair, ...]:
        """Which classes they have, and are predicted as."""

    @property
    def neurons(self) -> tuple[WeightedNeuron, ...]:
        """The neurons of its direction."""

    @property
    def carried(self) -> Carried:
        """Who scores above its threshold."""

    @property
    def cover(self) -> CoverTest | None:
        """What covering its region does."""

    @property
    def projected(self) -> ProjectOut | None:
        """What removing its direction does."""

    @property
    def flips(self) -> tuple[FlipRate, ...]:
        """How often covering its region, or putting it in, changes the answer."""

    @property
    def statistic(self) -> ImageStatistic | None:
        """The image statistic that goes with it."""


def title(mode: Mode, names: Sequence[str]) -> str:
    """Return the mode's name, or what it confuses: `boat → mug`."""
    if mode.name is not None:
        return mode.name
    return (
        f"{_all_of(_counts(mode.pairs, 'label'), names)} → {_all_of(_counts(mode.pairs, 'predicted'), names)}"
    )


def size(mode: Mode) -> str:
    """Return how many mistakes it has: `34 mistakes, 37 % of all`."""
    return f"{plural(mode.mistakes, 'mistake')}, {percent(mode.share, 0)} of all"


def confused(mode: Mode, names: Sequence[str]) -> str:
    """Return which classes its mistakes have and what they are predicted as."""
    labels = _all_of(_counts(mode.pairs, "label"), names)
    predicted = _counts(mode.pairs, "predicted")
    return f"{labels}{_predicted_as(predicted, names)}"


def sentence(mode: Mode, names: Sequence[str]) -> str:
    """Return the whole case in one sentence: who carries the cue, and what covering it does."""
    parts = [_carried_by(mode, names)]
    if mode.cover is not None:
        parts.append(cover_words(mode.cover))
    return "; ".join(parts)


def _carried_by(mode: Mode, names: Sequence[str]) -> str:
    (above, mistakes), (right_above, right) = mode.carried.mistakes, mode.carried.right
    whose = f"{number(above)} of {plural(mistakes, 'mistake')} on {confused(mode, names)}"
    verb = "carries" if above == 1 else "carry"
    also = (
        f"{number(right_above)} of {plural(right, 'right answer')} too"
        if right
        else "no right answers to compare"
    )
    return f"{whose}, {verb} this cue, {also} ({p_value(mode.carried.p)})"


def cover_words(cover: CoverTest) -> str:
    """Return what covering the mode's region, or changing its colours, does, beside controls."""
    if cover.by == "colour":
        return (
            f"giving it the colours of images without the cue fixes {percent(cover.mended, 0)}, other "
            f"colours as far away {percent(cover.elsewhere, 0)} (n = {number(cover.images)})"
        )
    return (
        f"covering it fixes {percent(cover.mended, 0)}, covering elsewhere "
        f"{percent(cover.elsewhere, 0)} (n = {number(cover.images)})"
    )


def changed_images(mode: Mode) -> str:
    """Return what the pictures of the cover test show."""
    if mode.cover is not None and mode.cover.by == "colour":
        return "the same images in the colours of images without the cue"
    return "the same images with that region covered"


def changed_word(mode: Mode) -> str:
    """Return what was done to one of those pictures."""
    return "recoloured" if mode.cover is not None and mode.cover.by == "colour" else "covered"


def removed_words(found: ProjectOut) -> str:
    """Return what taking the direction out of the features does, beside random directions."""
    return (
        f"taking the direction out of the features fixes {percent(found.mended, 0)} of the mistakes and "
        f"breaks {percent(found.broken, 0)} of the right answers; "
        f"a random direction fixes {percent(found.random, 0)}"
    )


def flip_words(flips: Sequence[FlipRate]) -> str:
    """Return how often answers change without what the mode looks at, and with it; elsewhere beside them."""
    return "; ".join(
        filter(
            None,
            (
                _flipped(flips, "covered", "mistake"),
                _flipped(flips, "put_in", "right answer"),
            ),
        )
    )


_FLIPS = {
    ("covered", "region"): "without what it looks at",
    ("put_in", "region"): "with that put in",
    ("covered", "colour"): "in the colours of images without the cue",
    ("put_in", "colour"): "in the colours of images with it",
}
_FLIP_CONTROLS = {"region": "with the same area elsewhere", "colour": "in other colours as far away"}


def _flipped(flips: Sequence[FlipRate], change: FlipChange, what: str) -> str:
    rows = [row for row in flips if row.change == change]
    images = sum(row.images for row in rows)
    if not images:
        return ""
    flipped = sum(row.flipped for row in rows)
    control = sum(row.control * row.images for row in rows) / images
    verb = "changes" if flipped == 1 else "change"
    return (
        f"{_FLIPS[change, rows[0].by]} {number(flipped)} of {plural(images, what)} {verb} the answer, "
        f"{_FLIP_CONTROLS[rows[0].by]} {percent(control, 0)}"
    )


def statistic_words(found: ImageStatistic) -> str:
    """Return the image statistic that goes with the mode, its effect from −1 to 1 within classes."""
    return f"goes with {found.name} (effect {signed_decimal(found.effect)} of ±1, {p_value(found.p)})"


def neuron_words(neurons: Sequence[WeightedNeuron], limit: int = 6) -> str:
    """Return the neurons that make the direction, with their weights."""
    shown = [f"{row.neuron} ({signed_decimal(row.weight)})" for row in neurons[:limit]]
    more = [f"{len(neurons) - limit} more"] if len(neurons) > limit else []
    return listed([*shown, *more])


def name_words(mode: Mode) -> str:
    """Return where the name comes from and how well it holds; nothing without one."""
    if mode.name is None:
        return ""
    if mode.name_auroc is None:
        return "named by hand"
    return f"named by CLIP; AUROC {decimal(mode.name_auroc, 2)} on images that the name was not found on"


def caveats(mode: Mode) -> list[str]:
    """Return what a reader must know before believing the mode."""
    found = []
    if mode.weak:
        found.append("weak: it does not come back when the mistakes are resampled")
    if mode.carried.p >= 0.05:
        found.append("the difference between mistakes and right answers may be chance")
    if mode.cover is None:
        found.append("the cover test was not made")
    elif mode.cover.images < 10:
        found.append(f"covered on {plural(mode.cover.images, 'image')} only")
    return found


def evidence(mode: Mode) -> list[tuple[str, str]]:
    """Return the evidence of a mode as (what, words) pairs; what was not measured is left out."""
    pairs = [("name", name_words(mode))]
    if mode.projected is not None:
        pairs.append(("removed", removed_words(mode.projected)))
    if mode.flips:
        pairs.append(("flips", flip_words(mode.flips)))
    if mode.statistic is not None:
        pairs.append(("statistic", statistic_words(mode.statistic)))
    pairs.append(("neurons", neuron_words(mode.neurons)))
    return [(what, words) for what, words in pairs if words]


def kind(mode: Mode) -> str:
    """Return what kind of cause it is: a spurious cue, or a confusion of what the classes look like."""
    return "spurious cue" if mode.spurious else "not shown to be spurious"


def _counts(pairs: Sequence[ConfusedPair], which: str) -> dict[int, int]:
    """Return how many mistakes each label, or predicted class, has; most first."""
    counts: dict[int, int] = {}
    for pair in pairs:
        index = pair.label if which == "label" else pair.predicted
        counts[index] = counts.get(index, 0) + pair.count
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _all_of(counts: dict[int, int], names: Sequence[str]) -> str:
    """Name the classes, at most three of them."""
    shown = [class_name(names, index) for index in list(counts)[:CLASSES_NAMED]]
    rest = len(counts) - len(shown)
    return listed([*shown, *([plural(rest, "other class", "other classes")] if rest > 0 else [])])


def _predicted_as(counts: dict[int, int], names: Sequence[str]) -> str:
    """Return what most are predicted as; nothing where they go everywhere."""
    if not counts:
        return ""
    first, most = next(iter(counts.items()))
    name, share = class_name(names, first), most / sum(counts.values())
    if len(counts) == 1:
        return f", predicted as {name}"
    return f", mostly predicted as {name}" if share >= MOSTLY else f", predicted as {_all_of(counts, names)}"


# Short forms, for a list and above pictures


def brief_title(mode: Mode, names: Sequence[str]) -> str:
    """Return the mode's name and its largest confusion: `“watermark” boat +5 → mug`."""
    sides = (_counts(mode.pairs, "label"), _counts(mode.pairs, "predicted"))
    confusion = " → ".join(_first_of(counts, names) for counts in sides)
    return confusion if mode.name is None else f"“{mode.name}” {confusion}"


def _first_of(counts: dict[int, int], names: Sequence[str]) -> str:
    """Name the commonest class, and how many others there are."""
    first = next((class_name(names, index) for index in counts), "")
    return f"{first} +{len(counts) - 1}" if len(counts) > 1 else first


def headline(mode: Mode, names: Sequence[str]) -> str:
    """Return the cause in one short sentence: `24 of 34 mistakes (boat → mug) carry “watermark”`."""
    above, mistakes = mode.carried.mistakes
    labels, predicted = (_all_of(_counts(mode.pairs, side), names) for side in ("label", "predicted"))
    verb = "carries" if above == 1 else "carry"
    what = "the same cue" if mode.name is None else f"“{mode.name}”"
    return f"{number(above)} of {plural(mistakes, 'mistake')} ({labels} → {predicted}) {verb} {what}"


def proof(mode: Mode) -> str:
    """Return which share of the mistakes the cover test fixes: `covered 68 %, elsewhere 6 %, n 25`."""
    if mode.cover is not None:
        change, control = _CHANGES[mode.cover.by]
        fixed, elsewhere = percent(mode.cover.mended, 0), percent(mode.cover.elsewhere, 0)
        return f"{change} {fixed}, {control} {elsewhere}, n {number(mode.cover.images)}"
    above, right = mode.carried.right
    return f"{number(above)} of {plural(right, 'right answer')} carry it too"


def untested_lines(mode: Mode, names: Sequence[str]) -> list[str]:
    """Return the case as far as it stands while the mode is being tested in the pictures."""
    above, right = mode.carried.right
    return [
        f"{headline(mode, names)}.",
        f"Of {plural(right, 'right answer')} of the same classes {number(above)} carry it "
        f"({p_value(mode.carried.p)}).",
        "Being tested: would covering it change the answers? Is there a name for it?",
    ]


def case_lines(mode: Mode, names: Sequence[str]) -> list[str]:
    """Return the case as a few lines, the most telling first: its sentence is the first."""
    above, right = mode.carried.right
    lines = [f"{headline(mode, names)}."]
    if mode.cover is not None:
        lines.append(f"{cover_words(mode.cover)[:1].upper()}{cover_words(mode.cover)[1:]}.")
    compared = (
        f"Of {plural(right, 'right answer')} of the same classes {number(above)} carry it "
        f"({p_value(mode.carried.p)})"
    )
    kind_words = "it looks like a spurious cue" if mode.spurious else ""
    lines.append(". ".join(filter(None, [compared, kind_words.capitalize()])) + ".")
    if mode.statistic is not None:
        lines.append(f"It {statistic_words(mode.statistic)}.")
    return [*lines, *(f"{words[:1].upper()}{words[1:]}." for words in caveats(mode)[:1])]
