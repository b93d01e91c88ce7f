"""report.md: the report for pull requests, wikis and terminals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..text import markdown
from .wording import (
    METRIC_ROWS,
    WORDS,
    decimal,
    group_name,
    heads,
    made_from,
    percent,
    repair_facts,
    short_name,
    worst_first,
)

WORST = 20
NEURONS = 8
UNREADABLE = 50


def render_markdown(report: dict[str, Any]) -> str:
    """Return the report as GitHub-flavoured Markdown; names from the data stay literal text."""
    sections = [_head(report), *_evaluation(report["evaluation"])]
    for found in report["debugged"]:
        sections += _debugged(found)
    sections += ["## How it was made", _list(made_from(report)), "## Words", _list(WORDS)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(report: dict[str, Any]) -> str:
    found = report["evaluation"]
    model, data, split = map(
        markdown, (short_name(report["model"]["name"]), report["data"]["name"], found["split"])
    )
    facts = [
        f"{found['samples']} images, {len(found['classes'])} classes",
        f"accuracy **{percent(found['accuracy'])}**",
        f"mean of classes **{percent(found['macro_accuracy'])}**",
    ]
    worst = found["worst_group"]
    if worst is not None:
        facts.append(f"worst group **{percent(worst['accuracy'])}** ({markdown(group_name(worst))})")
    notes = "".join(f"\n\n> {markdown(note)}" for note in report["data"]["notes"])
    return f"# NeuroInspect: {model} on {data}/{split}\n\n{' · '.join(facts)}{notes}"


def _evaluation(found: dict[str, Any]) -> list[str]:
    worst = worst_first(found["classes"])
    sections = [
        f"## Classes, worst first\n\n{_class_table(worst[:WORST])}",
        _rest(len(worst), WORST, "classes.csv"),
    ]
    if found["groups"]:
        groups = worst_first(found["groups"])
        sections += [f"## Groups, worst first\n\n{_group_table(groups[:WORST])}"]
        sections += [_rest(len(groups), WORST, "report.json")]
    if found["unreadable"]:
        rows = [
            f"- {markdown(row['path'])}: {markdown(row['reason'])}"
            for row in found["unreadable"][:UNREADABLE]
        ]
        count = len(found["unreadable"])
        title = "1 image could not be read" if count == 1 else f"{count} images could not be read"
        sections += [f"## {title}\n\n" + "\n".join(rows)]
        sections += [_rest(len(found["unreadable"]), UNREADABLE, "report.json")]
    return sections


def _rest(count: int, shown: int, file: str) -> str:
    return f"… and {count - shown} more in {file}." if count > shown else ""


def _class_table(rows: Iterable[dict[str, Any]]) -> str:
    cells = (
        (
            markdown(row["name"]),
            percent(row["accuracy"]),
            "–".join(percent(bound) for bound in row["interval"] or ()),
            f"{row['correct']}/{row['count']}",
            percent(row["precision"] if row["count"] else None),
            percent(row["f1"] if row["count"] else None),
            ", ".join(f"{markdown(other['name'])} {other['count']}" for other in row["confusions"][:3]),
        )
        for row in rows
    )
    return _table(("class", "accuracy", "95 %", "right", "precision", "F1", "mistaken for"), cells)


def _group_table(rows: Iterable[dict[str, Any]]) -> str:
    cells = (
        (markdown(group_name(row)), percent(row["accuracy"]), f"{row['correct']}/{row['count']}")
        for row in rows
    )
    return _table(("group", "accuracy", "right"), cells)


def _debugged(found: dict[str, Any]) -> list[str]:
    name = markdown(found["class"]["name"])
    sections = [f"## Class “{name}”: {found['mistakes']} mistakes"]
    for kind in ("insufficient", "excessive"):
        rows = found["neurons"][kind]
        if rows:
            sections += [f"### {kind.capitalize()} neurons\n\n{_neuron_table(rows[:NEURONS])}"]
            sections += [_rest(len(rows), NEURONS, "neurons.csv")]
    if found["mended_together"] is not None:
        sections += [
            f"The first five of each kind set at once mend {percent(found['mended_together'])} of the "
            f"mistakes, as many random neurons {percent(found['mended_random_together'])}."
        ]
    if found["illusions"]:
        sections += [f"### Illusions\n\n{_illusion_table(found['illusions'])}"]
    return sections + [_repair(repair) for repair in found["repairs"]]


def _neuron_table(rows: Iterable[dict[str, Any]]) -> str:
    cells = (
        (
            str(row["neuron"]),
            markdown(row["concept"] or "–"),
            f"{decimal(row['prec_at_5'], 1)} %",
            decimal(row["importance"], 2),
            percent(row["mended"]),
            percent(row["mended_random"]),
        )
        for row in rows
    )
    return _table(("neuron", "concept", "prec@5", "importance", "mends alone", "random neuron"), cells)


def _illusion_table(rows: Iterable[dict[str, Any]]) -> str:
    cells = (
        (
            str(row["neuron"]),
            f"![neuron {row['neuron']}]({row['image']})" if row["shown"] else "not shown here",
            decimal(row["ratio"], 2),
            decimal(row["robust_ratio"], 2),
            str(row["rank"]),
            percent(row["probability"]),
            "–" if row["clip_percentile"] is None else f"{row['clip_percentile']:.0f} %",
        )
        for row in rows
    )
    return _table(("neuron", "picture", "ratio", "robust", "rank", "class", "CLIP above"), cells)


def _repair(repair: dict[str, Any]) -> str:
    cells = []
    for label, read in METRIC_ROWS:
        cells.append((label, *(markdown(str(read(metrics))) for _, metrics in heads(repair))))
    lines = [
        f"### Repair {repair['number']}: {markdown(repair['method'])}",
        f"**{markdown(repair['sentence'])}** {markdown(repair['reason'])}".rstrip(),
        _table(("", *(markdown(name) for name, _ in heads(repair))), cells),
        "\n".join(f"- {markdown(fact)}" for fact in repair_facts(repair)),
    ]
    return "\n\n".join(lines)


def _list(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- **{markdown(name)}**: {markdown(text)}" for name, text in pairs)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
