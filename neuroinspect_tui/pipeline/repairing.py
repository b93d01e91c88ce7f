"""Repaired heads and previews of them."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from .. import jobs
from ..errors import InputError
from ..events import Reporter
from ..results import ClassRef, CulpritReport, Repair, RepairPreview, states
from ..results.selection import leading_culprits
from ..results.stored_cues import StoredCue
from ..session.atomic import explained, write_json
from ..session.store import Session
from ..session.stored import to_json
from ..stages.repair.run import GroupInfo, ModeAim, RepairOutcome, preview, repair_class
from ..stages.tags import Tags, excluded_rows, make_groups, shuffled, tag_evidence
from ..tensors import GroupColumn, Head, SplitFeatures
from ..text import safe
from . import evaluating
from .attributing import culprits
from .copies import told_apart
from .cueing import learn
from .directions import known_modes
from .layers import known_repair, repaired_head, seen_through
from .project import Project
from .verifying import JUDGED_FILE

MODE = "failure mode"
"""The column of groups that a failure mode makes on its own, without tags."""
HEAD_FILE = "head.safetensors"
EPOCHS = "state/epochs"
REPAIR_NEURONS = 5
SHUFFLED_DRAWS = 3
Request = jobs.RepairHead | jobs.PreviewRepair
NEEDS_NEURONS = ("auto", "paper", "random")


def known_repairs(project: Project) -> tuple[Repair, ...]:
    """Return the repairs made so far, by number."""
    loaded = (project.session.load(name, Repair) for name in project.session.saved("repairs/"))
    return tuple(sorted((repair for repair in loaded if repair), key=lambda repair: repair.number))


def repair(project: Project, job: jobs.RepairHead, reporter: Reporter) -> Repair:
    """Fit, choose and judge a repaired head and keep it in the session, or return the one it has already."""
    _ensure_evaluated(project, reporter)
    neurons = job.neurons or _culprits(project, job.target, reporter)
    cues = _cues(project, job)
    for cue in cues:
        # Tags that were read from a file have taught no probe yet, and more splits are evaluated now.
        learn(project, cue.name)
    asked_for = (job.columns, job.mode) if job.base is None else (job.columns, job.mode, job.base)
    tags = project.cues.as_csv() + repr([cue.name for cue in cues]) + repr(asked_for)
    request = states.repair_request(project.config, job.target, job.method, neurons, tags)
    for known in known_repairs(project):
        if known.request == request and project.session.path(known.head).is_file():
            return known
    reporter.unit("steps")
    asked = _Asked.of(project, job, cues, reporter)
    outcome = repair_class(
        asked.splits,
        asked.head,
        job.target,
        project.names,
        job.method,
        neurons,
        groups=replace(asked.groups, shuffled=_shuffled(project, asked.features, cues)),
        debugged_split=project.split.name,
        seed=project.config.compute.seed,
        on_progress=reporter.progress,
        memory=_Epochs(project.session, request),
        device=_device(project),
        mode=asked.aim,
    )
    named: dict[str, float | int | str] = {"seed": project.config.compute.seed}
    if outcome.cues:
        named["tags"] = "; ".join(_counted(cue, len(cues) > 1) for cue in cues)
    told_by = _cue_names(project, cues, outcome.cues)
    outcome = replace(outcome, parameters=outcome.parameters | named, cues=told_by)
    return _keep(project, job, outcome, request, asked.label_free)


def preview_repair(project: Project, job: jobs.PreviewRepair, reporter: Reporter) -> RepairPreview:
    """Return what `repair` would give now, without its controls."""
    _ensure_evaluated(project, reporter)
    neurons = job.neurons
    if not neurons and job.method in NEEDS_NEURONS:
        neurons = _culprits(project, job.target, reporter)
    cues = _cues(project, job)
    asked = _Asked.of(project, job, cues, reporter)
    found = preview(
        asked.splits,
        asked.head,
        job.target,
        project.names,
        job.method,
        neurons,
        groups=asked.groups,
        debugged_split=project.split.name,
        seed=project.config.compute.seed,
        on_progress=reporter.progress,
        device=_device(project),
        mode=asked.aim,
    )
    return replace(found, cues=_cue_names(project, cues, found.cues))


@dataclass(frozen=True)
class _Asked:
    """What a repair and its preview rest on: layer, splits with the cues' groups, other knowledge, the aim.

    `head` is the layer to start from, whose answers the splits hold; `features` are the same splits without
    those groups. A mode that nothing else divides is `label_free`.
    """

    head: Head
    features: dict[str, SplitFeatures]
    splits: dict[str, SplitFeatures]
    groups: GroupInfo
    aim: ModeAim | None
    label_free: bool

    @classmethod
    def of(cls, project: Project, job: Request, cues: tuple[StoredCue, ...], reporter: Reporter) -> _Asked:
        whole = {name: project.features(name) for name in project.dataset.splits}
        head = project.head
        if job.base is not None:
            head = repaired_head(project, known_repair(project, job.base))
            whole = {name: seen_through(data, head) for name, data in whole.items()}
        features, copied = told_apart(project, whole, reporter)
        groups = _group_info(project, features, cues, copied, job.columns)
        splits = with_cues(project, features, cues)
        if job.mode is None:
            return cls(head, features, splits, groups, None, False)
        aim = _aim(project, job.mode)
        if cues or job.columns is not None:
            return cls(head, features, splits, groups, aim, False)
        groups = replace(groups, columns=(MODE,), tags=(MODE,))
        return cls(head, features, _with_mode(splits, aim), groups, aim, True)


def _ensure_evaluated(project: Project, reporter: Reporter) -> None:
    """Evaluate what is not yet; raises InputError where the model's decision layer cannot be repaired."""
    unrepairable = project.model.unrepairable
    if unrepairable:
        raise InputError(f"no repair: {unrepairable}", "--repair none leaves it out")
    for split in project.dataset.splits:
        evaluating.ensure_evaluated(project, split, reporter)


