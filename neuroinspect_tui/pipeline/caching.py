"""Answers that the session keeps: found once, then read from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from ..events import Reporter
from ..jobs import Job
from .project import Project

J = TypeVar("J", bound=Job[Any])
R = TypeVar("R")


def cached(find: Callable[[Project, J, Reporter], R]) -> Callable[[Project, J, Reporter], R]:
    """Return `find`, asked only for an answer that the session does not know yet, which is then kept.

    A fresh answer is read back like an old one: so both have what was found about it since.
    """

    @wraps(find)
    def answer(project: Project, job: J, reporter: Reporter) -> R:
        known: R | None = project.known(job)
        if known is not None:
            return known
        found = find(project, job, reporter)
        project.keep(job, found)
        kept: R | None = project.known(job)
        return found if kept is None else kept

    return answer
