"""Fisher's exact test, of one table or of several as strata."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln

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
    logs: np.ndarray = gammaln(total + 1) - gammaln(chosen + 1) - gammaln(total - chosen + 1)
    return logs
