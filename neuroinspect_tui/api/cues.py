"""Cues of the API: what images have or have not, tagged by hand."""

from __future__ import annotations

from typing import Literal

from .. import jobs, results
from ..errors import InputError
from .host import InspectionHost
from .values import FailureMode

TAGS: dict[object, str] = {True: "has", False: "not", "mislabelled": "mislabelled", None: ""}
NEURONS = 5


class Cue:
    """A named cue of an `Inspection`, made by `Inspection.cue`; its tags are kept in the session."""

    def __init__(self, inspection: InspectionHost, name: str, target: int, neurons: tuple[int, ...]) -> None:
        self.name = name
        self._inspection, self._target, self._neurons = inspection, target, neurons

    def __repr__(self) -> str:
        return f"Cue({self.name!r}, {self.counts})"

    @property
    def found(self) -> results.Cue:
        """The cue with its counts and how well its probe carries the tags."""
        cues = self._inspection.ask(jobs.ListCues())
        return next(cue for cue in cues if cue.name == self.name)

    @property
    def counts(self) -> dict[str, int]:
        """How many images have which tag, by hand alone."""
        tags = self.found.tags
        return {"has": tags.has, "not": tags.not_, "mislabelled": tags.mislabelled}

    @property
    def probe(self) -> results.ProbeQuality | None:
        """How well the tags are carried to the other images, None before there are enough to tell."""
        return self.found.probe

    def propose(self, count: int = 8, split: str | None = None) -> list[str]:
        """Return the paths of the images to tag next, most informative first."""
        self._inspection.evaluate(split)
        asked = jobs.OrderReview(self._target, self._neurons, count, self.name, split)
        return [item.sample.path for item in self._inspection.ask(asked)]

    def tag(self, path: str, value: bool | Literal["mislabelled"] | None) -> None:
        """Say whether the image at `path` has the cue, that its label is wrong, or (None) nothing any more.

        Paths are those of `Inspection.features`. Raises InputError for a path that no evaluated split has.
        """
        if value not in TAGS:
            raise InputError(f"{value!r} is not a tag", 'give True, False, "mislabelled" or None')
        split, row = self._inspection.place_of(path)
        self._inspection.ask(jobs.SetTag(split, row, TAGS[value], self.name))


def starting_point(
    inspection: InspectionHost, target: str | int | FailureMode
) -> tuple[int, tuple[int, ...]]:
    """Return the class to tag for, and the neurons by which its images are ordered."""
    if isinstance(target, results.FailureMode):
        return target.classes[0], tuple(one.neuron for one in target.neurons[:NEURONS])
    report = inspection.culprits(target)
    leading = [culprit.neuron for culprit in (*report.excessive, *report.insufficient)]
    return report.target.index, tuple(leading[:NEURONS])
