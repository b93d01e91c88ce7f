"""What goes into a report, and the report made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from ..config import RunConfig
from ..results import (
    ClassRef,
    Comparison,
    Cue,
    Culprit,
    CulpritReport,
    Evaluation,
    Exemplar,
    FailureMode,
    GroupResult,
    Illusion,
    Metrics,
    Opened,
    Prescription,
    Repair,
    RepairedImage,
    SplitDuplicates,
    StressResult,
    Verdict,
    Verification,
)
from ..wording.culprits import suspicion_words
from ..wording.verdicts import choice_sentence, verdict_sentence
from . import report_model as form


@dataclass(frozen=True)
class FlippedGallery:
    """Some images that a repair fixed and some that it broke, and their pictures in the session by path."""

    fixed: tuple[RepairedImage, ...]
    broken: tuple[RepairedImage, ...]
    pictures: Mapping[str, str]


@dataclass(frozen=True)
class Debugged:
    """What was found about one class; what belongs to a repair is by its number."""

    culprits: CulpritReport
    illusions: tuple[Illusion, ...] = ()
    exemplars: tuple[Exemplar, ...] = ()
    repairs: tuple[Repair, ...] = ()
    verifications: Mapping[int, Verification] = field(default_factory=dict)
    prescriptions: Mapping[int, Prescription] = field(default_factory=dict)
    galleries: Mapping[int, FlippedGallery] = field(default_factory=dict)


@dataclass(frozen=True)
class Findings:
    """Everything that goes into a report.

    `hashes` as given to `Session.bind`; `environment` versions, platform and times (the only part,
    with `seconds` of a repair, that may differ between two runs of the same command).
    """

    opened: Opened
    config: RunConfig
    hashes: Mapping[str, str]
    environment: Mapping[str, str | int | float | None]
    evaluation: Evaluation
    debugged: tuple[Debugged, ...] = field(default=())
    failure_modes: tuple[FailureMode, ...] = ()
    cues: tuple[Cue, ...] = ()
    duplicates: tuple[SplitDuplicates, ...] = ()
    stress: StressResult | None = None


def build_report(findings: Findings) -> form.Report:
    """Return the report; failure modes come by mistakes, the largest first."""
    repairs = [repair for found in findings.debugged for repair in found.repairs]
    classes = findings.opened.classes
    return form.Report(
        model=_model(findings),
        data=_data(findings),
        environment=dict(findings.environment),
        config=findings.config,
        evaluation=_evaluation(findings.evaluation),
        failure_modes=tuple(map(_mode, ranked(findings.failure_modes))),
        stress=findings.stress,
        cues=tuple(map(_cue, findings.cues)),
        debugged=tuple(_debugged(found, classes, repairs) for found in findings.debugged),
    )


def ranked(modes: Iterable[FailureMode]) -> list[FailureMode]:
    """Return failure modes in the order of the report: by mistakes, then as they were found."""
    return sorted(modes, key=lambda mode: -mode.mistakes)


def _model(findings: Findings) -> form.ModelPart:
    opened, config = findings.opened, findings.config.model
    return form.ModelPart(
        name=opened.model,
        spec=config.spec,
        weights=config.weights,
        classes=len(opened.classes),
        features=opened.features,
        parameters=opened.parameters,
        device=opened.device,
        precision=opened.precision,
        clip=opened.clip,
        hashes=dict(sorted(findings.hashes.items())),
    )


def _data(findings: Findings) -> form.DataPart:
    opened = findings.opened
    return form.DataPart(
        name=opened.data,
        source=findings.config.data.source,
        split=opened.split,
        splits=opened.splits,
        classes=opened.classes,
        group_columns=opened.group_columns,
        notes=opened.notes,
        preprocessing=opened.preprocessing,
        duplicates=form.Duplicates(between_splits=findings.duplicates),
    )


def _evaluation(found: Evaluation) -> form.EvaluationPart:
    return form.EvaluationPart(
        split=found.split,
        samples=found.samples,
        unreadable=found.unreadable,
        accuracy=found.accuracy,
        macro_accuracy=found.macro_accuracy,
        classes=found.classes,
        groups=tuple(map(_group, found.groups)),
        worst_group=None if found.worst_group is None else _group(found.worst_group),
        labels=found.labels,
    )


def _group(row: GroupResult) -> form.Group:
    return form.Group(
        column=row.column,
        value=row.value,
        class_=row.class_name,
        class_index=row.class_index,
        count=row.count,
        correct=row.correct,
        accuracy=row.accuracy,
    )


def _mode(found: FailureMode) -> form.FailureModePart:
    return form.FailureModePart(
        id=found.id,
        name=found.name,
        name_auroc=found.name_auroc,
        spurious=found.spurious,
        weak=found.weak,
        mistakes=found.mistakes,
        share=found.share,
        pairs=found.pairs,
        neurons=found.neurons,
        carried=found.carried,
        cover=found.cover,
        projected=found.projected,
        statistic=found.statistic,
        exemplars=found.exemplars,
        illusions=tuple(map(_illusion_numbers, found.illusions)),
        histogram=found.histogram,
        flips=found.flips,
    )


def _illusion_numbers(row: Illusion) -> form.IllusionNumbers:
    return form.IllusionNumbers(
        class_=row.target.name,
        seed=row.seed,
        image=row.image,
        mask=row.mask,
        activation=row.activation,
        ratio=row.ratio,
        robust_ratio=row.robust_ratio,
        rank=row.rank,
        probability=row.probability,
        logit=row.logit,
        clip_similarity=row.clip_similarity,
        clip_percentile=row.clip_percentile,
        shown=row.shown,
    )


def _illusion(row: Illusion) -> form.NeuronIllusion:
    return form.NeuronIllusion(neuron=row.neuron, **dict(_illusion_numbers(row)))


def _cue(found: Cue) -> form.CuePart:
    probe = None if found.probe is None else form.ProbePart(**asdict(found.probe))
    tags = form.TagNumbers(has=found.tags.has, not_=found.tags.not_)
    return form.CuePart(name=found.name, tags=tags, from_=found.origin, probe=probe)


def _debugged(found: Debugged, classes: tuple[str, ...], repairs: Iterable[Repair]) -> form.DebuggedPart:
    culprits = found.culprits
    name = culprits.target.name
    return form.DebuggedPart(
        class_=culprits.target,
        mode=culprits.mode,
        mistakes=culprits.mistakes,
        unflipped=culprits.unflipped,
        mended_together=culprits.mended_together,
        mended_random_together=culprits.mended_random_together,
        neurons=form.Neurons(
            insufficient=tuple(_neuron(row, name) for row in culprits.insufficient),
            excessive=tuple(_neuron(row, name) for row in culprits.excessive),
        ),
        illusions=tuple(map(_illusion, found.illusions)),
        exemplars=tuple(_exemplar(row, classes) for row in found.exemplars),
        repairs=tuple(_repair(row, classes, row.twin(repairs), found) for row in found.repairs),
    )


def _neuron(row: Culprit, class_name: str) -> form.Neuron:
    return form.Neuron(
        neuron=row.neuron,
        prec_at_5=row.prec_at_5,
        importance=row.importance,
        mended=row.mended,
        mended_random=row.mended_random,
        concept=row.concept,
        concept_score=row.concept_score,
        spurious=row.spurious,
        spurious_reason=suspicion_words(row.pull, row.outside, class_name),
    )


def _exemplar(row: Exemplar, classes: tuple[str, ...]) -> form.ExemplarPart:
    return form.ExemplarPart(
        neuron=row.neuron,
        kind=row.kind,
        path=row.path,
        label=ClassRef(row.label, classes[row.label]),
        activation=row.activation,
        contribution=row.contribution,
        image=row.image,
        mask=row.mask,
    )


def _repair(row: Repair, classes: tuple[str, ...], twin: int | None, found: Debugged) -> form.RepairPart:
    gallery = found.galleries.get(row.number)
    return form.RepairPart(
        number=row.number,
        method=row.method,
        neurons=row.neurons,
        parameters=row.parameters,
        seconds=row.seconds,
        head=row.head,
        weights=row.weights,
        before=_metrics(row.before, classes),
        after=_metrics(row.after, classes),
        controls={name: _metrics(metrics, classes) for name, metrics in row.controls.items()},
        fixed=row.fixed,
        broken=row.broken,
        mcnemar_p=row.mcnemar_p,
        verdict=_verdict(row.verdict),
        sentence=verdict_sentence(row),
        reason=choice_sentence(row),
        classes=row.classes,
        cues=row.cues,
        splits=row.splits,
        accepted=row.accepted,
        request=row.request,
        unchanged=row.unchanged,
        verification=found.verifications.get(row.number),
        prescription=found.prescriptions.get(row.number),
        base=row.base,
        fixed_images=_flipped(gallery.fixed, gallery) if gallery else (),
        broken_images=_flipped(gallery.broken, gallery) if gallery else (),
        gaps=row.gaps,
        same_as=twin,
    )


def _flipped(images: Iterable[RepairedImage], gallery: FlippedGallery) -> tuple[form.FlippedImage, ...]:
    return tuple(
        form.FlippedImage(
            path=image.sample.path,
            label=image.sample.label,
            predicted=image.sample.predicted,
            repaired=image.repaired,
            image=gallery.pictures.get(image.sample.path) or None,
        )
        for image in images
    )


def _verdict(found: Verdict) -> form.VerdictPart:
    losers = (
        form.LoserPart(class_=row.target.name, before=row.before, after=row.after) for row in found.losers
    )
    return form.VerdictPart(
        outcome=found.outcome,
        comparisons=tuple(map(_comparison, found.comparisons)),
        losers=tuple(losers),
        estimated=found.estimated,
    )


def _comparison(row: Comparison) -> form.ComparisonPart:
    return form.ComparisonPart(**asdict(row))


def _metrics(found: Metrics, classes: tuple[str, ...]) -> form.MetricsPart:
    worst = found.worst_group
    group = None
    if worst is not None:
        group = form.WorstGroupPart(
            column=worst.column,
            value=worst.value,
            class_=classes[worst.class_index],
            accuracy=worst.accuracy,
            count=worst.count,
            estimated=worst.estimated,
            estimate=form.GroupEstimatePart(**asdict(worst.estimate)) if worst.estimate else None,
        )
    return form.MetricsPart(
        split=found.split,
        accuracy=found.accuracy,
        class_accuracy=found.class_accuracy,
        class_precision=found.class_precision,
        class_f1=found.class_f1,
        worst_class=found.worst_class,
        worst_group=group,
        accuracy_interval=found.accuracy_interval,
        class_interval=found.class_interval,
    )
