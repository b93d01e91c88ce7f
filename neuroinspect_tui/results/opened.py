"""What was loaded: the title line and the head of the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preprocessing:
    """What is done to an image before the classifier sees it.

    The shorter side (both with `squash`, the longer one with `border`) becomes `resize` pixels, the middle
    `size` x `size` is kept, then
    (pixel − mean) / std for pixels in 0…1.
    """

    resize: int
    size: int
    squash: bool
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    border: bool = False


@dataclass(frozen=True)
class Opened:
    """What was loaded: shown in the title line and in the report.

    `unrepairable` says why no file could hold another decision layer.
    """

    model: str
    data: str
    split: str
    splits: dict[str, int]
    classes: tuple[str, ...]
    features: int
    device: str
    precision: str
    parameters: int
    clip: str | None
    group_columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
    unrepairable: str | None = None
