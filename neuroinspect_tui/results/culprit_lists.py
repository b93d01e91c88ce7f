"""The culprit lists of a class, with what later stages found about their neurons filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from . import Concept, Culprit, CulpritReport


def named(report: CulpritReport, concepts: tuple[Concept, ...]) -> CulpritReport:
    """Return `report` with the concepts, and what CLIP adds to the spurious scores, filled in."""
    known = {concept.neuron: concept for concept in concepts}

    def fill(culprit: Culprit) -> Culprit:
        concept = known.get(culprit.neuron)
        if concept is None:
            return culprit
        culprit = replace(culprit, concept=concept.label, concept_score=concept.score)
        if concept.spurious is None:
            return culprit
        return replace(culprit, spurious=concept.spurious, pull=concept.pull, outside=concept.outside)

    return each_culprit(report, fill)


def each_culprit(report: CulpritReport, fill: Callable[[Culprit], Culprit]) -> CulpritReport:
    """Return `report` with every culprit of both lists replaced by what `fill` makes of it."""
    return replace(
        report,
        insufficient=tuple(map(fill, report.insufficient)),
        excessive=tuple(map(fill, report.excessive)),
    )
