"""One classifier on one data set: `load` it, ask it, repair it, write the report."""

from __future__ import annotations

import html
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from .. import jobs, results
from ..config import ComputeConfig, DataConfig, DebugConfig, ModelConfig, PreprocessConfig, RunConfig
from ..data.class_names import find_class
from ..errors import InputError
from ..events import Preview
from ..jobs import Job
from ..pipeline.directions import known_modes, known_units
from ..pipeline.picturing import framed
from ..pipeline.pipeline import Pipeline
from ..pipeline.reporting import findings
from ..repair_methods import RepairMethod
from ..results import CulpritReport, WhatIf
from ..session.findings import build_report
from ..session.html import render_html
from ..session.store import INDEX, Session
from ..stages.units import Units
from .cues import Cue, starting_point
from .repairs import Repair
from .tables import Evaluation
from .values import FailureMode, Illusion, Picture, read_picture

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")
IN_MEMORY = "module:"
"""How a session names a model that was given as an object: it cannot be built anew from there."""


class Features(NamedTuple):
    """Features [N,D] float32, labels [N] int64, and the N paths as the data names them."""

    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    paths: list[str]


@dataclass
class _Reporter:
    """Keeps the notes of a job and shows nothing else."""

    job: Job
    notes: list[str]

    def unit(self, name: str) -> None:
        """Pass over."""

    def progress(self, done: int, total: int) -> None:
        """Pass over."""

    def partial(self, value: object) -> None:
        """Pass over."""

    def preview(self, preview: Preview) -> None:
        """Pass over."""

    def note(self, text: str, level: str = "info") -> None:
        """Keep `text`, once."""
        if text not in self.notes:
            self.notes.append(text)


