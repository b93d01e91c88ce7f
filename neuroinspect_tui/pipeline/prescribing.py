"""What to train with, by the groups of a repair: weights.csv, groups.csv and sampler.py beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch

from .. import jobs
from ..errors import InputError
from ..events import Reporter
from ..results import Prescription, Repair
from ..results.stored_cues import StoredCue
from ..stages.repair.examples import Examples
from ..stages.repair.plan import plan_parts
from ..stages.repair.prescription import CAP, more_images, sampled_cells, sampler_weights
from ..stages.tags import excluded_rows, make_groups
from ..tensors import SplitFeatures
from ..text import csv_cell, safe
from .copies import told_apart
from .evaluating import ensure_evaluated
from .layers import known_repair
from .project import Project
from .repairing import cue_column, with_cues

FOLDER = "prescription"
SAMPLER = '''"""Draw training images by weights.csv: DataLoader(dataset, sampler=sampler(paths of its images))."""
import csv, pathlib
from torch.utils.data import WeightedRandomSampler
def sampler(paths, file=pathlib.Path(__file__).with_name("weights.csv")):
    weights = {row["path"]: float(row["weight"]) for row in csv.DictReader(file.open(encoding="utf-8"))}
    return WeightedRandomSampler([weights[path] for path in paths], len(paths))
'''  # noqa: E501


def prescribe(project: Project, job: jobs.Prescribe, reporter: Reporter) -> Prescription:
    """Write the files beside the repair and into the session, and estimate what more images would bring."""
    made = _grouped_repair(project, job.number)
    for split in project.dataset.splits:
        ensure_evaluated(project, split, reporter)
    reporter.unit("cells")
    whole = {name: project.features(name) for name in project.dataset.splits}
    features, copied = told_apart(project, whole, reporter)
    cues = tuple(cue for cue in project.cues if cue_column(project, cue) in made.columns)
    grouped, seed = with_cues(project, features, cues), project.config.compute.seed
    train = grouped.get("train", grouped[project.split.name])
    _require_columns(train, made)
    values = [train.groups[name].values for name in made.columns]
    examples = Examples.of(train, torch.arange(len(train)), *made.columns)
    by_hand, trust = _trusted(project, features, cues, train)
    weights = sampler_weights(examples, trust)
    excluded = excluded_rows(project.cues.by_row(features, project.cues).values())
    tags = tuple(cue_column(project, cue) for cue in cues)
    plan = plan_parts(grouped, project.split.name, excluded, tags, seed, made.columns, copied)
    more = more_images(plan, project.head, made.target.index, values, seed, reporter.progress)
    written = zip(train.paths, (f"{weight:.6g}" for weight in weights.tolist()), strict=True)
    folder = Path(made.head).parent / FOLDER
    _write(project, folder, written, _groups(project, grouped, cues, made))
    cells = sampled_cells(examples, weights, by_hand, values)
    found = Prescription(made.number, train.split, made.columns, CAP, cells, more, folder.as_posix())
    project.keep(job, found)
    return found


def _grouped_repair(project: Project, number: int) -> Repair:
    """Return a repair that knows groups; raises InputError for another one."""
    made = known_repair(project, number)
    if made.label_free or not made.columns:
        line = f"repair {number} knows no groups to weigh images by"
        raise InputError(line, "tag images, or give the data a column of groups")
    return made


def _require_columns(train: SplitFeatures, made: Repair) -> None:
    missing = next((name for name in made.columns if name not in train.groups), None)
    if missing is not None:
        line = f"there is no cue or group column {safe(missing)!r} any more"
        raise InputError(line, f"repair {safe(made.target.name)} anew")


def _write(
    project: Project,
    folder: Path,
    weights: Iterable[Sequence[str]],
    groups: Iterable[Sequence[str]],
) -> None:
    """Write the three files into `folder` of the session and its folder `prescription`."""
    files = {
        "weights.csv": _csv(("path", "weight"), weights),
        "groups.csv": _csv(("path", "cue", "value", "from"), groups),
        "sampler.py": SAMPLER,
    }
    for place in (folder, Path(FOLDER)):
        for name, text in files.items():
            project.session.write_bytes((place / name).as_posix(), text.encode("utf-8", "surrogateescape"))


def _trusted(
    project: Project,
    features: Mapping[str, SplitFeatures],
    cues: Sequence[StoredCue],
    train: SplitFeatures,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which rows of `train` are tagged by hand [N], and how far each row's groups are trusted [N].

    What a probe carried is trusted as it was right on left-out tags, half where that is not known; what it
    carried into a rare cell, as it was right there.
    """
    by_hand, trust = torch.zeros(len(train), dtype=torch.bool), torch.ones(len(train))
    for cue in cues:
        tags = project.cues.by_row(features, (cue,))[cue.name]
        columns, quality = make_groups(
            features, tags, project.config.repair.propagate, cue_column(project, cue)
        )
        own = torch.zeros(len(train), dtype=torch.bool)
        own[list(tags.get(train.split, {}))] = True
        by_hand |= own
        carried = torch.full_like(trust, 0.5 if quality.accuracy is None else quality.accuracy)
        known = columns[train.split].trust
        if known is not None:
            carried = torch.where(known < 1, known, carried)
        trust *= carried.where(~own, 1.0)
    return by_hand, trust


def _groups(
    project: Project, grouped: Mapping[str, SplitFeatures], cues: Sequence[StoredCue], made: Repair
) -> Iterator[tuple[str, str, str, str]]:
    """Yield path, cue, value and where the value is from, for every image whose value is known."""
    tagged = {cue_column(project, cue): cue for cue in cues}
    for split, data in grouped.items():
        for name in made.columns:
            if name not in data.groups:
                continue
            column, cue = data.groups[name], tagged.get(name)
            hand = set() if cue is None else set(cue.tags.get(split, {}))
            for path, code in zip(data.paths, column.codes.tolist(), strict=True):
                if code >= 0:
                    origin = "column" if cue is None else "hand" if path in hand else "carried"
                    yield path, name, column.values[code], origin


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(tuple(map(csv_cell, row)) for row in rows)
    return text.getvalue()


HANDLERS = (jobs.Prescribe.handled_by(prescribe),)
