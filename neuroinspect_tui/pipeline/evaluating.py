"""Loading, the pass over a split, and the tables that need no more than its features."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from .. import jobs
from ..data.advice import cut_note, enlarged_note, look_at, scaled_note
from ..data.decoders import Decoders
from ..data.files import FileImages
from ..data.groups import group_notes
from ..data.images import UnreadableImage
from ..data.label_view import LabelView
from ..data.loader import decoders_for
from ..data.splits import Split
from ..errors import InputError
from ..events import Reporter
from ..models.device import describe
from ..results import Evaluation, LabelResult, Opened, Sample
from ..results.states import split_folder
from ..session.features import FeatureStore
from ..stages.evaluation import class_rates, detect_permutation, evaluate_rows, summarise
from ..stages.label_metrics import label_logits, label_table, permuted_labels
from ..stages.metrics import confusion_counts
from ..stages.samples import select_rows
from ..tensors import OnProgress, Shard, SplitFeatures
from ..text import safe
from .identity import hashes, versions
from .project import Project
from .recordings import recorded_shard

FIRST_SHARD, LARGEST_SHARD = 128, 4096
SHARD_SECONDS = 10.0
"""A kill loses about this much of an evaluation, or the smallest batch that takes longer."""
THUMBNAIL = 160
WRITERS = 8
"""Pictures that are written at once: each waits for the disk twice."""
NAMED = 5
FEW = 5
"""Images of a class below which no test can tell whether the order of the classes is right."""
KEPT = ("opened", "tags", "cues", "repairs")
"""What a session keeps when images are read again: it does not depend on which others could be read."""
CLASS_ORDER = "the order of the classes looks permuted"
LABEL_ORDER = "the order of the labels looks permuted"


def open_inputs(project: Project, job: jobs.Open, reporter: Reporter) -> Opened:
    """Load data and classifier, and bind the session to them."""
    group = project.group
    with group.synchronized():
        dataset = project.dataset
        for note in dataset.notes:
            reporter.note(note)
        images = None if project.recorded is not None else look_at(project.split)
        enlarged = None if images is None else enlarged_note(images, project.preprocess)
    others = () if images is None else (scaled_note(images), cut_note(images, project.preprocess))
    grouped = group_notes(dataset, project.group_columns)
    remarks = (*project.assumptions, *filter(None, (enlarged, *others)), *grouped)
    for remark in remarks:
        reporter.note(remark, "warning" if remark == enlarged else "info")
    group.on_rank_zero(lambda: project.session.bind(project.config, hashes(project), versions()))
    _read_tags(project, reporter)
    opened = Opened(
        model=project.model.name.rpartition("/")[2],
        data=dataset.name,
        split=project.split.name,
        splits={name: len(split) for name, split in dataset.splits.items()},
        classes=dataset.class_names,
        features=project.head.neurons,
        device=describe(project.device),
        precision=str(project.dtype).removeprefix("torch."),
        parameters=project.model.parameters,
        clip=None if project.config.debug.clip == "none" else project.config.debug.clip,
        group_columns=project.group_columns,
        notes=(*dataset.notes, *remarks),
        preprocessing=None if project.recorded is not None else project.preprocess.described(),
        unrepairable=project.model.unrepairable,
    )
    group.on_rank_zero(lambda: project.keep(job, opened))
    return opened


def _read_tags(project: Project, reporter: Reporter) -> None:
    """Read the file of tags, if one was given."""
    tags = project.config.repair.tags
    if not tags:
        return
    count = project.group.on_rank_zero(lambda: project.cues.read(Path(tags), project.dataset))
    useless = (
        ""
        if any(cue.divides for cue in project.cues)
        else ": a repair needs images that have the cue and images that do not; it will not use them"
    )
    reporter.note(f"tags read from {tags}: {count}{useless}", "warning" if useless else "info")


def evaluate(project: Project, job: jobs.Evaluate, reporter: Reporter) -> Evaluation:
    """Evaluate what is missing of a split, keep its features, and make the class and group tables."""
    split = project.dataset.split(job.split or project.config.data.split)
    store, group = project.store(split.name), project.group
    if split.name not in project.resumed:
        group.on_rank_zero(lambda: _resume(project, split, store, reporter))
        project.resumed.add(split.name)
    if project.recorded is None:
        _evaluate_missing(project, split, store, reporter)
    else:
        group.on_rank_zero(lambda: _take_recorded(project, split, store))
    group.on_rank_zero(store.merge)
    features = project.features(split.name)
    labels, predicted = features.labels[group.part], features.predicted[group.part]
    confusion = group.sum(confusion_counts(labels, predicted, len(project.names)))
    evaluation = summarise(features, store.unreadable(split.paths), project.names, confusion)
    evaluation = replace(evaluation, labels=_labels(project, split, features, reporter))
    _warn_of_unreadable(project, evaluation, reporter)
    if not evaluation.labels:
        _refuse_permuted_classes(project, evaluation, reporter)
    if split is project.split:
        _note_empty_classes(evaluation, reporter)
    group.on_rank_zero(lambda: _keep_evaluation(project, job, evaluation))
    return evaluation


def _labels(
    project: Project, split: Split, features: SplitFeatures, reporter: Reporter
) -> tuple[LabelResult, ...]:
    """Return the table of all labels where an image may have several."""
    view, head = project.dataset.view, project.model.labels
    if view is None or head is None or split.marks is None:
        return ()
    logits = label_logits(features.features, head)[:, list(view.outputs)]
    marks = split.marks[features.rows]
    _refuse_permuted_labels(project, view, permuted_labels(logits, marks), reporter)
    return label_table(logits, marks, view.names, view.thresholds)


def _refuse_permuted_labels(
    project: Project, view: LabelView, found: tuple[int, ...] | None, reporter: Reporter
) -> None:
    """Raise InputError where other outputs answer far better for the labels; with --classes a warning."""
    if found is None:
        return
    moved = [(place, view.outputs[column]) for place, column in enumerate(found) if column != place]
    shown = ", ".join(
        f'"{safe(view.names[place], 40)}" answers as output {output}, not {view.outputs[place]}'
        for place, output in moved[:3]
    )
    if project.config.data.classes:
        reporter.note(f"{LABEL_ORDER} ({shown}…): check --classes", "warning")
    else:
        raise InputError(f"{LABEL_ORDER} ({shown}…)", "give the classifier's own order with --classes FILE")


def _keep_evaluation(project: Project, job: jobs.Evaluate, evaluation: Evaluation) -> None:
    project.keep(job, evaluation)
    project.session.set_stage(f"evaluation/{evaluation.split}", "done")


def _resume(project: Project, split: Split, store: FeatureStore, reporter: Reporter) -> None:
    """Note what an earlier run has evaluated; raise InputError where files are no longer what it saw."""
    if isinstance(split.source, FileImages):
        changed = store.changed(split.source.sizes())
        if changed:
            count = f"{len(changed)} images of {safe(split.name)}" if len(changed) > 1 else "an image"
            line = f"{count} changed since the evaluation: {safe(split.paths[changed[0]], 200)}"
            raise InputError(line, "choose another directory with -o")
    _read_again(project, split, store, reporter)
    done = store.done()
    if done:
        reporter.note(f"{safe(split.name)}: {done} of {len(split)} images were evaluated before")


def _read_again(project: Project, split: Split, store: FeatureStore, reporter: Reporter) -> None:
    """Make images missing whose disk did not answer and does now, and what was found without them too."""
    source = split.source
    rows = [row for row in store.passing() if not isinstance(source, FileImages) or source.answers(row)]
    if not rows:
        return
    store.forget(rows)
    for name in project.session.saved():
        if name.partition("/")[0] not in KEPT:
            project.session.forget(name)
    shutil.rmtree(project.session.path(f"thumbnails/{split_folder(split.name)}"), ignore_errors=True)
    count = f"{len(rows)} images" if len(rows) > 1 else "1 image"
    reporter.note(f"{safe(split.name)}: {count} that could not be read before are read again")


def _evaluate_missing(project: Project, split: Split, store: FeatureStore, reporter: Reporter) -> None:
    """Evaluate and keep one shard after the other; their bounds depend on the speed, the results do not.

    After each but the last the class table of what this run has evaluated is shown.
    """
    batch, done = project.config.compute.batch_size, store.done()
    own = _own_rows(project, store)
    missing = sum(map(len, own))
    total = done + missing
    reporter.unit("images")
    size = shard_size(FIRST_SHARD, batch)
    none, classes = torch.empty(0, dtype=torch.int64), len(project.names)
    counted = confusion_counts(none, none, classes)
    reading = decoders_for(split, project.preprocess, missing, project.workers, project.device)
    with project.group.synchronized(), reading as decoders:
        for left in own:
            while left:
                rows, left, began = left[:size], left[size:], time.monotonic()
                on_progress = partial(_progress_after, reporter, done, total)
                shard = _evaluate_shard(project, split, rows, decoders, on_progress)
                store.write(shard)
                project.session.journal("shard", split=split.name, start=rows.start, stop=rows.stop)
                size = shard_size(len(rows) * SHARD_SECONDS / (time.monotonic() - began), batch)
                done += len(rows)
                counted = counted + confusion_counts(shard.labels, shard.top_classes[:, 0], classes)
                if done < total:
                    reporter.partial(class_rates(split.name, counted.coalesce(), project.names))


def _take_recorded(project: Project, split: Split, store: FeatureStore) -> None:
    """Keep the recorded answers to a split as if they had just been found."""
    if project.recorded is not None and not store.complete():
        store.write(recorded_shard(project.recorded, split.name))


def _progress_after(reporter: Reporter, before: int, total: int, count: int, _: int) -> None:
    reporter.progress(before + count, total)


def _evaluate_shard(
    project: Project, split: Split, rows: range, decoders: Decoders | None, on_progress: OnProgress
) -> Shard:
    batch = project.config.compute.batch_size
    asked = (project.classifier, split, project.preprocess, rows, batch, project.workers)
    return evaluate_rows(*asked, on_progress, decoders)


def _own_rows(project: Project, store: FeatureStore) -> Sequence[range]:
    """Return this rank's part of the missing images: whole batches, the same for any number of ranks."""
    batch, ranks = project.config.compute.batch_size, project.group.ranks.size

    def missing() -> list[range]:
        batches = math.ceil((store.total - store.done()) / batch)
        return store.missing(max(1, math.ceil(batches / ranks)) * batch)

    return project.group.on_rank_zero(missing)[project.group.part]


