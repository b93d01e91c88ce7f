"""report.html: one file that opens anywhere, without network, scripts or other files."""

from __future__ import annotations

import base64
import hashlib
import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..text import safe
from . import wording

TEMPLATES = Path(__file__).with_name("templates")
PICTURE_LIMIT = 8 << 20
_PNG = b"\x89PNG\r\n\x1a\n"
_KINDS = ("mistakes", "class", "overall")


def render_html(report: dict[str, Any], locate: Callable[[str], Path]) -> str:
    """Return the report as one HTML page; `locate` finds the pictures that it embeds (`Session.path`)."""
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    template = _environment().get_template("report.html.j2")
    page: str = template.render(
        report=report,
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        classes=wording.worst_first(report["evaluation"]["classes"]),
        groups=wording.worst_first(report["evaluation"]["groups"]),
        cards=neuron_cards,
        picture=lambda relative: picture(relative, locate),
        wording=wording,
        flat=flat,
        serial=itertools.count(1).__next__,
    )
    return page.lstrip()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters.update(percent=wording.percent, decimal=wording.decimal)
    return environment


@dataclass(frozen=True)
class Picture:
    """A PNG as a data: address, with its size in pixels."""

    source: str
    width: int
    height: int


def picture(relative: str | None, locate: Callable[[str], Path]) -> Picture | None:
    """Return a PNG of the session, or None when there is no such picture or it is larger than 8 MiB.

    Raises InputError when the path leads out of the session.
    """
    if relative is None:
        return None
    path = locate(relative)
    if not path.is_file() or path.stat().st_size > PICTURE_LIMIT:
        return None
    data = path.read_bytes()
    if data[:8] != _PNG or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return Picture(f"data:image/png;base64,{base64.b64encode(data).decode()}", width, height)


def neuron_cards(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what there is to see of each neuron of a debugged class, in the order of the culprits.

    A neuron without exemplars and illusions has no card.
    """
    culprits = {
        row["neuron"]: {**row, "kind": kind}
        for kind in ("insufficient", "excessive")
        for row in found["neurons"][kind]
    }
    seen = [row["neuron"] for row in (*found["exemplars"], *found["illusions"])]
    order = [neuron for neuron in culprits if neuron in set(seen)]
    order += [neuron for neuron in dict.fromkeys(seen) if neuron not in culprits]
    return [_card(found, neuron, culprits.get(neuron)) for neuron in order]


def _card(found: dict[str, Any], neuron: int, culprit: dict[str, Any] | None) -> dict[str, Any]:
    exemplars = [row for row in found["exemplars"] if row["neuron"] == neuron]
    return {
        "neuron": neuron,
        "culprit": culprit,
        "exemplars": {kind: [row for row in exemplars if row["kind"] == kind] for kind in _KINDS},
        "illusions": [row for row in found["illusions"] if row["neuron"] == neuron],
    }


def flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested JSON values as (dotted name, text) pairs; what is None or empty is left out."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            pairs += flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value:
            pairs.append((f"{prefix}{name}", ", ".join(map(str, value))))
        elif value not in (None, [], ""):
            pairs.append((f"{prefix}{name}", str(value)))
    return pairs


def _visible(value: Any) -> Any:
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value
