"""Images to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..results import ImageNeighbours, Sample
from .base import Job


@dataclass(frozen=True)
class ListSamples(Job[tuple[Sample, ...]]):
    """List images of a class in the debugged split; `predicted` keeps those predicted as that class."""

    target: int
    predicted: int | None = None
    only_mistakes: bool = True
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "listing images"
    private: ClassVar[bool] = True


@dataclass(frozen=True)
class FindNeighbours(Job[ImageNeighbours]):
    """Find the images nearest to one in feature space: right ones of its class, and the labels of others."""

    split: str
    row: int
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "finding similar images"
    private: ClassVar[bool] = True


@dataclass(frozen=True)
class MakeThumbnails(Job[dict[int, str]]):
    """Write small pictures: row of the split to a PNG path relative to the session, "" if it has gone."""

    split: str
    rows: tuple[int, ...]
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "reading images"
    private: ClassVar[bool] = True