def shard_size(images: float, batch: int) -> int:
    """Return about `images`, at most `LARGEST_SHARD`, as whole batches: these are the same in any shard."""
    return max(1, round(min(images, LARGEST_SHARD) / batch)) * batch


def _warn_of_unreadable(project: Project, evaluation: Evaluation, reporter: Reporter) -> None:
    """Warn once of images that could not be read; raise InputError where the debugged split has no other."""
    count = len(evaluation.unreadable)
    if count:
        first = evaluation.unreadable[0]
        of = f"{count} of {count + evaluation.samples} images of {safe(evaluation.split)}"
        line = f"{of} could not be read, for example {safe(first.path, 200)}: {first.reason}"
        if not evaluation.samples and evaluation.split == project.split.name:
            raise InputError(line, "check -d and the files")
        if line not in project.reported:
            reporter.note(line, "warning")
        project.reported.add(line)


def _note_empty_classes(evaluation: Evaluation, reporter: Reporter) -> None:
    """Remark on classes of which the split has no image: they can be neither judged nor debugged."""
    empty = [safe(row.name, 40) for row in evaluation.classes if not row.count]
    if 2 * len(empty) > len(evaluation.classes):
        with_images = len(evaluation.classes) - len(empty)
        reporter.note(
            f"{safe(evaluation.split)} has images of {with_images} of the {len(evaluation.classes)} classes"
        )
    elif empty:
        more = f" and {len(empty) - NAMED} more" if len(empty) > NAMED else ""
        reporter.note(f"{safe(evaluation.split)} has no images of {', '.join(empty[:NAMED])}{more}")


