"""How numbers are written: one notation for one thing, a dash for "not defined"."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

NOTHING = "–"


def defined(value: float | None) -> bool:
    """Return whether there is a number at all."""
    return value is not None and math.isfinite(value)


def percent(rate: float | None, digits: int = 1) -> str:
    """Write a rate 0…1 in percent: 0.333 is `33.3 %`."""
    return NOTHING if rate is None or not math.isfinite(rate) else f"{100 * rate:.{digits}f} %"


def bare_percent(rate: float | None, digits: int = 1) -> str:
    """Write a rate 0…1 in percent without the sign, for columns that carry it: 0.333 is `33.3`."""
    return NOTHING if rate is None or not math.isfinite(rate) else f"{100 * rate:.{digits}f}"


def decimal(value: float | None, digits: int) -> str:
    """Write a number with `digits` decimals, a minus as a minus."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.{digits}f}".replace("-", "−")


def number(value: int) -> str:
    """Write a count with thin groups of three: 4210 is `4 210`."""
    return f"{value:,}".replace(",", " ")


def signed(change: float, digits: int = 1) -> str:
    """Write a change of a rate in points: +12.5, −0.3, ±0.0."""
    return signed_decimal(100 * change, digits)


def signed_decimal(value: float, digits: int = 2) -> str:
    """Write a number with its sign: +0.64, −0.30, ±0.00."""
    rounded = round(value, digits)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return f"{sign}{abs(rounded):.{digits}f}"


def p_value(p: float | None) -> str:
    """Write the p-value of a test: `p = 0.031`, `p < 0.0001`."""
    if p is None or not math.isfinite(p):
        return "p not defined"
    return f"p = {p:.2g}" if p >= 0.0001 else "p < 0.0001"


def interval(bounds: tuple[float, float] | None, digits: int = 0) -> str:
    """Write a 95 % interval of a rate: `19 % to 45 %`; nothing where there is none."""
    return "" if bounds is None else f"{percent(bounds[0], digits)} to {percent(bounds[1], digits)}"


def bar(rate: float | None, width: int) -> tuple[str, str]:
    """Split a bar of `width` cells into its full and its open part, in steps of half a cell.

    Anything above 0 leaves a trace; "not defined" has no bar at all.
    """
    if rate is None:
        return "", " " * width
    halves = round(max(0.0, min(1.0, rate)) * width * 2)
    if rate > 0:
        halves = max(1, halves)
    full = "━" * (halves // 2) + ("╸" if halves % 2 else "")
    return full, "─" * (width - len(full))


def duration(seconds: float) -> str:
    """Write a time span shortly: 0.4 s, 12 s, 2 min 05 s, 1 h 07 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def plural(value: int, singular: str, plural_form: str | None = None) -> str:
    """Write `1 mistake`, `2 mistakes`."""
    return f"{number(value)} {singular if value == 1 else plural_form or singular + 's'}"


def neurons(indices: Sequence[int], limit: int = 6) -> str:
    """Write neuron numbers, the first `limit` of them: `901, 1480 and 3 more`."""
    shown = ", ".join(str(index) for index in indices[:limit])
    return shown if len(indices) <= limit else f"{shown} and {len(indices) - limit} more"


def listed(items: Iterable[str]) -> str:
    """Join words as a sentence does: `a`, `a and b`, `a, b and c`."""
    words = list(items)
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def class_name(names: Sequence[str], index: int) -> str:
    """Return a class's name as it is, its number where the names are not known yet."""
    return names[index] if 0 <= index < len(names) else str(index)
