"""The factorisation and the exact tests, against scikit-learn's and scipy's, which take long to load."""

from __future__ import annotations

import warnings

import pytest
import torch
from scipy.stats import fisher_exact, rankdata
from sklearn.decomposition import NMF
from torch import Tensor

from neuroinspect_tui.stages.failure_modes.carried import carried_by
from neuroinspect_tui.stages.failure_modes.nmf import express, fit
from neuroinspect_tui.stages.failure_modes.ranks import average_ranks


def table_of_parts(rows: int, columns: int, parts: int) -> tuple[Tensor, Tensor]:
    """A table [M,D] of known parts [K,D], each in neurons of its own, and a little noise."""
    generator = torch.Generator().manual_seed(3)
    known = torch.zeros(parts, columns)
    for part, own in enumerate(torch.randperm(columns, generator=generator).chunk(parts)):
        known[part, own] = torch.rand(len(own), generator=generator)
    shares = torch.rand(rows, parts, generator=generator) ** 4
    return shares @ known + 0.01 * torch.rand(rows, columns, generator=generator), known


def cosines(first: Tensor, second: Tensor) -> Tensor:
    return torch.nn.functional.normalize(first, dim=1) @ torch.nn.functional.normalize(second, dim=1).T


def test_planted_parts_are_found_as_well_as_by_scikit_learn() -> None:
    table, known = table_of_parts(90, 64, 4)
    shares, parts = fit(table, 4)
    assert float(shares.min()) >= 0 and float(parts.min()) >= 0
    assert cosines(known, parts).max(dim=1).values.min() > 0.99
    model = NMF(4, init="nndsvda", random_state=0, max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = torch.from_numpy(model.fit_transform(table.numpy()) @ model.components_)
    error = float((table - shares @ parts).norm())
    assert error == pytest.approx(float((table - theirs).norm()), rel=0.02)


def test_rows_are_expressed_in_given_parts_as_by_scikit_learn() -> None:
    table, _ = table_of_parts(40, 32, 3)
    model = NMF(3, init="nndsvda", random_state=0, max_iter=100).fit(table.numpy())
    expected = torch.from_numpy(model.transform(table.numpy()))
    torch.testing.assert_close(
        express(table, torch.from_numpy(model.components_)), expected, atol=1e-4, rtol=0
    )


def test_one_factor_of_one_row_is_that_row() -> None:
    row = torch.tensor([[0.0, 0.25, 0.75]])
    shares, parts = fit(row, 1)
    torch.testing.assert_close(shares @ parts, row, atol=1e-4, rtol=0)


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    values = torch.tensor([3.0, 1.0, 3.0, 2.0, 3.0, 1.0])
    assert average_ranks(values).tolist() == [5, 1.5, 5, 3, 5, 1.5] == rankdata(values).tolist()


@pytest.mark.parametrize(
    ("mistakes", "right"),
    [
        ((23, 34), (7, 26)),
        ((0, 3), (2, 5)),
        ((5, 5), (0, 700)),
        ((300, 1000), (2000, 49000)),
        ((3, 3), (0, 0)),
    ],
)
def test_carried_is_tested_as_fisher_did(mistakes: tuple[int, int], right: tuple[int, int]) -> None:
    table = [[above, total - above] for above, total in (mistakes, right)]
    (found,) = carried_by([(mistakes, right)], [(mistakes, right)])
    assert found.p == pytest.approx(fisher_exact(table, alternative="greater").pvalue, rel=1e-8)