def _refuse_permuted_classes(project: Project, evaluation: Evaluation, reporter: Reporter) -> None:
    """Raise InputError when another order of the classes fits far better; warn where --classes gave it."""
    features = project.features(evaluation.split)
    found = detect_permutation(features.labels, features.predicted, len(project.names))
    if found is None:
        _tell_undecided(project, evaluation, reporter)
        return
    moved = [(label, output) for label, output in enumerate(found) if label != output]
    names = {label: safe(project.names[label], 40) for label, _ in moved}
    shown = ", ".join(
        f'images of "{names[label]}" answer as output {output}, not {label}' for label, output in moved[:3]
    )
    if project.config.data.classes:
        reporter.note(f"{CLASS_ORDER} ({shown}…): check --classes", "warning")
    else:
        raise InputError(f"{CLASS_ORDER} ({shown}…)", "give the classifier's own order with --classes FILE")


def _tell_undecided(project: Project, evaluation: Evaluation, reporter: Reporter) -> None:
    """Remark on a weak result from so few images that a permuted order could not be distinguished from it."""
    present = sum(row.count > 0 for row in evaluation.classes)
    right = evaluation.accuracy or 0.0
    if project.config.data.classes or right > 1 / 2 or evaluation.samples >= FEW * present:
        return
    line = f"{evaluation.samples} images are too few to tell whether the order of the classes is right"
    if line not in project.reported:
        reporter.note(line)
    project.reported.add(line)


