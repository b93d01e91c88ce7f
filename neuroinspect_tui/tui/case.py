"""The case on show: what a cause, a class or a neuron says in words, and the pictures that show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..results import FailureMode, Repair, RepairedImage
from ..text import safe
from ..wording.modes import brief_title, case_lines, untested_lines
from ..wording.numbers import number
from ..wording.repaired import class_change_words, mode_change_words
from ..wording.verifications import verification_sentence
from .app_state import AppState
from .on_show import result_of
from .widgets.class_words import class_lines
from .widgets.gallery import Section
from .widgets.tiles import flip_sections, mode_sections, neuron_sections, sample_tile

TITLE = "3 Pictures"
SHOWN = 60


@dataclass(frozen=True)
class Case:
    """A title for the pictures, lines above them, and the sections; `empty` says why there are none."""

    title: str
    words: Sequence[str]
    sections: Sequence[Section]
    empty: tuple[str, ...]


NO_CASE = Case(TITLE, (), (), ("Pictures appear here.", "First the model has to be evaluated."))


def mode_case(state: AppState, mode: FailureMode, cue: str) -> Case:
    """Return the case of a failure mode; its images show what they are tagged with for `cue`."""
    names = state.class_names
    title = f"{TITLE} · {safe(brief_title(mode, names), 60)} · highest score first"
    words = case_lines(mode, names) if state.modes_settled else untested_lines(mode, names)
    return Case(title, words, mode_sections(state, mode, names, cue), ("No pictures yet.",))


def class_case(state: AppState, target: int, cue: str) -> Case:
    """Return the case of a class: its mistakes, then images that are predicted right."""
    result, names = result_of(state, target), state.class_names
    name = safe(names[target] if target < len(names) else str(target), 40)
    groups = [g for g in state.evaluation.groups if g.class_index == target] if state.evaluation else []
    wrong, right = (
        tuple(sample_tile(state, sample, names, state.tag(cue, sample)) for sample in samples[:SHOWN])
        for samples in (state.mistakes_of(target), state.right_images(target))
    )
    mistakes = result.count - result.correct if result else len(wrong)
    sections = [
        Section(f"mistakes · {number(mistakes)}", wrong, 2),
        Section(f"right images of {name}", right, 1),
    ]
    return Case(
        f"{TITLE} · {name} · most confident first",
        class_lines(result, groups) if result else (),
        [section for section in sections if section.tiles],
        ("No mistakes in this class.",),
    )


def neuron_case(state: AppState, target: int, neuron: int, words: Sequence[str]) -> Case:
    """Return the case of a neuron for a class."""
    concept, label = state.concepts.get((target, neuron)), state.label_of(target, neuron)
    named = f" · “{safe(label, 40)}”" if label else " · no clear concept" if concept else ""
    title, empty = f"{TITLE} of neuron {neuron}{named}", ("Looking for images that excite it…",)
    return Case(title, words, neuron_sections(state, (target, neuron)), empty)


def repaired_case(state: AppState, made: Repair, target: int, mode: FailureMode | None) -> Case:
    """Return a failure mode, or else a class, as the layer of a repair sees it on the judged images."""
    names, layer = state.class_names, state.layers.get(made.number)
    name = brief_title(mode, names) if mode else names[target] if target < len(names) else str(target)
    title = f"3 Through repair {made.number} · {safe(name, 40)} · surest answers first"
    if layer is None:
        return Case(title, (), (), ("Looking through the repaired layer…",))
    images = tuple(_own(layer.images, target, mode))
    if mode is not None:
        change = next((change for change in layer.modes if change.id == mode.id), None)
        words = mode_change_words(change, images, layer)
    else:
        words = class_change_words(next(c for c in made.classes if c.index == target), images, layer)
    checked = state.verifications.get(made.number)
    words.append(verification_sentence(checked) if checked else "w verifies the exported weights.")
    sections = flip_sections(state, images, ("still", "broken", "fixed"))
    return Case(title, words, sections, ("No judged image of these is wrong, before or after.",))


def _own(images: Iterable[RepairedImage], target: int, mode: FailureMode | None) -> Iterable[RepairedImage]:
    """Return the images of a failure mode, or of a class."""
    return (image for image in images if (mode.id in image.modes if mode else image.sample.label == target))
