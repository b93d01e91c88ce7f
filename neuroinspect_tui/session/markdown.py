"""report.md: the report for pull requests, wikis and terminals; with the content of report.html."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..results import ClassChange, ClassResult, LabelResult, ModeExemplar
from ..text import markdown
from ..wording import cues as cue_words
from ..wording import modes as mode_words
from ..wording import stress as stress_words
from ..wording.glossary import GLOSSARY
from ..wording.labels import LABEL_COLUMNS
from ..wording.names import short_name
from ..wording.numbers import NOTHING, class_name, decimal, number, p_value, percent, plural, signed
from ..wording.verdicts import MOST_LOSERS
from .report_model import (
    CuePart,
    DebuggedPart,
    EvaluationPart,
    FailureModePart,
    FlippedImage,
    Group,
    Neuron,
    NeuronIllusion,
    RepairPart,
    Report,
)
from .report_words import (
    METRIC_ROWS,
    against_words,
    aim_words,
    caveats,
    changed_classes,
    difference_words,
    estimated_group,
    gallery_title,
    group_name,
    heads,
    made_from,
    rates_words,
    repair_facts,
    worst_first,
)

WORST = 20
NEURONS = 8
UNREADABLE = 50
EXEMPLARS = 4
FLIPPED = 6


def render_markdown(report: Report) -> str:
    """Return the report as GitHub-flavoured Markdown; names from the data stay literal text."""
    sections = [_head(report), *_modes(report)]
    if report.cues:
        sections += [f"## Cues\n\n{_cue_table(report.cues, report.data.classes)}"]
    for found in report.debugged:
        sections += [_repair(repair, found.class_.name, report.data.classes) for repair in found.repairs]
    sections += _stress(report)
    sections += [f"## Before you rely on it\n\n{_items(caveats(report))}", *_evaluation(report.evaluation)]
    for found in report.debugged:
        sections += _debugged(found)
    sections += ["## How it was made", _pairs(made_from(report)), "## Words", _pairs(GLOSSARY)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(report: Report) -> str:
    found = report.evaluation
    model, data, split = map(markdown, (short_name(report.model.name), report.data.name, found.split))
    facts = [
        f"{number(found.samples)} images, {len(found.classes)} classes",
        f"accuracy **{percent(found.accuracy)}**",
        f"mean of classes **{percent(found.macro_accuracy)}**",
    ]
    worst = found.worst_group
    if worst is not None:
        estimated = ", estimated" if estimated_group(worst, [cue.name for cue in report.cues]) else ""
        facts.append(f"worst group **{percent(worst.accuracy)}** ({markdown(group_name(worst))}{estimated})")
    return f"# NeuroInspect: {model} on {data}/{split}\n\n{' · '.join(facts)}"


def _modes(report: Report) -> list[str]:
    if not report.failure_modes:
        return []
    names = report.data.classes
    cards = (_mode(mode, rank, names) for rank, mode in enumerate(report.failure_modes, 1))
    return ["## Why it fails", *cards]


def _mode(mode: FailureModePart, rank: int, names: Sequence[str]) -> str:
    marks = [
        mode_words.size(mode),
        *(["spurious cue"] if mode.spurious else []),
        *(["weak"] if mode.weak else []),
    ]
    lines = [
        f"### {rank}. {markdown(mode_words.title(mode, names))}",
        f"**{markdown(mode_words.sentence(mode, names))}.** {' · '.join(marks)}",
        _mode_pictures(mode, names),
        _pairs(mode_words.evidence(mode)),
        _items(mode_words.caveats(mode)),
    ]
    return "\n\n".join(filter(None, lines))


def _mode_pictures(mode: FailureModePart, names: Sequence[str]) -> str:
    """Return a table of the highest mistakes, with what they become without the cue where that was tried.

    Columns that no image has anything for are left out: recorded answers come without pictures.
    """
    wrong = [row for row in sorted(mode.exemplars, key=lambda row: -row.score) if row.label != row.predicted][
        :EXEMPLARS
    ]
    if not wrong:
        return ""
    how = "recoloured" if mode.cover is not None and mode.cover.by == "colour" else "covered"
    columns = {
        "mistake": [f"![mistake]({row.image})" if row.image else NOTHING for row in wrong],
        "class": [markdown(class_name(names, row.label)) for row in wrong],
        "predicted as": [markdown(class_name(names, row.predicted)) for row in wrong],
        how: [_covered(row, names, how) for row in wrong],
        "image": [markdown(row.path) for row in wrong],
    }
    known = {header: cells for header, cells in columns.items() if set(cells) != {NOTHING}}
    return _table(tuple(known), zip(*known.values(), strict=True))


def _covered(row: ModeExemplar, names: Sequence[str], how: str) -> str:
    if row.covered is None or row.covered_predicted is None:
        return NOTHING
    return f"![{how}]({row.covered}) {markdown(class_name(names, row.covered_predicted))}"


def _stress(report: Report) -> list[str]:
    found, names = report.stress, report.data.classes
    if found is None:
        return []
    cells = (
        (
            markdown(stress_words.change_words(pull)),
            markdown(class_name(names, pull.target)),
            f"{signed(pull.pull)}",
            str(pull.gained),
            str(pull.lost),
            str(pull.images),
            markdown(p_value(pull.p)),
        )
        for pull in found.pulls[: stress_words.SHOWN]
    )
    header = ("change", "pulls towards", "points", "gained", "lost", "images of others", "p")
    sentence = markdown(stress_words.stress_sentence(found, names))
    rest = _rest(len(found.pulls), stress_words.SHOWN, "report.json")
    return [f"## Stress battery\n\n{sentence}", _table(header, cells), rest]


def _cue_table(cues: Iterable[CuePart], names: Sequence[str]) -> str:
    cells = (
        (
            markdown(cue.name),
            cue_words.ORIGINS[cue.from_],
            cue_words.tag_words(cue.tags.has, cue.tags.not_),
            "–"
            if (probe := cue.probe) is None
            else markdown(cue_words.carried_sentence(cue.name, probe, names)),
        )
        for cue in cues
    )
    return _table(("cue", "from", "tags by hand", "carried, estimated"), cells)


def _evaluation(found: EvaluationPart) -> list[str]:
    worst = worst_first(found.classes)
    sections = [
        f"## Classes, worst first\n\n{_class_table(worst[:WORST])}",
        _rest(len(worst), WORST, "classes.csv"),
    ]
    if found.labels:
        sections += [f"## All labels\n\n{_label_table(found.labels)}"]
    if found.groups:
        groups = worst_first(found.groups)
        sections += [f"## Groups, worst first\n\n{_group_table(groups[:WORST])}"]
        sections += [_rest(len(groups), WORST, "report.json")]
    if found.unreadable:
        rows = [f"- {markdown(row.path)}: {markdown(row.reason)}" for row in found.unreadable[:UNREADABLE]]
        sections += [f"## {plural(len(found.unreadable), 'image')} could not be read\n\n" + "\n".join(rows)]
        sections += [_rest(len(found.unreadable), UNREADABLE, "report.json")]
    return sections


def _label_table(rows: Iterable[LabelResult]) -> str:
    cells = (
        (
            markdown(row.name),
            number(row.count),
            number(row.positives),
            f"{row.threshold:g}",
            percent(row.accuracy),
            percent(row.recall),
            percent(row.precision),
            decimal(row.auroc, 3),
            decimal(row.average_precision, 3),
        )
        for row in rows
    )
    return _table(LABEL_COLUMNS, cells)


def _rest(count: int, shown: int, file: str) -> str:
    return f"… and {count - shown} more in {file}." if count > shown else ""


def _class_table(rows: Iterable[ClassResult]) -> str:
    cells = (
        (
            markdown(row.name),
            percent(row.accuracy),
            "–".join(percent(bound) for bound in row.interval or ()),
            f"{row.correct}/{row.count}",
            percent(row.precision if row.count else None),
            percent(row.f1 if row.count else None),
            ", ".join(f"{markdown(other.name)} {other.count}" for other in row.confusions[:3]),
        )
        for row in rows
    )
    return _table(("class", "accuracy", "95 %", "right", "precision", "F1", "predicted as"), cells)


def _group_table(rows: Iterable[Group]) -> str:
    cells = ((markdown(group_name(row)), percent(row.accuracy), f"{row.correct}/{row.count}") for row in rows)
    return _table(("group", "accuracy", "right"), cells)


def _debugged(found: DebuggedPart) -> list[str]:
    name = markdown(found.class_.name)
    sections = [f"## Neurons behind the {plural(found.mistakes, 'mistake')} on “{name}”"]
    lists = {"Insufficient": found.neurons.insufficient, "Excessive": found.neurons.excessive}
    for kind, rows in lists.items():
        if rows:
            sections += [f"### {kind} neurons\n\n{_neuron_table(rows[:NEURONS])}"]
            sections += [_rest(len(rows), NEURONS, "neurons.csv")]
    if found.mended_together is not None:
        sections += [
            f"The first five of each kind set at once fix {percent(found.mended_together)} of the "
            f"mistakes, as many random neurons {percent(found.mended_random_together)}."
        ]
    if found.illusions:
        sections += [f"### Illusions\n\n{_illusion_table(found.illusions)}"]
    return sections


def _neuron_table(rows: Iterable[Neuron]) -> str:
    cells = (
        (
            str(row.neuron),
            markdown(row.concept or "–"),
            f"{decimal(row.prec_at_5, 1)} %",
            decimal(row.importance, 2),
            percent(row.mended),
            percent(row.mended_random),
        )
        for row in rows
    )
    return _table(("neuron", "concept", "prec@5", "importance", "fixes alone", "random neuron"), cells)


def _illusion_table(rows: Iterable[NeuronIllusion]) -> str:
    cells = (
        (
            str(row.neuron),
            f"![neuron {row.neuron}]({row.image})" if row.shown else "not shown here",
            decimal(row.ratio, 2),
            decimal(row.robust_ratio, 2),
            str(row.rank),
            percent(row.probability),
            "–" if row.clip_percentile is None else f"{row.clip_percentile:.0f} %",
        )
        for row in rows
    )
    return _table(("neuron", "picture", "ratio", "robust", "rank", "class", "CLIP above"), cells)


def _repair(repair: RepairPart, class_name: str, names: Sequence[str]) -> str:
    lines = [
        f"## Repair {repair.number}: {markdown(repair.method)} for {markdown(class_name)}",
        f"**{markdown(repair.sentence)}** {markdown(repair.reason)}".rstrip(),
        _verdict_table(repair, class_name),
        _losers(repair),
        _change_table(changed_classes(repair)),
        _gallery("Fixed", repair.fixed_images, repair.fixed, names),
        _gallery("Broken", repair.broken_images, repair.broken, names),
        _head_table(repair),
        _items(repair_facts(repair, names)),
    ]
    return "\n\n".join(filter(None, lines))


def _gallery(what: str, rows: Sequence[FlippedImage], count: int, names: Sequence[str]) -> str:
    """Return a row of pictures above the answers before and after the repair."""
    if not rows:
        return ""
    shown = rows[:FLIPPED]
    answers = (
        f"{markdown(class_name(names, row.predicted))} → {markdown(class_name(names, row.repaired))}"
        for row in shown
    )
    pictures = [f"![{what.lower()}]({row.image})" if row.image else "no picture" for row in shown]
    paths = [markdown(row.path) for row in shown]
    return f"{gallery_title(what, shown, count)}\n\n{_table(pictures, [list(answers), paths])}"


def _verdict_table(repair: RepairPart, class_name: str) -> str:
    header = ("judged on", "against", "images", "fixed", "broken", "before → after", "points (95 %)", "p")
    cells = (
        (
            markdown(aim_words(repair, line, class_name)),
            against_words(repair, line),
            str(line.n),
            str(line.fixed),
            str(line.broken),
            rates_words(line),
            difference_words(line),
            markdown(p_value(line.p)),
        )
        for line in repair.verdict.comparisons
    )
    return _table(header, cells) if repair.verdict.comparisons else ""


def _losers(repair: RepairPart) -> str:
    rows = [
        f"{markdown(row.class_)} {percent(row.before)} → {percent(row.after)}"
        for row in repair.verdict.losers
    ]
    return f"Losing: {', '.join(rows)}." if len(rows) > MOST_LOSERS else ""


def _change_table(rows: Sequence[ClassChange]) -> str:
    cells = (
        (markdown(row.name), percent(row.before), percent(row.after), str(row.count)) for row in rows[:WORST]
    )
    return _table(("class", "before", "after", "images"), cells) if rows else ""


def _head_table(repair: RepairPart) -> str:
    cells = [
        (label, *(markdown(str(read(metrics))) for _, metrics in heads(repair)))
        for label, read in METRIC_ROWS
    ]
    return _table(("", *(markdown(name) for name, _ in heads(repair))), cells)


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- **{markdown(name)}**: {markdown(text)}" for name, text in pairs)


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {markdown(line)}" for line in lines)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
