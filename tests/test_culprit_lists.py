"""Concepts filled into the culprit lists."""

from neuroinspect_tui.results import ClassRef, Concept, Culprit, CulpritReport
from neuroinspect_tui.results.culprit_lists import named


def culprit(neuron: int) -> Culprit:
    return Culprit(neuron, "insufficient", 50.0, 1.0, 0.0, 0.0, spurious=0.4, pull=0.4)


def test_concepts_and_better_suspicions_are_filled_in_by_neuron() -> None:
    report = CulpritReport(
        ClassRef(0, "boat"), "default", 5, 0, (culprit(4), culprit(5)), (culprit(6),), None, None
    )
    concepts = (Concept(4, "water", 0.9, 0.8, 0.4, 0.75), Concept(6, None, 0.6))
    found = named(report, concepts)
    first, second = found.insufficient
    assert (first.concept, first.concept_score, first.spurious, first.outside) == (
        "water",
        0.9,
        0.8,
        0.75,
    )
    assert second == culprit(5)
    (third,) = found.excessive
    assert (third.concept, third.concept_score, third.spurious) == (None, 0.6, 0.4)
