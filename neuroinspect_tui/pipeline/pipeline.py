"""Jobs in, results out: the worker's runner."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import torch

from ..config import RunConfig
from ..events import Reporter
from ..jobs import Job
from ..session.store import Session
from . import attributing, evaluating, picturing, repairing, reporting
from .project import Project

HANDLERS = {
    **evaluating.HANDLERS,
    **attributing.HANDLERS,
    **picturing.HANDLERS,
    **repairing.HANDLERS,
    **reporting.HANDLERS,
}


class Pipeline:
    """Runs each job on the project of one session; `interactive` leaves a core to the interface."""

    def __init__(self, config: RunConfig, directory: Path, interactive: bool = False) -> None:
        if interactive:
            torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))
        gc.collect()
        gc.freeze()
        self.session = Session.open(directory)
        try:
            self.project = Project(config, self.session)
        except BaseException:
            self.session.close()
            raise

    def run(self, job: Job, reporter: Reporter) -> Any:
        """Do `job` and return its value; raises InputError and Cancelled."""
        self.session.journal("started", job=type(job).__name__, **vars(job))
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast(self.project.device.type, enabled=False),
        ):
            value = HANDLERS[type(job)](self.project, job, reporter)
        self.session.journal("finished", job=type(job).__name__)
        return value

    def close(self) -> None:
        """Let the session go."""
        self.session.close()
