"""The decision layers of a session: the untouched one and those of its repairs, and what they predict."""

from __future__ import annotations

from dataclasses import replace

import torch
from safetensors.torch import load_file

from ..errors import InputError
from ..results import Repair, states
from ..tensors import Head, SplitFeatures
from .project import Project

ROWS = 4096


def known_repair(project: Project, number: int) -> Repair:
    """Return a repair of the session; raises InputError where there is none of that number."""
    made = project.session.load(states.repair(number), Repair)
    if made is None:
        raise InputError(f"there is no repair {number}", "choose one from the list")
    return made


def repaired_head(project: Project, made: Repair) -> Head:
    """Return the decision layer of a repair."""
    tensors = load_file(project.session.path(made.head))
    return Head(tensors["weight"], tensors["bias"], project.head.has_bias)


def seen_through(data: SplitFeatures, head: Head) -> SplitFeatures:
    """Return a split with the answers that `head` gives in the place of the model's own."""
    count = data.top_classes.shape[1]
    logits, classes, confidence = [], [], []
    for rows in torch.arange(len(data)).split(ROWS):
        found = head.logits(data.features[rows])
        largest, at = found.topk(count, dim=1)
        logits.append(largest)
        classes.append(at)
        confidence.append(found.softmax(dim=1).amax(dim=1))
    if not logits:
        return data
    return replace(
        data,
        top_logits=torch.cat(logits),
        top_classes=torch.cat(classes),
        confidence=torch.cat(confidence),
    )
