"""Jobs in, results out: the worker's runner."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar, cast

import torch

from ..config import RunConfig
from ..errors import Cancelled, InputError
from ..events import Reporter
from ..jobs import Evaluate, Illustrate, Job, Open
from ..models.device import is_out_of_memory
from ..runtime.rank_group import RankGroup
from ..runtime.ranks import Ranks
from ..session.store import Session
from . import attributing, evaluating, modes
from .journalling import journalled
from .project import Project

T = TypeVar("T")
Handlers = dict[type[Job], Callable[[Project, Any, Reporter], object]]
"""What does each job; `Job.handled_by` has checked that the handler takes the job and gives its answer."""
FIRST: Handlers = dict((*evaluating.HANDLERS, *modes.HANDLERS, *attributing.HANDLERS))
SHARED_OUT = (Open, Evaluate, Illustrate)
"""Jobs in which every rank has a part; the others are done by rank 0, which shares the outcome."""


@cache
def later() -> Handlers:
    """Return what does the jobs that no first answer needs; loading it takes a fifth of torch's time."""
    from . import (
        copies,
        cueing,
        exporting,
        looking,
        naming,
        picturing,
        prescribing,
        repairing,
        reporting,
        stressing,
        verifying,
    )

    rooms = (
        copies, cueing, exporting, looking, naming, picturing, prescribing, repairing, reporting, stressing,
        verifying,
    )  # fmt: skip
    return dict(entry for room in rooms for entry in room.HANDLERS)


class Pipeline:
    """Runs each job on the project of one session; `module` is a model that was built already.

    Of several `ranks`, rank 0 holds the session; the others add features and pictures to it.
    """

    def __init__(
        self,
        config: RunConfig,
        directory: Path,
        ranks: Ranks | None = None,
        module: torch.nn.Module | None = None,
    ) -> None:
        self._refused = self._opened = False
        self.group = RankGroup.join(ranks or Ranks())
        self.group.on_rank_zero(lambda: self._open(directory))
        if not self.group.ranks.leads:
            self.session = Session.view(directory)
        try:
            with self.group.synchronized():
                self.project = Project(config, self.session, self.group, module)
        except BaseException as error:
            self._refused = isinstance(error, InputError)
            self.close()
            raise

    def _open(self, directory: Path) -> None:
        self.session = Session.open(directory)

    def run(self, job: Job[T], reporter: Reporter) -> T:
        """Do `job` and return its answer; raises InputError, and Cancelled also before `Open` succeeded."""
        if not self.group.ranks.leads:
            return self._run(job, reporter)
        try:
            return journalled(self.session, job, reporter, partial(self._run, job))
        except InputError:
            self._refused = self._refused or isinstance(job, Open)
            raise

    def _run(self, job: Job[T], reporter: Reporter) -> T:
        """Do `job`; nothing is done with inputs that were not opened, for they may not be the session's."""
        opens = isinstance(job, Open)
        if not (opens or self._opened):
            raise Cancelled
        self._opened = not opens
        answer = self._handle(job, reporter)
        self._opened = True
        return answer

    def _handle(self, job: Job[T], reporter: Reporter) -> T:
        found = FIRST.get(type(job)) or later()[type(job)]
        handle = cast("Callable[[Project, Job[T], Reporter], T]", found)
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast(self.project.device.type, enabled=False),
        ):
            try:
                if type(job) in SHARED_OUT:
                    return handle(self.project, job, reporter)
                return self.group.on_rank_zero(lambda: handle(self.project, job, reporter))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                message = f"{job.label}: {self.project.device} does not have enough memory"
                raise InputError(message, "use --device cpu, or a smaller --image-size") from error

    def close(self) -> None:
        """Let the session and the other ranks go; of inputs that were refused no new session is left."""
        self.session.close(self._refused)
        self.group.close()
