"""What a neuron has learned: exemplars and illusions, each kept as soon as it is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from .. import jobs
from ..data.images import UnreadableImage
from ..data.transforms import as_pixels, to_bytes
from ..errors import InputError
from ..events import Preview, Reporter
from ..results import ClassRef, Exemplar, Illusion
from ..results.states import split_folder
from ..stages.exemplars import crop_from_map, rank_exemplars
from ..stages.fourier import FourierBasis
from ..stages.illusion import make_illusions
from ..stages.illusion_numbers import IllusionResult
from ..stages.illusion_optimizer import Guide, Pair
from ..stages.masks import dim
from ..stages.neuron_statistics import NeuronStatistics, neuron_statistics
from ..stages.recipes import recipe_for
from ..stages.units import UnitClassifier
from ..tensors import OnProgress
from ..text import safe
from .caching import cached
from .directions import known_units
from .project import Project

EXEMPLARS = 4
SPECTRUM_IMAGES = 256
GUIDE_IMAGES = 64
"""Real images of a class against which a picture's CLIP cosine is placed."""
BATCH_SIZES = {"cuda": 128, "mps": 16, "cpu": 4}
"""Pictures that are optimised together, and lost together when the process is killed."""


def framed(project: Project, rows: Iterable[int]) -> Tensor:
    """Return images of the debugged split as the classifier sees them, uint8 [B,S,S,3].

    Raises InputError for an image that could be read once and has gone.
    """
    data = project.features(project.split.name)
    frames = []
    for row in rows:
        try:
            stored = project.split.open(int(data.rows[row]), project.preprocess.framing.mode)
            frames.append(project.preprocess.frame(stored))
        except UnreadableImage as error:
            line = f"{safe(data.paths[row], 200)} can no longer be read: {error.reason}"
            raise InputError(line, "bring the image back") from None
    return torch.stack([to_bytes(frame) for frame in frames])


def spread(count: int, wanted: int) -> list[int]:
    """Return up to `wanted` of `count` positions, evenly spaced."""
    taken = min(wanted, count)
    return [round(place * (count - 1) / max(1, taken - 1)) for place in range(taken)]


# Exemplars


@cached
def exemplars(project: Project, job: jobs.FindExemplars, reporter: Reporter) -> tuple[Exemplar, ...]:
    """Find and crop the images on which a neuron fires most; none without a network to crop by."""
    if project.recorded is not None:
        return ()
    data = project.features(project.split.name)
    ranked = rank_exemplars(data, project.head, job.target, job.neuron, EXEMPLARS, units=known_units(project))
    rows = sorted({item.row for items in ranked.values() for item in items})
    crops = dict(zip(rows, _crop(project, job.neuron, rows), strict=True)) if rows else {}
    return tuple(
        Exemplar(
            neuron=job.neuron,
            kind=kind,
            path=data.paths[item.row],
            label=int(data.labels[item.row]),
            activation=item.activation,
            contribution=item.contribution,
            image=crops[item.row][0],
            mask=crops[item.row][1],
        )
        for kind, items in ranked.items()
        for item in items
    )


def _crop(project: Project, neuron: int, rows: Sequence[int]) -> list[tuple[str, str]]:
    """Write the crop around a neuron's firing, and the same with the rest dimmed, for each row."""
    pixels = framed(project, rows)
    images = project.preprocess.normalise(as_pixels(pixels).to(project.device))
    seen = UnitClassifier(project.classifier, known_units(project))
    maps = seen.maps_and_activations(images, torch.tensor([neuron]))[0][:, 0].cpu()
    written = []
    for row, picture, neuron_map in zip(rows, pixels, maps, strict=True):
        (left, top, right, bottom), mask = crop_from_map(picture.shape[0], picture.shape[1], neuron_map)
        inside = (slice(top, bottom), slice(left, right))
        base = f"exemplars/{split_folder(project.split.name)}/{neuron}-{row}"
        image = project.session.write_png(f"{base}.png", picture[inside].contiguous().numpy())
        dimmed = dim(picture, mask)[inside].contiguous().numpy()
        written.append((image, project.session.write_png(f"{base}-mask.png", dimmed)))
    return written


# Illusions


