"""Failure modes of the debugged split, with their evidence; their directions lie beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from .. import jobs
from ..data.images import STORED
from ..data.transforms import as_pixels
from ..errors import InputError
from ..events import Reporter
from ..results import FailureMode, ModeExemplar, states
from ..stages.counterfactual_pictures import (
    CounterfactualPicture,
    flip_rates,
    recoloured,
    with_cue,
    without_cue,
)
from ..stages.failure_modes import FailureModes, find_failure_modes, scores
from ..stages.failure_modes.covering import colour_change
from ..stages.failure_modes.evidence import Pictures, conclude
from ..tensors import SplitFeatures
from .caching import cached
from .directions import keep_directions, known_modes
from .evaluating import write_thumbnails
from .naming import embed, vocabulary
from .picturing import framed, spread
from .project import Project

FLIPPED, DONORS = 24, 8
"""Images that each flip rate of a mode is measured on, and mistakes whose regions are put into others."""
EXEMPLARS = 8
"""Mistakes of a mode, right answers of its classes and other images that are shown, the strongest first."""


@cached
def failure_modes(
    project: Project, job: jobs.FindFailureModes, reporter: Reporter
) -> tuple[FailureMode, ...]:
    """Find the failure modes and keep their directions; none where predictions alone are recorded."""
    if project.head.neurons == 0:
        return ()
    reporter.unit("steps")
    debug, compute = project.config.debug, project.config.compute
    data = project.features(project.split.name)
    most = debug.modes if job.k is None else job.k
    found = find_failure_modes(data, project.head, most, compute.seed, reporter.progress)
    keep_directions(project, job.k, found)
    return _with_exemplars(project, data, found)


def directions_by_id(found: FailureModes) -> dict[int, Tensor]:
    """Return the direction [D] of each mode."""
    return dict(zip((mode.id for mode in found.modes), found.directions, strict=True))


def _with_exemplars(project: Project, data: SplitFeatures, found: FailureModes) -> tuple[FailureMode, ...]:
    """Add to each mode its exemplars, with small pictures."""
    chosen = [_exemplar_scores(data, found, mode) for mode in found.modes]
    shown = tuple(dict.fromkeys(row for own in chosen for row in own))
    images = write_thumbnails(project, data.split, shown)
    return tuple(
        replace(mode, exemplars=_exemplars(data, own, images))
        for mode, own in zip(found.modes, chosen, strict=True)
    )


def _exemplar_scores(data: SplitFeatures, found: FailureModes, mode: FailureMode) -> dict[int, float]:
    """Return the score of each image to show: the highest mistakes, right answers, other classes' images."""
    values = scores(data.features, found.directions[mode.id][None])[:, 0]
    member = torch.zeros(len(data), dtype=torch.bool)
    member[found.rows_of(mode.id)] = True
    inside = torch.isin(data.labels, torch.tensor(mode.classes))
    chosen: list[int] = []
    for kind in (member, inside & ~data.mistakes, ~inside):
        rows = kind.nonzero().squeeze(1)
        chosen += rows[values[rows].argsort(descending=True, stable=True)][:EXEMPLARS].tolist()
    return dict(zip(chosen, values[torch.tensor(chosen)].tolist(), strict=True))


def _exemplars(
    data: SplitFeatures, chosen: Mapping[int, float], images: Mapping[int, str]
) -> tuple[ModeExemplar, ...]:
    return tuple(
        ModeExemplar(
            path=data.paths[row],
            score=score,
            label=int(data.labels[row]),
            predicted=int(data.predicted[row]),
            image=images[row],
        )
        for row, score in chosen.items()
    )


@cached
def examine(project: Project, job: jobs.ExamineFailureModes, reporter: Reporter) -> tuple[FailureMode, ...]:
    """Add the evidence that takes images: cover test, image statistic, name, and whether it is spurious."""
    if not failure_modes(project, jobs.FindFailureModes(job.k), reporter):
        return ()
    found = known_modes(project, job.k)
    if found is None:
        raise InputError("the directions of the failure modes are gone", "delete failure_modes/ in state/")
    data, seed = project.features(project.split.name), project.config.compute.seed
    if project.recorded is not None:
        return conclude(data, found, seed=seed).modes
    reporter.unit("images")
    seen = (project.classifier, project.preprocess, _pictures(project))
    tested = conclude(data, found, *seen, seed, reporter.progress)
    covered = (_with_covered(project, data, tested, mode) for mode in tested.modes)
    return tuple(_with_flips(project, data, tested, mode) for mode in covered)


def _pictures(project: Project) -> Pictures:
    """Return how evidence sees the images of the debugged split."""
    clip, data = project.clip, project.features(project.split.name)

    def sizes(rows: Sequence[int]) -> Tensor:
        images = [project.split.open(int(data.rows[row])) for row in rows]
        return torch.tensor([image.info.get(STORED, image.size) for image in images])

    if clip is None:
        return Pictures(partial(_read, project), sizes)
    return Pictures(
        partial(_read, project),
        sizes,
        lambda rows: embed(clip, framed(project, rows)),
        vocabulary(project, clip),
    )