def _device(project: Project) -> torch.device | None:
    """Return where logistic fits run."""
    return project.device if project.device.type == "cuda" else None


def _cue_names(project: Project, cues: tuple[StoredCue, ...], columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the cues whose tags make these columns."""
    by_column = {cue_column(project, cue): cue.name for cue in cues}
    return tuple(by_column[column] for column in columns if column in by_column)


def _cues(project: Project, job: Request) -> tuple[StoredCue, ...]:
    """Return the cues whose tags the repair uses; raises InputError for a name that none has."""
    if job.cues is None:
        return project.cues.used(project.config.repair.cues)
    return tuple(project.cues.named(name) for name in job.cues)


def _aim(project: Project, mode: int) -> ModeAim:
    """Return a failure mode as the aim of a repair; raises InputError where it is not known."""
    found = known_modes(project)
    if found is None or not 0 <= mode < len(found.modes):
        raise InputError(f"there is no failure mode {mode}", "find the failure modes first")
    known = found.modes[mode]
    return ModeAim(found.directions[mode], float(found.thresholds[mode]), known.classes)


def _with_mode(features: dict[str, SplitFeatures], aim: ModeAim) -> dict[str, SplitFeatures]:
    """Add whether an image carries the failure mode as a group column of the splits that are not judged on.

    Such groups are guessed, not tagged: they repair some sets as well as true ones and ruin others, so that
    only the verdict on held-out images can tell whether the layer may be used.
    """
    added = {}
    for name, data in features.items():
        carries = aim.scores(data) > aim.threshold
        column = GroupColumn(MODE, ("not", "has"), carries.long())
        added[name] = data if name == "test" else replace(data, groups={**data.groups, MODE: column})
    return added


def _counted(cue: StoredCue, name: bool) -> str:
    """Return how many images have which tag: `4 has, 10 not`."""
    counts = cue.counts()
    words = ", ".join(f"{counts[tag]} {tag}" for tag in sorted(counts))
    return f"{cue.name}: {words}" if name else words


def cue_column(project: Project, cue: StoredCue) -> str:
    """Return the name of the group column that a cue's tags make, which no other column has."""
    return f"{cue.name} (tags)" if cue.name in project.group_columns else cue.name


def _group_info(
    project: Project,
    features: dict[str, SplitFeatures],
    cues: tuple[StoredCue, ...],
    copied: dict[str, Tensor],
    columns: tuple[str, ...] | None,
) -> GroupInfo:
    """Return what the cues tell; `copied` rows are not judged on.

    With `columns` of the data the repair is weighted by these beside the cues.
    """
    unknown = next((name for name in columns or () if name not in project.group_columns), None)
    if unknown is not None:
        known = ", ".join(project.group_columns) or "none"
        raise InputError(f"the data has no group column {safe(unknown)!r}", f"its group columns: {known}")
    weighted = None if columns is None else (*columns, *(cue_column(project, cue) for cue in cues))
    rows = project.cues.by_row(features, project.cues)
    evidence = {cue_column(project, cue): tag_evidence(features, rows[cue.name]) for cue in cues}
    return GroupInfo(
        columns=weighted,
        tags=tuple(cue_column(project, cue) for cue in cues),
        evidence={column: found for column, found in evidence.items() if found is not None},
        excluded=excluded_rows(rows.values()),
        unjudged=copied,
    )


def _shuffled(
    project: Project, features: dict[str, SplitFeatures], cues: tuple[StoredCue, ...]
) -> list[dict[str, SplitFeatures]]:
    """Return the splits with the groups that shuffled tags make, a few draws; none without any tags."""
    if not any(cue.divides for cue in cues):
        return []
    seed = project.config.compute.seed
    return [with_cues(project, features, cues, seed + draw) for draw in range(SHUFFLED_DRAWS)]


@dataclass(frozen=True)
class _Epochs:
    """The last epoch of every training of one repair, in the session until the repair is finished."""

    session: Session
    request: str

    def _file(self, name: str) -> str:
        return f"{EPOCHS}/{hashlib.sha256(self.request.encode()).hexdigest()[:16]}-{name}.safetensors"

    def recall(self, name: str) -> dict[str, Tensor] | None:
        """Return the tensors of the last epoch, or None."""
        path = self.session.path(self._file(name))
        return load_file(path) if path.is_file() else None

    def keep(self, name: str, tensors: dict[str, Tensor]) -> None:
        """Write the tensors of an epoch."""
        self.session.write_bytes(self._file(name), save(tensors))


def with_cues(
    project: Project,
    features: dict[str, SplitFeatures],
    cues: tuple[StoredCue, ...],
    shuffle: int | None = None,
) -> dict[str, SplitFeatures]:
    """Add each cue's tags as a group column; where the manifest has groups, `test` is judged on those alone.

    With a seed `shuffle` the tags are shuffled.
    """
    untouched = "test" if project.group_columns and len(features) > 1 else None
    added: dict[str, dict[str, GroupColumn]] = {name: {} for name in features}
    rows = project.cues.by_row(features, cues)
    for cue in cues:
        tags: Tags = rows[cue.name]
        if shuffle is not None:
            tags = shuffled(features, tags, shuffle)
        columns, probe = make_groups(
            features, tags, project.config.repair.propagate, cue_column(project, cue)
        )
        if shuffle is None and cue.probe is None:
            project.cues.learn(cue.name, probe)
        for name in features:
            added[name] |= {} if name == untouched else {columns[name].name: columns[name]}
    return {name: replace(data, groups={**data.groups, **added[name]}) for name, data in features.items()}


def _culprits(project: Project, target: int, reporter: Reporter) -> tuple[int, ...]:
    report: CulpritReport = culprits(project, jobs.FindCulprits(target), reporter)
    return leading_culprits(report, REPAIR_NEURONS)


def _keep(
    project: Project, job: jobs.RepairHead, outcome: RepairOutcome, request: str, label_free: bool
) -> Repair:
    _remove_unfinished(project)
    number, folder = project.session.repair_directory(outcome.method)
    relative = f"repairs/{folder.name}/{HEAD_FILE}"
    tensors = {"weight": outcome.head.weight.contiguous(), "bias": outcome.head.bias.contiguous()}
    packed = save(tensors)
    project.session.write_bytes(relative, packed)
    write_json(folder / JUDGED_FILE, to_json(outcome.judged))
    given = vars(outcome)
    shared = {name: given[name] for name in Repair.__dataclass_fields__ if name in given and name != "head"}
    made = Repair(
        **shared,
        number=number,
        target=ClassRef(job.target, project.names[job.target]),
        head=relative,
        weights=None,
        request=request,
        digest=hashlib.sha256(packed).hexdigest(),
        label_free=label_free,
        base=job.base,
    )
    project.session.save(states.repair(number), made)
    shutil.rmtree(project.session.path(EPOCHS), ignore_errors=True)
    return made


def _remove_unfinished(project: Project) -> None:
    """Delete the folders of repairs that a kill left without their result."""
    finished = {Path(made.head).parent.name for made in known_repairs(project)}
    repairs = project.session.path("repairs")
    with explained(repairs, "clean"):
        for folder in repairs.glob("[0-9]*-*"):
            if folder.name not in finished:
                shutil.rmtree(folder)


HANDLERS = (
    jobs.RepairHead.handled_by(repair),
    jobs.PreviewRepair.handled_by(preview_repair),
)
