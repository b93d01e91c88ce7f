"""Whether the exported weights of a repair answer as its verdict counted, image by image."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from operator import eq
from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from .. import jobs
from ..data.splits import Split
from ..data.transforms import preprocess_of
from ..errors import InputError, InternalFault
from ..events import Reporter
from ..models.fitting import fit_into
from ..models.recorded import is_recorded
from ..models.weights import read_state_dict
from ..results import DifferingImage, JudgedImages, Repair, Verification, states
from ..session.store import Session
from ..session.stored import from_json
from ..stages.evaluation import evaluate_rows
from ..stages.metrics import predict
from ..tensors import OnProgress, no_progress
from ..text import safe
from .project import Project
from .recordings import recorded_shard

JUDGED_FILE = "judged.json"
LISTED = 100
ROWS = 4096
EARLIER = "the version that made it did not keep which images it was judged on"


def verify(project: Project, job: jobs.VerifyRepair, reporter: Reporter) -> Verification:
    """Have another process load the weights and run the judged images, and keep what came of it.

    A module that was given as an object cannot be built anew: a copy of it is filled from the file here.
    """
    made = _exported(project.session, job.number)
    reporter.unit("images")
    if project.module is None:
        found = _in_another_process(project.session.root / Path(made.head).parent, reporter.progress)
    else:
        found = verify_here(project.session, made, reporter.progress, deepcopy(project.module))
    project.keep(job, found)
    return found


def repair_in(folder: Path, number: int | None = None) -> tuple[Session, Repair]:
    """Return the repair that lies in `folder`, or repair `number` of the session there, and the session.

    `folder` may be a file in the repair's folder as well. Raises InputError that names
    the repairs there are.
    """
    folder = folder.parent if folder.is_file() else folder
    if number is None and folder.absolute().parent.name == "repairs":
        session = Session.view(folder.absolute().parent.parent)
        own = (made for made in _repairs(session) if Path(made.head).parent.name == folder.absolute().name)
        found = next(own, None)
        if found is None:
            raise InputError(f"{safe(str(folder))} holds no finished repair", _known(session))
        return session, found
    session = Session.view(folder)
    exported = [made for made in _repairs(session) if made.weights is not None]
    if number is None and len(exported) == 1:
        return session, exported[0]
    if number is None:
        raise InputError(f"{safe(str(folder))} has {len(exported)} accepted repairs", _known(session))
    found = session.load(states.repair(number), Repair)
    if found is None:
        raise InputError(f"{safe(str(folder))} has no repair {number}", _known(session))
    return session, found


def _repairs(session: Session) -> Iterator[Repair]:
    loaded = (session.load(name, Repair) for name in session.saved("repairs/"))
    return (repair for repair in loaded if repair is not None)


def _known(session: Session) -> str:
    numbers = sorted(made.number for made in _repairs(session))
    return f"give the number of one: {', '.join(map(str, numbers))}" if numbers else "repair a class first"


def _exported(session: Session, number: int) -> Repair:
    return require_exported(repair_in(session.root, number)[1])


def require_exported(made: Repair) -> Repair:
    """Return a repair whose weights were written; raises InputError for another one."""
    if made.weights is None:
        raise InputError(f"repair {made.number} has no exported weights", "accept it first")
    return made


def _in_another_process(folder: Path, on_progress: OnProgress) -> Verification:
    """Run `neuroinspect verify FOLDER --json` and return what it found; its progress is passed on."""
    here = str(Path(__file__).parents[2])
    inherited = os.environ.get("PYTHONPATH")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [here, inherited]))}
    command = [sys.executable, "-P", "-m", "neuroinspect_tui", "verify", str(folder.absolute()), "--json"]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        with subprocess.Popen(
            command,
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process:
            try:
                found = _heard(process, on_progress)
            except BaseException:
                process.kill()
                raise
        if found is None:
            errors.seek(0)
            said = (errors.read().strip().splitlines() or [f"exit code {process.returncode}"])[-1]
            raise InternalFault(f"the process that verifies failed: {safe(said, 400)}", "")
    return found


def _heard(process: subprocess.Popen[str], on_progress: OnProgress) -> Verification | None:
    """Return the last line of the process as a value; those before it are its progress."""
    if process.stdout is None:
        return None
    for line in process.stdout:
        told = json.loads(line)
        if "verification" in told:
            return from_json(Verification, told["verification"])
        on_progress(told["done"], told["total"])
    return None


def verify_here(
    session: Session, made: Repair, on_progress: OnProgress = no_progress, module: nn.Module | None = None
) -> Verification:
    """Load the exported weights of a repair in this process and run the images that it was judged on.

    With `module` they fill that one; else the model is built as `-m` says, with the file as `-w`. Raises
    InputError where the weights, the model or the images cannot be had.
    """
    made = require_exported(made)
    judged, file = judged_images(session, made), session.path(made.weights or "")
    if not file.is_file():
        raise InputError(f"{safe(str(file))} is gone", f"accept repair {made.number} again")
    found = _answers(_project(session, file, module), judged, file, on_progress)
    return _compared(made, judged, found, fresh=module is None)


def _project(session: Session, file: Path, module: nn.Module | None) -> Project:
    """Return the session's model with the weights in `file`, and its data."""
    config = session.config
    if config is None:
        raise InputError(f"{safe(str(session.root))} has never been run", "give the session of a repair")
    if module is not None:
        fit_into(module, read_state_dict(file))
    weights = str(file) if module is None and not is_recorded(config.model.spec) else None
    model, debug = replace(config.model, weights=weights), replace(config.debug, clip="none")
    return Project(replace(config, model=model, debug=debug), session, module=module)


