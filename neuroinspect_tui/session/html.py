"""report.html: one file that opens anywhere, without network, scripts or other files."""

from __future__ import annotations

import base64
import hashlib
import itertools
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..results import ExemplarKind, ModeExemplar
from ..text import safe
from ..wording import cues as cue_words
from ..wording import modes as mode_words
from ..wording import stress as stress_words
from ..wording.culprits import percentile_words
from ..wording.glossary import GLOSSARY
from ..wording.names import short_name
from ..wording.numbers import class_name, decimal, interval, number, p_value, percent, plural, signed
from ..wording.verdicts import MOST_LOSERS
from . import plots, report_words
from .report_model import DebuggedPart, ExemplarPart, FailureModePart, Neuron, NeuronIllusion, Report

TEMPLATES = Path(__file__).with_name("templates")
PICTURE_LIMIT = 8 << 20
_PNG = b"\x89PNG\r\n\x1a\n"
_KINDS: tuple[ExemplarKind, ...] = ("mistakes", "class", "overall")


def render_html(report: Report, locate: Callable[[str], Path]) -> str:
    """Return the report as one HTML page; `locate` finds the pictures that it embeds (`Session.path`)."""
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    template = _environment().get_template("report.html.j2")
    page: str = template.render(
        report=report,
        names=report.data.classes,
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        classes=report_words.worst_first(report.evaluation.classes),
        groups=report_words.worst_first(report.evaluation.groups),
        debugged={found.class_.index for found in report.debugged},
        picture=lambda relative: picture(relative, locate),
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
    environment.filters.update(percent=percent, decimal=decimal, number=number, p_value=p_value)
    environment.globals.update(
        cards=neuron_cards,
        class_name=class_name,
        cue_words=cue_words,
        flat=flat,
        glossary=GLOSSARY,
        interval=interval,
        most_losers=MOST_LOSERS,
        mode_words=mode_words,
        percentile_words=percentile_words,
        pictures=mode_pictures,
        plural=plural,
        plots=plots,
        short_name=short_name,
        signed=signed,
        stress_words=stress_words,
        words=report_words,
    )
    return environment


@dataclass(frozen=True)
class InlinePicture:
    """A PNG as a data: address, with its size in pixels."""

    source: str
    width: int
    height: int


def picture(relative: str | None, locate: Callable[[str], Path]) -> InlinePicture | None:
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
    return InlinePicture(f"data:image/png;base64,{base64.b64encode(data).decode()}", width, height)


@dataclass(frozen=True)
class ModePictures:
    """The exemplars of a failure mode: its mistakes, those also seen covered, right ones, those with its
    region put in, other classes."""

    mistakes: tuple[ModeExemplar, ...]
    covered: tuple[ModeExemplar, ...]
    right: tuple[ModeExemplar, ...]
    put_in: tuple[ModeExemplar, ...]
    others: tuple[ModeExemplar, ...]


def mode_pictures(mode: FailureModePart) -> ModePictures:
    """Return the exemplars of a mode by what they show, each in the order of their scores."""
    own = {pair.label for pair in mode.pairs}
    rows = sorted(mode.exemplars, key=lambda row: -row.score)
    mistakes = tuple(row for row in rows if row.label in own and row.label != row.predicted)
    right = tuple(row for row in rows if row.label in own and row.label == row.predicted)
    return ModePictures(
        mistakes=mistakes,
        covered=tuple(row for row in mistakes if row.covered is not None),
        right=right,
        put_in=tuple(row for row in right if row.put_in is not None),
        others=tuple(row for row in rows if row.label not in own),
    )


@dataclass(frozen=True)
class Card:
    """What there is to see of a neuron."""

    neuron: int
    kind: str
    culprit: Neuron | None
    exemplars: Mapping[ExemplarKind, tuple[ExemplarPart, ...]]
    illusions: tuple[NeuronIllusion, ...]


def neuron_cards(found: DebuggedPart) -> list[Card]:
    """Return what there is to see of each neuron of a debugged class, in the order of the culprits.

    A neuron without exemplars and illusions has no card.
    """
    lists = {"insufficient": found.neurons.insufficient, "excessive": found.neurons.excessive}
    culprits = {row.neuron: (kind, row) for kind, rows in lists.items() for row in rows}
    seen = [*(row.neuron for row in found.exemplars), *(row.neuron for row in found.illusions)]
    order = [neuron for neuron in culprits if neuron in set(seen)]
    order += [neuron for neuron in dict.fromkeys(seen) if neuron not in culprits]
    return [_card(found, neuron, *culprits.get(neuron, ("", None))) for neuron in order]


def _card(found: DebuggedPart, neuron: int, kind: str, culprit: Neuron | None) -> Card:
    exemplars = [row for row in found.exemplars if row.neuron == neuron]
    return Card(
        neuron=neuron,
        kind=kind,
        culprit=culprit,
        exemplars={kind: tuple(row for row in exemplars if row.kind == kind) for kind in _KINDS},
        illusions=tuple(row for row in found.illusions if row.neuron == neuron),
    )


def flat(values: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested JSON values as (dotted name, text) pairs; what is None or empty is left out."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            pairs += flat(value, f"{prefix}{name}.")
        elif isinstance(value, (list, tuple)) and value:
            pairs.append((f"{prefix}{name}", ", ".join(map(str, value))))
        elif value not in (None, [], (), ""):
            pairs.append((f"{prefix}{name}", str(value)))
    return pairs


def _visible(value: object) -> object:
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value