def illustrate(project: Project, job: jobs.Illustrate, reporter: Reporter) -> tuple[Illusion, ...]:
    """Make the pictures that the session does not have yet, a batch at a time on each rank.

    There are none without a network, or where no gradient reaches the image in it.
    """
    if project.recorded is not None or not project.classifier.differentiable_through:
        return ()
    group, name = project.group, job.key(project.config)
    known = {_place(item): item for item in project.known(job) or ()}
    pairs = _pairs(job, project.config.compute.seed)
    missing = [pair for pair in pairs if (pair.neuron, pair.seed) not in known]
    if missing:
        with group.synchronized():
            _statistics(project, reporter)
    reporter.unit("steps")
    most = min(BATCH_SIZES[project.device.type], math.ceil(len(missing) / group.size))
    batches, done = list(_batches(missing, most)), 0
    for start in range(0, len(batches), group.size):
        shared = batches[start : start + group.size]  # one batch for each rank
        count = sum(map(len, shared))

        def on_progress(step: int, steps: int, before: int = done, count: int = count) -> None:
            reporter.progress(before * steps + step * count, len(missing) * steps)

        with group.synchronized():
            kept = [
                _keep(project, name, made)
                for batch in shared[group.part]
                for made in _optimise(project, job, batch, reporter, on_progress)
            ]
        found = group.gather(kept)
        group.on_rank_zero(partial(project.session.add, name, job.result(), found, _place))
        known |= {_place(item): item for item in found}
        done += count
    return tuple(known[pair.neuron, pair.seed] for pair in pairs)


def _place(illusion: Illusion) -> tuple[int, int]:
    return illusion.neuron, illusion.seed


def _optimise(
    project: Project, job: jobs.Illustrate, pairs: list[Pair], reporter: Reporter, on_progress: OnProgress
) -> list[IllusionResult]:
    debug = project.config.debug
    return make_illusions(
        project.classifier,
        project.preprocess,
        _guide(project, job.target),
        pairs,
        _statistics(project, reporter),
        recipe_for(debug.mode, job.iters or debug.iters),
        _previewer(job, reporter),
        on_progress,
        dtype=project.illusion_dtype,
        units=known_units(project),
    )


def _pairs(job: jobs.Illustrate, seed: int) -> list[Pair]:
    """The wanted pictures: each neuron once, then again from the next seed."""
    wanted = len(job.neurons) if job.pictures is None else job.pictures
    rounds = math.ceil(wanted / max(1, len(job.neurons)))
    pairs = [Pair(neuron, job.target, seed + turn) for turn in range(rounds) for neuron in job.neurons]
    return pairs[:wanted]


def _batches(pairs: Sequence[Pair], most: int) -> Iterator[list[Pair]]:
    """Yield the pairs, at most `most` at a time but all of one neuron together: they are pushed apart."""
    batch: list[Pair] = []
    for neuron in dict.fromkeys(pair.neuron for pair in pairs):
        own = [pair for pair in pairs if pair.neuron == neuron]
        if batch and len(batch) + len(own) > most:
            yield batch
            batch = []
        batch = batch + own
    if batch:
        yield batch


def _statistics(project: Project, reporter: Reporter) -> NeuronStatistics:
    data = project.features(project.split.name)
    if project.statistics is None:
        rows = spread(len(data), SPECTRUM_IMAGES)
        basis = FourierBasis.measured(as_pixels(framed(project, rows)))
        reporter.unit("neurons")
        project.statistics = neuron_statistics(data, basis, reporter.progress)
    return known_units(project).statistics(project.statistics, data)


def _guide(project: Project, target: int) -> Guide | None:
    """CLIP with the class's text, and the cosines of real images of the class to it."""
    if project.clip is None:
        return None
    text = project.clip.class_embedding(project.names[target])
    rows = (project.features(project.split.name).labels == target).nonzero().squeeze(1)
    chosen = rows[spread(len(rows), GUIDE_IMAGES)].tolist()
    real = torch.empty(0)
    if chosen:
        with torch.inference_mode():
            real = (project.clip.encode_image(as_pixels(framed(project, chosen))) @ text).cpu()
    return Guide(project.clip, {target: text}, {target: real})


def _previewer(job: jobs.Illustrate, reporter: Reporter) -> Callable[[Pair, int, int, Tensor, float], None]:
    def show(pair: Pair, step: int, steps: int, rgb: Tensor, ratio: float) -> None:
        height, width = rgb.shape[:2]
        pixels = rgb.contiguous().numpy().tobytes()
        reporter.preview(Preview(job, pair.neuron, pair.seed, step, steps, width, height, pixels, ratio))

    return show


def _keep(project: Project, name: str, made: IllusionResult) -> Illusion:
    pair = made.pair
    base = f"{name}-{pair.neuron}-{pair.seed}"
    return Illusion(
        neuron=pair.neuron,
        target=ClassRef(pair.target, project.names[pair.target]),
        seed=pair.seed,
        image=project.session.write_png(f"{base}.png", made.rgb.numpy()),
        mask=project.session.write_png(f"{base}-mask.png", dim(made.rgb, made.mask).numpy()),
        activation=made.activation,
        ratio=made.ratio,
        robust_ratio=made.robust_ratio,
        rank=made.rank,
        probability=made.probability,
        logit=made.logit,
        clip_similarity=made.clip_similarity,
        clip_percentile=made.clip_percentile,
    )


HANDLERS = (
    jobs.FindExemplars.handled_by(exemplars),
    jobs.Illustrate.handled_by(illustrate),
)
