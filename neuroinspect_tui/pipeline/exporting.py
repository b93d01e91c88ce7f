"""Exported repairs: the full state dict and the script that checks it; deleted ones."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from .. import jobs
from ..errors import InputError
from ..events import Reporter
from ..models.classifier import Classifier
from ..models.recorded import Recorded
from ..models.weights import tensor_hash
from ..results import Repair, states
from ..session.atomic import aside, explained, write_json
from ..tensors import Head
from .layers import known_repair, repaired_head
from .project import Project
from .standalone import SCRIPT_FILE, script
from .verifying import JUDGED_FILE

HASH_FILE = "hashes.json"


def export(project: Project, job: jobs.ExportRepair, reporter: Reporter) -> Repair:
    """Write the full repaired state dict beside the head, in the format that the weights came in."""
    made = known_repair(project, job.number)
    if made.label_free and not made.helps:
        line = f"repair {job.number} rests on a failure mode alone"
        raise InputError(
            f"{line}, and held-out images do not show that it helps", "tag images of the mode: a cue is safer"
        )
    folder = Path(made.head).parent
    weights = (folder / f"model{project.model.weights_suffix}").as_posix()
    repaired = repaired_head(project, made)
    with aside(project.session.path(weights)) as temporary:
        project.model.write_repaired(temporary, repaired)
    hashes = tensor_hashes(project.model, repaired)
    write_json(project.session.path((folder / HASH_FILE).as_posix()), hashes)
    _write_script(project, made, weights)
    made = replace(made, weights=weights, accepted=not made.unchanged)
    project.session.save(states.repair(job.number), made)
    return made


def _write_script(project: Project, made: Repair, weights: str) -> None:
    """Write verify.py beside the weights, where it can open the judged images."""
    folder = Path(made.head).parent
    judged = next((use.split for use in made.splits if use.part == "judge"), None)
    if project.recorded is not None or judged is None:
        return
    split, spec = project.dataset.split(judged), project.config.model.spec
    files = (Path(weights).name, JUDGED_FILE)
    text = script(project.classifier, project.preprocess, split, spec, *files)
    if text is not None:
        content = text.encode("utf-8", "surrogateescape")
        project.session.write_bytes((folder / SCRIPT_FILE).as_posix(), content)


def discard(project: Project, job: jobs.DiscardRepair, reporter: Reporter) -> int:
    """Delete a repair and its files."""
    made = known_repair(project, job.number)
    project.session.forget(states.repair(job.number))
    for name in (states.verification(job.number), states.prescription(job.number)):
        project.session.forget(name)
    folder = project.session.path(made.head).parent
    with explained(folder, "delete"):
        shutil.rmtree(folder)
    return job.number


def tensor_hashes(classifier: Classifier | Recorded, repaired: Head) -> dict[str, dict[str, str]]:
    """Return the sha256 of every tensor `before` and `after`: all equal but those of the decision layer."""
    before, after = (classifier.repaired_state(head) for head in (classifier.head, repaired))
    return {
        name: {"before": tensor_hash(before[name]), "after": tensor_hash(after[name])}
        for name in sorted(after)
    }


HANDLERS = (jobs.ExportRepair.handled_by(export),)
