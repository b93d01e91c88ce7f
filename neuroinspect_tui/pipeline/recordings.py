"""Recorded answers as the rest of the pipeline sees them: a data set of paths, shards of features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from ..data.images import UnreadableImage, open_image
from ..data.label_view import LabelChoice, LabelView
from ..data.splits import ImageDataset, Split, split_name
from ..data.views import chosen_label, chosen_note, read_thresholds
from ..models.recorded import Recorded
from ..stages.evaluation import TOP_LOGITS
from ..tensors import Shard


@dataclass(frozen=True)
class RecordedImages:
    """The pictures behind recorded answers, where their paths are files."""

    folder: Path
    paths: tuple[str, ...]

    def open(self, row: int, mode: str = "RGB") -> Image.Image:
        """Return image `row` as `mode`; raises UnreadableImage."""
        path = self.folder / self.paths[row]
        if not path.is_file():
            raise UnreadableImage("no picture is recorded")
        return open_image(path, mode)


def label_view(recorded: Recorded, choice: LabelChoice) -> tuple[LabelView, str]:
    """Return which of the recorded labels is looked at, and a note that says so."""
    names = recorded.class_names
    marks = torch.cat([split.marks for split in recorded.splits.values() if split.marks is not None])
    counts = (marks == 1).sum(0).tolist()
    chosen = chosen_label(names, counts, choice.wanted, recorded.name)
    thresholds = read_thresholds(choice.thresholds, names)
    view = LabelView(names, tuple(range(len(names))), chosen, thresholds)
    return view, chosen_note(view, counts)


def recorded_dataset(recorded: Recorded, view: LabelView | None = None) -> ImageDataset:
    """Return the data set that was recorded; its splits have no columns."""
    splits = {}
    for key, part in recorded.splits.items():
        name, images = split_name(key), RecordedImages(recorded.folder, part.paths)
        splits[name] = Split(name, part.paths, part.labels, {}, images, part.marks)
    return ImageDataset(recorded.name, recorded.folder, recorded.class_names, splits, view=view)


def recorded_shard(recorded: Recorded, split: str) -> Shard:
    """Return the whole of a split as evaluation would leave it."""
    part = next(part for name, part in recorded.splits.items() if split_name(name) == split)
    top = part.logits.sort(dim=1, descending=True, stable=True)
    largest = top.values[:, :TOP_LOGITS].contiguous()
    return Shard(
        start=0,
        stop=len(part.paths),
        rows=torch.arange(len(part.paths)),
        features=part.features,
        labels=part.labels,
        top_logits=largest,
        top_classes=top.indices[:, :TOP_LOGITS].contiguous(),
        confidence=(largest[:, 0] - part.logits.logsumexp(dim=1)).exp(),
    )
