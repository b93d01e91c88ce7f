"""How numbers are written on screen: fixed width, one notation for one thing, a dash for "not defined"."""

from __future__ import annotations

from collections.abc import Sequence

from ..text import safe

NOTHING = "–"


def percent(rate: float | None, digits: int = 1) -> str:
    """Write a rate 0…1 as a percentage without its sign: 0.333 is `33.3`."""
    return NOTHING if rate is None else f"{100 * rate:.{digits}f}"


def number(value: int) -> str:
    """Write a count with thin groups of three: 4210 is `4 210`."""
    return f"{value:,}".replace(",", " ")


def signed(change: float, digits: int = 1) -> str:
    """Write a change of a rate in points: +12.5, −0.3, ±0.0."""
    points = round(100 * change, digits)
    sign = "+" if points > 0 else "−" if points < 0 else "±"
    return f"{sign}{abs(points):.{digits}f}"


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


def short_name(spec: str) -> str:
    """Return the telling end of a model or data name: `demo_resnet`, `resnet50`, `data/manifest.csv`."""
    if "/" in spec or "\\" in spec:
        parts = [part for part in spec.replace("\\", "/").split("/") if part]
        spec = "/".join(parts[-2:])
    return spec.rsplit(":", 1)[-1]


def plural(value: int, singular: str, plural_form: str | None = None) -> str:
    """Write `1 mistake`, `2 mistakes`."""
    return f"{number(value)} {singular if value == 1 else plural_form or singular + 's'}"


def neurons(indices: tuple[int, ...], limit: int = 6) -> str:
    """Write neuron numbers, the first `limit` of them: `901, 1480 and 3 more`."""
    shown = ", ".join(str(index) for index in indices[:limit])
    return shown if len(indices) <= limit else f"{shown} and {len(indices) - limit} more"


def class_word(names: Sequence[str], index: int) -> str:
    """Return a class's name safe to show, its number where the names are not known yet."""
    return safe(names[index], 60) if index < len(names) else str(index)