class Inspection:
    """A classifier on a data set. Everything that is asked is computed once and kept in the session.

    Made by `load` and `open_session`; the model is built when something is asked that the session does not
    know. Classes are given by name or index. Bad input raises an `InputError` of one line. `notes` are what
    the command line prints beside the results.
    """

    def __init__(self, config: RunConfig, root: Path, module: nn.Module | None = None) -> None:
        self.config, self.root = config, root
        self.notes: list[str] = []
        self._module = module
        self._pipeline: Pipeline | None = None
        self._rows: dict[str, dict[str, int]] = {}

    def __repr__(self) -> str:
        return f"Inspection({self.config.model.spec!r}, {self.config.data.source!r}, {str(self.root)!r})"

    def _repr_html_(self) -> str:
        """Return the report, as a notebook shows it."""
        self.evaluate()
        report = build_report(findings(self.pipeline.project))
        page = html.escape(render_html(report, self.pipeline.session.path))
        return f'<iframe srcdoc="{page}" style="width: 100%; height: 40em; border: 0"></iframe>'

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the session go, so that other processes can write it."""
        if self._pipeline is not None:
            self._pipeline.close()
            self._pipeline = None

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline with the model and the data, opened when first asked for."""
        if self._pipeline is None:
            if self.config.model.spec.startswith(IN_MEMORY) and self._module is None:
                raise InputError(
                    f"the session {self.root} was made of a model in memory", "load() it with that model"
                )
            pipeline = Pipeline(self.config, self.root, module=self._module)
            try:
                pipeline.run(jobs.Open(), _Reporter(jobs.Open(), self.notes))
            except BaseException:
                pipeline.close()
                raise
            self._pipeline = pipeline
        return self._pipeline

    def ask(self, job: Job[T]) -> T:
        """Return the answer to a job of `neuroinspect_tui.jobs`, from the session where it knows it."""
        if self._pipeline is None and (self.root / INDEX).is_file():
            known: T | None = job.recall(self.config, Session.view(self.root).load)
            if known is not None:
                return known
        return self.pipeline.run(job, _Reporter(job, self.notes))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The C classes in the model's order."""
        return self.ask(jobs.Open()).classes

    def class_index(self, name: str | int) -> int:
        """Return the index of a class given by name or index; raises InputError."""
        return find_class(self.class_names, str(name))

    # What is wrong, and why

    def evaluate(self, split: str | None = None) -> Evaluation:
        """Evaluate a split (None: the debugged one) where that was not done yet."""
        return Evaluation.of(self.ask(jobs.Evaluate(split)))

    def features(self, split: str | None = None) -> Features:
        """Return the input of the decision layer for every image of a split that can be read."""
        name = split or self.config.data.split
        self.ask(jobs.Evaluate(name))
        found = self.pipeline.project.features(name)
        values: npt.NDArray[np.float32] = found.features.float().numpy()
        return Features(values, found.labels.numpy(), list(found.paths))

    def culprits(self, target: str | int) -> CulpritReport:
        """Rank the neurons to blame for the mistakes of a class."""
        self.evaluate()
        return self.ask(jobs.FindCulprits(self.class_index(target)))

    def what_if(
        self, target: str | int, neurons: Sequence[int], scale: float = 0.0, everywhere: bool = False
    ) -> WhatIf:
        """Scale neurons for the logit of a class, or for all classes (`everywhere`)."""
        self.evaluate()
        return self.ask(jobs.AskWhatIf(self.class_index(target), tuple(neurons), scale, everywhere))

    def failure_modes(self, k: int = 8, evidence: bool = True) -> tuple[FailureMode, ...]:
        """Group the mistakes of all classes by their cause, at most `k` groups, most mistakes first.

        `evidence` adds what takes images: the cover test, names, image statistics. The last `k` asked for is
        that of the report.
        """
        self.evaluate()
        self._set_modes(k)
        self.ask(jobs.ExamineFailureModes() if evidence else jobs.FindFailureModes())
        found = known_modes(self.pipeline.project)
        if found is None:  # an older session: the directions are not there
            raise InputError(f"{self.root} has no directions of its failure modes", "use a new session")
        return tuple(
            FailureMode.of(mode, direction.numpy())
            for mode, direction in zip(found.modes, found.directions, strict=True)
        )

    def stress(self) -> results.StressResult:
        """Change images in ways that should not matter: which classes each change pulls them towards."""
        self.evaluate()
        return self.ask(jobs.RunStress())

    def _set_modes(self, k: int) -> None:
        """Let the session look for `k` failure modes from now on."""
        if k == self.config.debug.modes:
            return
        self.config = replace(self.config, debug=replace(self.config.debug, modes=k))
        if self._pipeline is not None:
            self._pipeline.project.config, self._pipeline.project.units = self.config, None
            self.ask(jobs.Open())

    # Pictures

    def exemplars(
        self, unit: int | FailureMode, target: str | int | None = None, count: int = 8
    ) -> tuple[Picture, ...]:
        """Return the real images on which a unit is most active, strongest first.

        `unit` is a neuron's number or a failure mode. With a `target` they are of that class.
        """
        self.evaluate()
        data = self.pipeline.project.features(self.config.data.split)
        units, number = self._unit(unit)
        activation = units.activation(data.features, number)
        if target is not None:
            activation = activation.where(data.labels == self.class_index(target), -torch.inf)
        order = activation.argsort(descending=True, stable=True)[:count]
        rows = [row for row in order.tolist() if activation[row] > -torch.inf]
        images = framed(self.pipeline.project, rows).numpy() if rows else ()
        return tuple(
            Picture(image, float(activation[row]), data.paths[row], int(data.labels[row]))
            for row, image in zip(rows, images, strict=True)
        )

    def illusions(
        self, unit: int | FailureMode, target: str | int | None = None, iters: int = 64, count: int = 1
    ) -> tuple[Illusion, ...]:
        """Return pictures optimised to excite a unit while they look like the class `target`.

        Without a `target` it is the mode's largest class, or the class whose logit the neuron raises most.
        """
        self.evaluate()
        units, number = self._unit(unit)
        head = self.pipeline.project.head
        if target is not None:
            aim = self.class_index(target)
        elif isinstance(unit, results.FailureMode):
            aim = unit.classes[0]
        else:
            aim = int(units.weight(head, number).argmax())
        made = self.ask(jobs.Illustrate(aim, (number,), iters, count))
        return tuple(Illusion.of(found, read_picture(self.root / found.image)) for found in made)

    def _unit(self, unit: int | FailureMode) -> tuple[Units, int]:
        """Return the units and the number of `unit` among them: directions stand behind the neurons."""
        project = self.pipeline.project
        if not isinstance(unit, results.FailureMode):
            project.head.require((unit,))
            return known_units(project), unit
        units = known_units(project)
        return units, units.number_of(torch.from_numpy(unit.direction))

    # Cues and repairs

    def cue(self, name: str, target: str | int | FailureMode) -> Cue:
        """Return the cue `name`, made if there is none yet, to be tagged on images of a class or mode."""
        index, neurons = starting_point(self, target)
        from_mode = isinstance(target, results.FailureMode)
        source = str(target.id) if isinstance(target, results.FailureMode) else ""
        self.ask(jobs.AddCue(name, "mode" if from_mode else "hand", source))
        return Cue(self, name, index, neurons)

    def place_of(self, path: str) -> tuple[str, int]:
        """Return the split and the row of an image by its path; raises InputError where none has it."""
        project = self.pipeline.project
        first = self.config.data.split
        for split in dict.fromkeys((first, *project.dataset.splits)):
            if project.evaluated(split):
                paths = project.features(split).paths
                rows = self._rows.setdefault(split, {name: row for row, name in enumerate(paths)})
                if path in rows:
                    return split, rows[path]
        raise InputError(f"no evaluated image is {path!r}", "give a path as features() returns it")

    def repair(
        self,
        target: str | int | FailureMode,
        method: RepairMethod = "auto",
        cues: Sequence[Cue | str] | None = None,
        groups: Sequence[str] | None = None,
        neurons: Sequence[int] = (),
    ) -> Repair:
        """Fit, choose and judge a repaired decision layer for a class or a failure mode.

        It uses the `cues` (None: all of the session that are not left out) and the group columns
        `groups` (None: the worst one). Methods are those of the command line.
        """
        mode = target.id if isinstance(target, results.FailureMode) else None
        index = self.class_index(target) if not isinstance(target, results.FailureMode) else target.classes[0]
        for split in self.pipeline.project.dataset.splits:
            self.evaluate(split)
        names = None if cues is None else tuple(cue if isinstance(cue, str) else cue.name for cue in cues)
        columns = None if groups is None else tuple(groups)
        return Repair(self, self.ask(jobs.RepairHead(index, method, tuple(neurons), names, columns, mode)))

    # Reports and sessions

    def report(self, out: str | Path) -> Path:
        """Write the report with everything found so far and return the path of report.html.

        The whole session is copied to `out`, unless it lies there: `open_session(out)` goes on from it.
        """
        self.failure_modes(self.config.debug.modes, evidence=False)
        root = Path(self.ask(jobs.WriteReport()))
        target = Path(out)
        if target.resolve() != root.resolve():
            shutil.copytree(root, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("lock*"))
        return target / "report.html"


