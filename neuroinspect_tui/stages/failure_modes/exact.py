"""Fisher's exact test, of one table or of several as strata."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

Table = tuple[int, int, int, int]
"""(hits, first, total, size): `hits` of the `first` images, `total` of all `size` images."""


def exact_p(tables: Sequence[Table]) -> float:
    """Return P(as many hits or more over all tables) given their margins; 1 without tables.

    The hypergeometric distributions of the strata are convolved.
    """
    chances, seen = np.ones(1), 0
    for hits, first, total, size in tables:
        low = max(0, first + total - size)
        counts = np.arange(low, min(first, total) + 1)
        logs = _log_choose(first, counts) + _log_choose(size - first, total - counts)
        chances = np.convolve(chances, np.exp(logs - _log_choose(size, np.array(total))))
        seen += hits - low
    return 1.0 if seen == 0 else min(1.0, float(chances[seen:].sum()))


def _log_choose(total: int, chosen: np.ndarray) -> np.ndarray:
    """Return the logarithm of the binomial coefficients."""
    whole, parts = _log_factorial(np.array(total)), _log_factorial(chosen) + _log_factorial(total - chosen)
    logs: np.ndarray = whole - parts
    return logs


def _log_factorial(counts: np.ndarray) -> np.ndarray:
    """Return ln(n!); scipy's `gammaln` would take a tenth of torch's time to load."""
    logs: np.ndarray = torch.lgamma(torch.as_tensor(counts + 1.0, dtype=torch.float64)).numpy()
    return logs
