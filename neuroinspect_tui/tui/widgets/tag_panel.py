"""Beside the picture: what is known of it, how many are tagged, and what the probe can do with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ...results import Cue, ReviewItem
from ...text import safe
from ...wording.cues import probe_advice
from ...wording.numbers import bar, neurons, number
from ...wording.numbers import bare_percent as percent
from ..app_state import AppState
from .cells import class_word

GOAL = 40
NAMED = 2
TagsByPlace = Mapping[tuple[str, str], str]
SIGNS = {"has": ("●", "$accent"), "not": ("○", "$primary"), "mislabelled": ("✗", "$error")}


class TagPanel(Widget):
    """A column of short facts."""

    ALLOW_SELECT = False
    content: reactive[Content] = reactive(Content(""), layout=False)

    def show(
        self,
        items: Sequence[ReviewItem],
        place: int,
        app_state: AppState,
        names: Sequence[str],
        target: int,
        culprits: tuple[int, ...],
        cue: str,
    ) -> None:
        """Ask for the cue of the `culprits` of class `target`; describe the image at `place` and the tags."""
        self.border_title = "Tags"
        tags = app_state.tagged.get(cue, {})
        width = max(16, self.size.width - 4)
        lines: list[Content] = []
        if place < len(items):
            question = _question(app_state, target, culprits)
            lines += [Content.styled(question, "bold $accent"), Content("")]
            lines += _image(items[place], tags, names, width)
        lines += [_trail(items, place, tags, width), Content("")]
        lines += _progress(tags, app_state.cues.get(cue), width)
        self.content = Content("\n").join(lines)

    def render(self) -> Content:
        """Return the column."""
        return self.content


def _question(app_state: AppState, target: int, culprits: tuple[int, ...]) -> str:
    """Ask whether the image has what the first culprits react to, by name where they have one."""
    named = [app_state.label_of(target, neuron) for neuron in culprits[:NAMED]]
    labels = dict.fromkeys(safe(label, 30) for label in named if label)
    if labels:
        return f"Does it show {' or '.join(f'“{label}”' for label in labels)}?"
    if culprits:
        return f"Does it show what excites {neurons(culprits, NAMED)}?"
    return "Does it show a cue beside the object?"


def _image(item: ReviewItem, tags: TagsByPlace, names: Sequence[str], width: int) -> list[Content]:
    sample = item.sample
    true, predicted = (class_word(names, index) for index in (sample.label, sample.predicted))
    right = sample.predicted == sample.label
    tag = tags.get((sample.split, sample.path), "")
    place = safe("/".join(sample.path.split("/")[-2:]), 300)
    lines = [
        Content.styled(place, "bold").truncate(width, ellipsis=True),
        Content.assemble(
            ("✓ " if right else f"{true} → ", "$success" if right else "$error"),
            f"{predicted} {percent(sample.confidence, 0)}%",
        ).truncate(width, ellipsis=True),
        Content.assemble(("culprit score ", "$foreground 60%"), f"{item.score:.2f}".replace("-", "−")),
    ]
    if item.belief:
        best = max(item.belief, key=lambda name: item.belief[name] if item.belief else 0.0)
        words = f"{safe(best, 20)} {percent(item.belief[best], 0)}%"
        lines.append(Content.assemble(("probe says ", "$foreground 60%"), words))
    sign, ink = SIGNS.get(tag, ("", ""))
    shown = (
        Content.assemble((f"{sign} {safe(tag, 20)}", f"bold {ink}"))
        if tag
        else Content.styled("not tagged", "dim")
    )
    return [*lines, shown, Content("")]


def _trail(items: Sequence[ReviewItem], place: int, tags: TagsByPlace, width: int) -> Content:
    half = width // 2
    first = max(0, min(place - half, len(items) - width))
    parts: list[tuple[str, str]] = []
    for index in range(first, min(len(items), first + width)):
        sample = items[index].sample
        sign, ink = SIGNS.get(tags.get((sample.split, sample.path), ""), ("·", "$foreground 40%"))
        parts.append((sign, f"{ink} reverse" if index == place else ink))
    return Content.assemble(*parts)


def _progress(tags: TagsByPlace, cue: Cue | None, width: int) -> list[Content]:
    tagged = sum(tag != "mislabelled" for tag in tags.values())
    full, rest = bar(tagged / GOAL, min(20, width - 8))
    lines = [
        Content.assemble((f"{tagged:>3} ", "bold"), (full, "$accent"), (rest, "$foreground 30%"), f" {GOAL}"),
    ]
    wrong = len(tags) - tagged
    if wrong:
        sign, ink = SIGNS["mislabelled"]
        left_out = (" left out", "$foreground 60%")
        lines.append(Content.assemble((f"{sign} ", ink), f"mislabelled {wrong}", left_out))
    if cue is None or cue.probe is None:
        words = "A few dozen tags teach a probe that carries them to all images."
        return [*lines, Content.styled(words, "$foreground 60%")]
    probe = cue.probe
    for name, count, carried in (("has", cue.tags.has, probe.has), ("not", cue.tags.not_, probe.not_)):
        sign, ink = SIGNS[name]
        counted = (f" ⇒ {number(carried)}", "$foreground 60%")
        lines.append(Content.assemble((f"{sign} ", ink), f"{name} {count}", counted))
    if probe.unclear:
        lines.append(Content.styled(f"  unclear ⇒ {number(probe.unclear)}", "$foreground 60%"))
    if probe.accuracy is not None:
        lines.append(
            Content.assemble(("probe right ", "$foreground 60%"), (f"{percent(probe.accuracy, 0)}%", "bold"))
        )
    return [*lines, Content.styled(probe_advice(cue.tags, probe), "$success" if probe.enough else "$warning")]