def load(
    model: str | nn.Module,
    data: str | Path | None = None,
    weights: str | Path | None = None,
    split: str = "val",
    classes: str | Path | None = None,
    image_size: int | None = None,
    crop_pct: float | None = None,
    mean: tuple[float, float, float] | None = None,
    std: tuple[float, float, float] | None = None,
    device: str = "auto",
    clip: str | None = None,
    allow_outside: bool = False,
    session: str | Path | None = None,
    label: str | None = None,
    threshold: float | str | Path | None = None,
) -> Inspection:
    """Return an `Inspection` of a classifier on a data set; the arguments are those of the command line.

    `model` is a module or what `-m` takes, `data` what `-d` takes (None with `npz:FILE`), `session` a
    directory (None: a temporary one, gone with the process). Nothing is loaded before something is asked.

    Where an image may have several labels, `label` is the one to look at (None: the most frequent) and
    `threshold` the probability above which an image has it, or a csv of label,threshold (None: 0.5).
    """
    in_memory = not isinstance(model, str)
    spec = f"{IN_MEMORY}{type(model).__name__}" if in_memory else str(model)
    if data is None and not spec.startswith("npz:"):
        raise InputError("load() needs data", "give what -d takes: a folder, a table, an archive")
    config = RunConfig(
        model=ModelConfig(spec, _text(weights)),
        data=DataConfig(
            str(data or spec),
            split=split,
            classes=_text(classes),
            label=label,
            threshold=DataConfig.threshold if threshold is None else str(threshold),
            allow_outside=allow_outside,
        ),
        preprocess=PreprocessConfig(image_size=image_size, crop_pct=crop_pct, mean=mean, std=std),
        compute=ComputeConfig(device=device),
        debug=DebugConfig(clip=clip or "none"),
    )
    root = Path(session) if session is not None else _temporary()
    return Inspection(config, root, None if isinstance(model, str) else model)


def open_session(root: str | Path) -> Inspection:
    """Return what `load` made, or the command line, from the session directory `root`."""
    config = Session.view(Path(root)).config
    if config is None:
        raise InputError(f"{root} has never been run", "load() a model and data with session=…")
    return Inspection(config, Path(root))


_TEMPORARY: list[tempfile.TemporaryDirectory[str]] = []
"""Kept until the process ends, so that results can still be looked at."""


def _temporary() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="neuroinspect-", ignore_cleanup_errors=True)
    _TEMPORARY.append(folder)
    return Path(folder.name)


def _text(path: str | Path | None) -> str | None:
    return None if path is None else str(path)
