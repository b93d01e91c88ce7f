"""What every job is: a value that names the type of its answer and where a session keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, get_args, get_origin

from typing_extensions import TypeVar as TypeVarWithDefault

from ..config import RunConfig

R = TypeVarWithDefault("R", covariant=True, default=object)
T = TypeVar("T")
Owner = TypeVar("Owner")
Out = TypeVar("Out")


class Load(Protocol):
    """`Session.load`: the value stored under a name, or None; raises InputError for a damaged one."""

    def __call__(self, name: str, kind: type[T], /) -> T | None:
        """Return the value of type `kind` stored under `name`."""


@dataclass(frozen=True)
class Job(Generic[R]):
    """Base of all jobs, `R` the type of the answer.

    The queue runs the lowest `priority` first, then the newest request. Jobs that change what the user has
    (`in_order`) run before others of their priority, the oldest first. A `private` answer is of use only to
    the face that asked: those that follow the session do not see it.
    """

    kinds: ClassVar[dict[str, type[Job]]] = {}
    priority: ClassVar[int] = 5
    label: ClassVar[str] = "working"
    in_order: ClassVar[bool] = False
    private: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        Job.kinds[cls.__name__] = cls

    @classmethod
    def result(cls) -> type[R]:
        """Return the type of the answer: what stands in the brackets of `class Kind(Job[...])`."""
        bases = cls.__orig_bases__  # type: ignore[attr-defined]
        kind: type[R] = next(get_args(base)[0] for base in bases if get_origin(base) is Job)
        return kind

    def key(self, config: RunConfig) -> str | None:
        """Return the name under which a session keeps the answer; None where it keeps none.

        Jobs whose answers are parts of one whole share a name: the value under it may hold more than was
        asked for.
        """
        return None

    def recall(self, config: RunConfig, load: Load) -> R | None:
        """Return the answer that a session knows, with what was found about it since, or None."""
        key = self.key(config)
        return None if key is None else load(key, self.result())

    # Tables of functions by job: a classmethod knows both the job's own type and that of its answer, so the
    # type checker sees whether a function fits; a plain dict could not say that the two belong together.

    @classmethod
    def handled_by(
        cls, handler: Callable[[Owner, Self, Out], R]
    ) -> tuple[type[Job], Callable[[Owner, Any, Out], object]]:
        """Return an entry for a table of what does each job: `handler(owner, job, out)` gives the answer."""
        return cls, handler

    @classmethod
    def taken_by(
        cls, taker: Callable[[Owner, Self, R], Out]
    ) -> tuple[type[Job], Callable[[Owner, Any, Any], Out]]:
        """Return an entry for a table of what is done with each answer by `taker(owner, job, answer)`."""
        return cls, taker
