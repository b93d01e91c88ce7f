"""Names for neurons and search by name: CLIP over the crops on which they fire and are silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib import resources
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import jobs
from ..data.transforms import as_pixels
from ..errors import InputError
from ..events import Reporter
from ..models.clip import Clip
from ..results import Concept
from ..stages.concepts import (
    Vocabulary,
    name_neuron,
    neuron_directions,
    read_vocabulary,
    search_neurons,
    spread_rows,
)
from ..stages.exemplars import Box, crop_from_map
from ..stages.spurious import Suspicion, outside_share, pulls, suspicion
from ..tensors import OnProgress
from .picturing import framed, spread
from .project import Project

CROPS = 16
SEARCH_IMAGES = 1024
SEARCH_RESULTS = 30
IMAGES_AT_ONCE = 64
PROMPT = "a photo of {}"


def name_neurons(project: Project, job: jobs.NameNeurons, reporter: Reporter) -> tuple[Concept, ...]:
    """Name the neurons that have no name yet; without CLIP or a network there are none."""
    clip = project.clip if project.recorded is None else None
    if clip is None:
        return ()
    name = job.key(project.config)
    known = {concept.neuron: concept for concept in project.known(job) or ()}
    missing = [neuron for neuron in job.neurons if neuron not in known]
    if missing:
        labels = vocabulary(project, clip)
        reporter.unit("neurons")
    for done, neuron in enumerate(missing):
        on_progress = partial(_same_count, reporter, done, len(missing))
        on_progress(0, 0)
        found = _named(project, clip, labels, job.target, neuron, on_progress)
        stored = project.session.add(name, job.result(), [found], lambda concept: concept.neuron)
        known = {concept.neuron: concept for concept in stored}
    return tuple(known[neuron] for neuron in job.neurons)


def _same_count(reporter: Reporter, done: int, total: int, *inner: int) -> None:
    """OnProgress inside one neuron: the count of neurons stays the same."""
    reporter.progress(done, total)


def _named(
    project: Project, clip: Clip, labels: Vocabulary, target: int, neuron: int, on_progress: OnProgress
) -> Concept:
    """Name one neuron, with the doubt about it for the class."""
    firing, silent = _crops(project, neuron)
    found = name_neuron(neuron, embed(clip, firing), embed(clip, silent), labels)
    doubt = _suspicion(project, clip, target, neuron, on_progress)
    return replace(found, spurious=doubt.score, pull=doubt.pull, outside=doubt.outside)


def _suspicion(project: Project, clip: Clip, target: int, neuron: int, on_progress: OnProgress) -> Suspicion:
    """Weigh what the features and CLIP say of a neuron for the class, on the class's own exemplars."""
    data, name = project.features(project.split.name), project.names[target]
    (pull,) = pulls(data, project.head, target, [neuron], on_progress)
    own = (data.labels == target).nonzero().squeeze(1)
    activation = data.features[own, neuron].float()
    rows = own[activation.topk(min(CROPS, len(own))).indices]
    rows = rows[data.features[rows, neuron] > 0]
    if not len(rows):
        return suspicion(pull)
    pixels = as_pixels(framed(project, rows.tolist()))
    images = project.preprocess.normalise(pixels.to(project.device))
    maps = project.classifier.feature_map(images, torch.tensor([neuron]))[:, 0].cpu()
    text = clip.class_embedding(name).cpu()
    return suspicion(pull, outside_share(_OnCpu(clip), text, pixels, maps))


@dataclass(frozen=True)
class _OnCpu:
    """A CLIP guide whose embeddings come back to the CPU."""

    clip: Clip

    def encode_image(self, images: Tensor) -> Tensor:
        """Return unit embeddings [N,E]."""
        return self.clip.encode_image(images).cpu()


def vocabulary(project: Project, clip: Clip) -> Vocabulary:
    """Return the words that CLIP may name things by, with their embeddings."""
    labels = read_vocabulary(_vocabulary_text(project.config.debug.vocabulary))
    if not labels:
        raise InputError(
            f"--vocabulary {project.config.debug.vocabulary} names nothing", "write one name per line"
        )
    with torch.inference_mode():
        return Vocabulary(labels, clip.encode_texts([PROMPT.format(label) for label in labels]).cpu())


@lru_cache(maxsize=2)
def _vocabulary_text(file: str | None) -> str:
    if file is None:
        return resources.files("neuroinspect_tui.stages").joinpath("vocabulary.txt").read_text("utf-8")
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--vocabulary {file} cannot be read ({error})", "give a text file") from None


def _crops(project: Project, neuron: int) -> tuple[Tensor, Tensor]:
    """Return uint8 crops [P,S,S,3] on which the neuron fires, and as large ones where it is silent."""
    data = project.features(project.split.name)
    firing, silent = spread_rows(data.features[:, neuron], CROPS)
    pixels = framed(project, [*firing, *silent])
    images = project.preprocess.normalise(as_pixels(pixels).to(project.device))
    maps = project.classifier.feature_map(images, torch.tensor([neuron]))[:, 0].cpu()
    side = pixels.shape[1]
    boxes = [crop_from_map(side, side, neuron_map)[0] for neuron_map in maps[: len(firing)]]
    places = [*boxes, *(boxes[index % len(boxes)] for index in range(len(silent)))]
    crops = torch.stack([_crop(picture, box) for picture, box in zip(pixels, places, strict=True)])
    return crops[: len(firing)], crops[len(firing) :]


def _crop(picture: Tensor, box: Box) -> Tensor:
    """Cut `box` out of a picture uint8 [S,S,3] and enlarge it to the picture's size."""
    left, top, right, bottom = box
    part = picture[top:bottom, left:right].permute(2, 0, 1)[None].float()
    grown = F.interpolate(part, picture.shape[:2], mode="bilinear", align_corners=False)
    return grown[0].permute(1, 2, 0).round().to(torch.uint8)


def embed(clip: Clip, pixels: Tensor) -> Tensor:
    """Return unit embeddings [N,E] on the CPU of uint8 pictures [N,S,S,3]."""
    if not len(pixels):
        return torch.empty(0, 1)
    with torch.inference_mode():
        return torch.cat([clip.encode_image(as_pixels(part)).cpu() for part in pixels.split(IMAGES_AT_ONCE)])


def search(project: Project, job: jobs.SearchNeurons, reporter: Reporter) -> tuple[Concept, ...]:
    """Rank all neurons by how well the images on which they fire fit a text."""
    clip = project.clip
    if clip is None:
        raise InputError("searching neurons by text needs CLIP", "start with --clip")
    data = project.features(project.split.name)
    rows = spread(len(data), SEARCH_IMAGES)
    if project.search_images is None:
        project.search_images = _embed_rows(project, clip, rows, reporter)
    directions = neuron_directions(data.features[torch.tensor(rows)], project.search_images)
    with torch.inference_mode():
        query = clip.encode_texts([PROMPT.format(job.text)])[0].cpu()
    ranked = search_neurons(query, directions)[:SEARCH_RESULTS]
    return tuple(Concept(neuron, job.text, cosine) for neuron, cosine in ranked)


def _embed_rows(project: Project, clip: Clip, rows: Sequence[int], reporter: Reporter) -> Tensor:
    reporter.unit("images")
    parts = []
    for start in range(0, len(rows), IMAGES_AT_ONCE):
        reporter.progress(start, len(rows))
        parts.append(embed(clip, framed(project, rows[start : start + IMAGES_AT_ONCE])))
    return torch.cat(parts)


HANDLERS = (
    jobs.NameNeurons.handled_by(name_neurons),
    jobs.SearchNeurons.handled_by(search),
)
