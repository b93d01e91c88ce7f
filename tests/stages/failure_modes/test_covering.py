"""Which images the colours of a mode are taken from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from neuroinspect_tui.stages.failure_modes import FailureModes
from neuroinspect_tui.stages.failure_modes.covering import colour_change
from neuroinspect_tui.tensors import SplitFeatures


def test_colours_go_from_the_highest_quarter_of_the_class_to_the_lowest() -> None:
    """Class 0 has rows 0 to 7, its only mistake row 3; class 1 scores higher still, and is left out."""
    labels = torch.tensor([0] * 8 + [1] * 2)
    values = torch.tensor([5.0, 1, 8, 7, 2, 6, 3, 4, 99, -99])
    data = SplitFeatures(
        "val",
        torch.zeros(10, 1),
        labels,
        torch.zeros(10, 5),
        torch.zeros(10, 5, dtype=torch.int64),
        torch.zeros(10),
        [str(row) for row in range(10)],
        torch.arange(10),
    )
    found = FailureModes((), torch.ones(1, 1), torch.zeros(1), torch.tensor([3]), torch.tensor([0]))

    def read(rows: Sequence[int]) -> Tensor:
        return (torch.tensor(rows) / 10)[:, None, None, None].expand(-1, 3, 2, 2)

    change = colour_change(data, found, 0, values, read)
    # highest: rows 2 and 3 (0.2 and 0.3); lowest: rows 4 and 1 (0.4 and 0.1)
    for part, expected in (
        (change.mean, 0.25),
        (change.deviation, 0.05),
        (change.wanted_mean, 0.25),
        (change.wanted_deviation, 0.15),
    ):
        assert torch.allclose(part, torch.full((3,), expected), atol=1e-6)
