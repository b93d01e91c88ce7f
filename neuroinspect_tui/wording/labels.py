"""The table of all labels, where an image may have several."""

from __future__ import annotations

from ..results import LabelResult
from .numbers import decimal, number, percent

LABEL_COLUMNS = (
    *("label", "images", "have it", "threshold", "accuracy", "recall", "precision"),
    *("AUROC", "average precision"),
)


def label_words(row: LabelResult) -> str:
    """Return the numbers of a label in a line: how many images have it, and how well it is told."""
    rates = f"AUROC {decimal(row.auroc, 3)}, average precision {decimal(row.average_precision, 3)}"
    have = f"{number(row.positives)} of {number(row.count)} have it"
    return f"{have}, right {percent(row.accuracy)} at {row.threshold:g}, {rates}"