def _read(project: Project, rows: Sequence[int]) -> Tensor:
    """Return images [n,3,S,S] in 0…1 as the classifier is shown them, before normalisation."""
    return as_pixels(framed(project, rows))


def _with_covered(
    project: Project, data: SplitFeatures, found: FailureModes, mode: FailureMode
) -> FailureMode:
    """Add to each exemplar what the classifier says of it without the cue, and that picture."""
    row_of = {path: row for row, path in enumerate(data.paths)}
    rows = [row_of[exemplar.path] for exemplar in mode.exemplars]
    pictures = _without(project, data, found, mode, rows)
    exemplars = [
        replace(
            exemplar,
            covered=project.session.write_png(
                f"covered/{states.split_folder(data.split)}/{mode.id}-{picture.row}.png", picture.rgb.numpy()
            ),
            covered_predicted=picture.after.predicted,
            covered_confidence=picture.after.confidence,
        )
        for exemplar, picture in zip(mode.exemplars, pictures, strict=True)
    ]
    return replace(mode, exemplars=tuple(exemplars))


def _without(
    project: Project, data: SplitFeatures, found: FailureModes, mode: FailureMode, rows: Sequence[int]
) -> Iterator[CounterfactualPicture]:
    """Yield the images `rows` without the cue: blurred there or recoloured, as the cover test did it."""
    seen, direction = (project.classifier, project.preprocess), found.directions[mode.id]
    read = partial(_read, project)
    if mode.cover is None or mode.cover.by == "region":
        return without_cue(*seen, direction, rows, read)
    values = scores(data.features, direction[None])[:, 0]
    return recoloured(*seen, colour_change(data, found, mode.id, values, read), rows, read)


def _with(
    project: Project,
    data: SplitFeatures,
    found: FailureModes,
    mode: FailureMode,
    rows: Sequence[int],
    donors: Sequence[int],
) -> Iterator[CounterfactualPicture]:
    """Yield the images `rows` with the cue: their donors' region, or the colours of images that have it."""
    seen, direction = (project.classifier, project.preprocess), found.directions[mode.id]
    read = partial(_read, project)
    if mode.cover is None or mode.cover.by == "region":
        return with_cue(*seen, direction, rows, donors, read)
    values = scores(data.features, direction[None])[:, 0]
    return recoloured(*seen, colour_change(data, found, mode.id, values, read).reversed, rows, read)


def _with_flips(project: Project, data: SplitFeatures, found: FailureModes, mode: FailureMode) -> FailureMode:
    """Add how often answers flip with the mode's cue taken out of mistakes, or put into right answers.

    By region or by colour, as the cover test did it. The donors of regions are the mistakes that show the
    mode most. Right exemplars get their picture with it; chosen by their score, they are not counted.
    """
    direction, own = found.directions[mode.id], found.rows_of(mode.id)
    ranked = own[scores(data.features[own], direction[None])[:, 0].argsort(descending=True, stable=True)]
    mistakes = ranked[:FLIPPED].tolist()
    row_of = {path: row for row, path in enumerate(data.paths)}
    shown = [row_of[one.path] for one in mode.exemplars if one.label == one.predicted]
    inside = torch.isin(data.labels, torch.tensor(mode.classes)) & ~data.mistakes
    others = [row for row in inside.nonzero()[:, 0].tolist() if row not in shown]
    right = [*shown, *(others[place] for place in spread(len(others), FLIPPED))]
    donors = [mistakes[place % min(DONORS, len(mistakes))] for place in range(len(right))]
    covered = list(_without(project, data, found, mode, mistakes))
    put_in = list(_with(project, data, found, mode, right, donors))
    counted = put_in[len(shown) :]
    by = mode.cover.by if mode.cover else "region"
    flips = (
        *flip_rates(covered, data.labels[[picture.row for picture in covered]].tolist(), "covered", by),
        *flip_rates(counted, data.labels[[picture.row for picture in counted]].tolist(), "put_in", by),
    )
    pictures = {data.paths[picture.row]: picture for picture in put_in[: len(shown)]}
    exemplars = (_with_picture(project, data, mode, one, pictures.get(one.path)) for one in mode.exemplars)
    return replace(mode, flips=flips, exemplars=tuple(exemplars))


def _with_picture(
    project: Project,
    data: SplitFeatures,
    mode: FailureMode,
    exemplar: ModeExemplar,
    picture: CounterfactualPicture | None,
) -> ModeExemplar:
    """Add the picture with the mode's cue put in to an exemplar that has one."""
    if picture is None:
        return exemplar
    name = f"put_in/{states.split_folder(data.split)}/{mode.id}-{picture.row}.png"
    return replace(
        exemplar,
        put_in=project.session.write_png(name, picture.rgb.numpy()),
        put_in_predicted=picture.after.predicted,
        put_in_confidence=picture.after.confidence,
    )


HANDLERS = (
    jobs.FindFailureModes.handled_by(failure_modes),
    jobs.ExamineFailureModes.handled_by(examine),
)