def _answers(project: Project, judged: JudgedImages, file: Path, on_progress: OnProgress) -> dict[int, int]:
    """Return the class that is predicted for each row of the judged split that can be read."""
    split = project.dataset.split(judged.split)
    if [split.paths[row] for row in judged.rows if row < len(split)] != list(judged.paths):
        raise InputError(
            f"{safe(split.name)} has other images than when the repair was judged", "bring them back"
        )
    if project.recorded is not None:
        tensors, features = load_file(file), recorded_shard(project.recorded, split.name).features
        found = predict(project.recorded.head_in(tensors), features[list(judged.rows)])
        return dict(zip(judged.rows, found.tolist(), strict=True))
    return _run(project, split, judged, on_progress)


def _run(project: Project, split: Split, judged: JudgedImages, on_progress: OnProgress) -> dict[int, int]:
    """Run the network over the judged rows and those between them."""
    opened, answers = project.known(jobs.Open()), dict[int, int]()
    preprocess = project.preprocess
    if opened is not None and opened.preprocessing is not None:
        preprocess = preprocess_of(opened.preprocessing)
    batch, workers = project.config.compute.batch_size, project.workers
    rows = sorted(judged.rows)
    for start in range(0, len(rows), ROWS):
        part = range(rows[start], rows[min(start + ROWS, len(rows)) - 1] + 1)
        shard = evaluate_rows(project.classifier, split, preprocess, part, batch, workers)
        answers |= dict(zip(shard.rows.tolist(), shard.top_classes[:, 0].tolist(), strict=True))
        on_progress(min(start + ROWS, len(rows)), len(rows))
    return answers


def _compared(made: Repair, judged: JudgedImages, found: Mapping[int, int], fresh: bool) -> Verification:
    """Put the answers beside those that the verdict counted."""
    columns = (judged.rows, judged.paths, judged.labels, judged.repaired)
    differing = [
        DifferingImage(path, label, counted, found.get(row))
        for row, path, label, counted in zip(*columns, strict=True)
        if found.get(row) != counted
    ]
    count = max(1, len(judged))
    right = sum(found.get(row) == label for row, label in zip(judged.rows, judged.labels, strict=True))
    counted = sum(map(eq, judged.repaired, judged.labels))
    return Verification(
        number=made.number,
        weights=made.weights or "",
        split=judged.split,
        images=len(judged),
        equal=len(judged) - len(differing),
        counted=counted / count,
        found=right / count,
        differing=tuple(differing[:LISTED]),
        fresh=fresh,
    )


def judged_images(session: Session, made: Repair) -> JudgedImages:
    """Return the images that a repair was judged on; raises InputError where that was not kept."""
    file = session.path((Path(made.head).parent / JUDGED_FILE).as_posix())
    try:
        return from_json(JudgedImages, json.loads(file.read_bytes()))
    except FileNotFoundError:
        raise InputError(f"repair {made.number} cannot be verified: {EARLIER}", "repair anew") from None
    except ValueError as error:
        raise InputError(f"{safe(str(file))} is damaged ({safe(str(error))})", "repair anew") from error


HANDLERS = (jobs.VerifyRepair.handled_by(verify),)
