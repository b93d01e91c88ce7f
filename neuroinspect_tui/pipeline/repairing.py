"""Tags, review order, repaired heads and their export."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors.torch import load_file, save
from torch import Tensor

from .. import jobs
from ..errors import InputError
from ..events import Reporter
from ..models.classifier import Classifier
from ..models.weights import tensor_hash
from ..results import ClassRef, CulpritReport, Propagation, Repair, ReviewItem, states
from ..results.selection import leading_culprits
from ..session.atomic import aside, explained, write_json
from ..session.store import Session
from ..stages.repair.run import RepairOutcome, Told, repair_class
from ..stages.tags import COLUMN, Tags, excluded_rows, make_groups, review_order
from ..tensors import Head, SplitFeatures
from . import evaluating
from .attributing import culprits
from .project import Project

HEAD_FILE = "head.safetensors"
HASH_FILE = "hashes.json"
EPOCHS = "state/epochs"
REPAIR_NEURONS = 5


def known_repairs(project: Project) -> tuple[Repair, ...]:
    """Return the repairs made so far, by number."""
    loaded = (project.session.load(name, Repair) for name in project.session.saved("repairs/"))
    return tuple(sorted((repair for repair in loaded if repair), key=lambda repair: repair.number))


def set_tag(project: Project, job: jobs.SetTag, reporter: Reporter) -> Propagation:
    """Tag an image by hand and tell how well the tags carry over."""
    data = project.features(job.split)
    project.tags.set(job.split, data.paths[job.row], job.tag)
    evaluated = {
        name: project.features(name) for name in project.dataset.splits if project.store(name).complete()
    }
    _, propagation = make_groups(evaluated, project.tags.by_row(evaluated), project.config.repair.propagate)
    project.session.save(states.PROPAGATION, propagation)
    return propagation


def order_review(project: Project, job: jobs.OrderReview, reporter: Reporter) -> tuple[ReviewItem, ...]:
    """Propose the images to tag next."""
    data = project.features(project.split.name)
    tags = project.tags.by_row({data.split: data})[data.split]
    seed = project.config.compute.seed
    return review_order(data, project.head, job.target, job.neurons, tags, job.limit, seed)


def repair(project: Project, job: jobs.RepairHead, reporter: Reporter) -> Repair:
    """Fit, choose and judge a repaired head and keep it in the session, or return the one it has already."""
    for split in project.dataset.splits:
        evaluating.ensure_evaluated(project, split, reporter)
    neurons = job.neurons or _culprits(project, job.target, reporter)
    request = states.repair_request(project.config, job.target, job.method, neurons, project.tags.as_csv())
    for known in known_repairs(project):
        if known.request == request and project.session.path(known.head).is_file():
            return known
    reporter.unit("steps")
    features = {name: project.features(name) for name in project.dataset.splits}
    tags = project.tags.by_row(features)
    outcome = repair_class(
        _with_tags(project, features, tags) if project.tags else features,
        project.head,
        job.target,
        project.names,
        job.method,
        neurons,
        told=Told(tags=(COLUMN,) if project.tags else (), excluded=excluded_rows(tags)),
        debugged_split=project.split.name,
        seed=project.config.compute.seed,
        on_progress=reporter.progress,
        memory=_Epochs(project.session, request),
        device=project.device if project.device.type == "cuda" else None,
    )
    told: dict[str, float | int | str] = {"seed": project.config.compute.seed}
    if outcome.parameters.get("groups") == COLUMN:
        told["tags"] = project.tags.counted()
    outcome = replace(outcome, parameters=outcome.parameters | told)
    return _keep(project, job.target, outcome, request)


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


def _with_tags(project: Project, features: dict[str, SplitFeatures], tags: Tags) -> dict[str, SplitFeatures]:
    """Add the tags as a group column; where the manifest has groups, `test` is judged on those alone."""
    columns, _ = make_groups(features, tags, project.config.repair.propagate)
    untouched = "test" if project.group_columns and len(features) > 1 else None
    return {
        name: data if name == untouched else replace(data, groups={**data.groups, COLUMN: columns[name]})
        for name, data in features.items()
    }


def _culprits(project: Project, target: int, reporter: Reporter) -> tuple[int, ...]:
    report: CulpritReport = culprits(project, jobs.FindCulprits(target), reporter)
    return leading_culprits(report, REPAIR_NEURONS)


def _keep(project: Project, target: int, outcome: RepairOutcome, request: str) -> Repair:
    _remove_unfinished(project)
    number, folder = project.session.repair_directory(outcome.method)
    relative = f"repairs/{folder.name}/{HEAD_FILE}"
    tensors = {"weight": outcome.head.weight.contiguous(), "bias": outcome.head.bias.contiguous()}
    packed = save(tensors)
    project.session.write_bytes(relative, packed)
    given = vars(outcome)
    shared = {name: given[name] for name in Repair.__dataclass_fields__ if name in given and name != "head"}
    target_class = ClassRef(target, project.names[target])
    made = Repair(
        **shared,
        number=number,
        target=target_class,
        head=relative,
        weights=None,
        request=request,
        digest=hashlib.sha256(packed).hexdigest(),
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


def export(project: Project, job: jobs.ExportRepair, reporter: Reporter) -> Repair:
    """Write the full repaired state dict beside the head, in the format that the weights came in."""
    made = _load(project, job.number)
    folder = Path(made.head).parent
    weights = (folder / f"model{project.classifier.weights_suffix}").as_posix()
    tensors = load_file(project.session.path(made.head))
    repaired = Head(tensors["weight"], tensors["bias"])
    with aside(project.session.path(weights)) as temporary:
        project.classifier.write_repaired(temporary, repaired)
    hashes = tensor_hashes(project.classifier, repaired)
    write_json(project.session.path((folder / HASH_FILE).as_posix()), hashes)
    made = replace(made, weights=weights, accepted=not made.unchanged)
    project.session.save(states.repair(job.number), made)
    return made


def discard(project: Project, job: jobs.DiscardRepair, reporter: Reporter) -> int:
    """Delete a repair and its files."""
    made = _load(project, job.number)
    project.session.forget(states.repair(job.number))
    folder = project.session.path(made.head).parent
    with explained(folder, "delete"):
        shutil.rmtree(folder)
    return job.number


def _load(project: Project, number: int) -> Repair:
    made = project.session.load(states.repair(number), Repair)
    if made is None:
        raise InputError(f"there is no repair {number}", "choose one from the list")
    return made


def tensor_hashes(classifier: Classifier, repaired: Head) -> dict[str, dict[str, str]]:
    """Return the sha256 of every tensor `before` and `after`: all equal but those of the decision layer."""
    before, after = (classifier.repaired_state(head) for head in (classifier.head, repaired))
    return {
        name: {"before": tensor_hash(before[name]), "after": tensor_hash(after[name])}
        for name in sorted(after)
    }


HANDLERS = (
    jobs.SetTag.handled_by(set_tag),
    jobs.OrderReview.handled_by(order_review),
    jobs.RepairHead.handled_by(repair),
    jobs.ExportRepair.handled_by(export),
)