def ensure_evaluated(project: Project, split: str, reporter: Reporter) -> None:
    """Evaluate `split` unless its features are there."""
    if not project.store(split).complete():
        evaluate(project, jobs.Evaluate(split), reporter)


def list_samples(project: Project, job: jobs.ListSamples, reporter: Reporter) -> tuple[Sample, ...]:
    """List images of a class, most confident mistakes first."""
    data = project.features(project.split.name)
    rows = select_rows(data, job.target, job.predicted, job.only_mistakes)
    samples = data.samples(rows)
    return tuple(sorted(project.cues.label(samples), key=lambda sample: -sample.confidence))


def thumbnails(project: Project, job: jobs.MakeThumbnails, reporter: Reporter) -> dict[int, str]:
    """Write small pictures of rows of a split."""
    return write_thumbnails(project, job.split, job.rows)


def write_thumbnails(project: Project, split: str, rows: Sequence[int]) -> dict[int, str]:
    """Write small pictures of the rows that have none yet; "" for an image that can no longer be read."""
    with ThreadPoolExecutor(WRITERS) as threads:
        written = threads.map(partial(_thumbnail, project, split, project.features(split)), rows)
        return dict(zip(rows, written, strict=True))


def _thumbnail(project: Project, split: str, data: SplitFeatures, row: int) -> str:
    relative = f"thumbnails/{split_folder(split)}/{row}.png"
    if not project.session.path(relative).exists():
        try:
            picture = project.dataset.split(split).open(int(data.rows[row]))
        except UnreadableImage:
            return ""
        picture.thumbnail((THUMBNAIL, THUMBNAIL))
        project.session.write_png(relative, picture)
    return relative


HANDLERS = (
    jobs.Open.handled_by(open_inputs),
    jobs.Evaluate.handled_by(evaluate),
    jobs.ListSamples.handled_by(list_samples),
    jobs.MakeThumbnails.handled_by(thumbnails),
)
