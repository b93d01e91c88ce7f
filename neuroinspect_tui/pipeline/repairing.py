"""Tags, review order, repaired heads and their export."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save

from .. import jobs
from ..errors import InputError
from ..events import Reporter
from ..models.classifier import Classifier
from ..models.weights import tensor_hash
from ..results import ClassRef, CulpritReport, Repair
from ..selection import leading_culprits
from ..session import states
from ..session.atomic import aside, write_json
from ..stages.repair.run import RepairOutcome, repair_class
from ..tensors import Head
from . import evaluating
from .attributing import culprits
from .project import Project

HEAD_FILE = "head.safetensors"
HASH_FILE = "hashes.json"
REPAIR_NEURONS = 5


def known_repairs(project: Project) -> tuple[Repair, ...]:
    """Return the repairs made so far, by number."""
    loaded = (project.session.load(name, Repair) for name in project.session.saved("repairs/"))
    return tuple(sorted((repair for repair in loaded if repair), key=lambda repair: repair.number))


def repair(project: Project, job: jobs.RepairHead, reporter: Reporter) -> Repair:
    """Fit, choose and judge a repaired head, and keep it in the session."""
    for split in project.dataset.splits:
        evaluating.ensure_evaluated(project, split, reporter)
    reporter.unit("steps")
    features = {name: project.features(name) for name in project.dataset.splits}
    outcome = repair_class(
        features,
        project.head,
        job.target,
        project.names,
        job.method,
        job.neurons or _culprits(project, job.target, reporter),
        excluded={name: project.tags.mislabelled(data) for name, data in features.items()},
        tag_column=None,
        debugged_split=project.split.name,
        seed=project.config.compute.seed,
        tick=reporter.tick,
    )
    return _keep(project, job.target, outcome)


def _culprits(project: Project, target: int, reporter: Reporter) -> tuple[int, ...]:
    report: CulpritReport = culprits(project, jobs.FindCulprits(target), reporter)
    return leading_culprits(report, REPAIR_NEURONS)


def _keep(project: Project, target: int, outcome: RepairOutcome) -> Repair:
    number, folder = project.session.repair_directory(outcome.method)
    relative = f"repairs/{folder.name}/{HEAD_FILE}"
    tensors = {"weight": outcome.head.weight.contiguous(), "bias": outcome.head.bias.contiguous()}
    project.session.write_bytes(relative, save(tensors))
    given = vars(outcome)
    shared = {name: given[name] for name in Repair.__dataclass_fields__ if name in given and name != "head"}
    target_class = ClassRef(target, project.names[target])
    made = Repair(**shared, number=number, target=target_class, head=relative, weights=None)
    project.session.save(states.repair(number), made)
    return made


def export(project: Project, job: jobs.ExportRepair, reporter: Reporter) -> Repair:
    """Write the full repaired state dict beside the head, in the format that the weights came in."""
    made = _load(project, job.number)
    folder = Path(made.head).parent
    state = project.classifier.state
    suffix = ".pt" if state is not None and state.format == "torch" else ".safetensors"
    weights = (folder / f"model{suffix}").as_posix()
    tensors = load_file(project.session.path(made.head))
    repaired = Head(tensors["weight"], tensors["bias"])
    with aside(project.session.path(weights)) as temporary:
        project.classifier.write_repaired(temporary, repaired)
    hashes = tensor_hashes(project.classifier, repaired)
    write_json(project.session.path((folder / HASH_FILE).as_posix()), hashes)
    made = replace(made, weights=weights, accepted=True)
    project.session.save(states.repair(job.number), made)
    return made


def discard(project: Project, job: jobs.DiscardRepair, reporter: Reporter) -> int:
    """Delete a repair and its files."""
    made = _load(project, job.number)
    project.session.forget(states.repair(job.number))
    shutil.rmtree(project.session.path(str(Path(made.head).parent)), ignore_errors=True)
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


HANDLERS: dict[type[jobs.Job], Callable[..., Any]] = {
    jobs.RepairHead: repair,
    jobs.ExportRepair: export,
    jobs.DiscardRepair: discard,
}
