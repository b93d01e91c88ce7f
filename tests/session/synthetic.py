"""A plausible report made by hand, with drawn pictures, for the tests of every format."""

from dataclasses import replace

import numpy as np

from neuroinspect_tui.config import DataConfig, ModelConfig, RunConfig
from neuroinspect_tui.results import (
    Carried,
    ClassChange,
    ClassRef,
    ClassResult,
    Comparison,
    ConfusedPair,
    Confusion,
    CoverTest,
    Cue,
    Culprit,
    CulpritReport,
    Evaluation,
    Exemplar,
    FailureMode,
    GroupResult,
    Illusion,
    ImageStatistic,
    Loser,
    Metrics,
    ModeExemplar,
    Opened,
    ProbeQuality,
    ProjectOut,
    Pull,
    Repair,
    Sample,
    ScoreHistogram,
    SplitDuplicates,
    SplitUse,
    StressResult,
    TagCounts,
    Unreadable,
    Verdict,
    WeightedNeuron,
    WorstClass,
    WorstGroup,
)
from neuroinspect_tui.session.report import Debugged, Findings

NAMES = ("star", "ring", "moon", "kite", "leaf", "boat", "drum", "vase")
RIGHT = (12, 27, 31, 33, 34, 35, 36, 36)
WRONG = {0: (("ring", 1, 15), ("moon", 2, 9)), 1: (("star", 0, 9),), 2: (("kite", 3, 5),)}


def class_result(index: int) -> ClassResult:
    correct = RIGHT[index]
    rate = correct / 36
    confusions = tuple(Confusion(other, name, count) for name, other, count in WRONG.get(index, ()))
    interval = (max(rate - 0.14, 0.0), min(rate + 0.12, 1.0))
    return ClassResult(index, NAMES[index], 36, correct, rate, 0.875, 0.5, interval, confusions)


def group(value: str, index: int, count: int, correct: int) -> GroupResult:
    return GroupResult("background", value, index, NAMES[index], count, correct, correct / count)


def evaluation() -> Evaluation:
    groups = (
        group("sand", 0, 18, 11),
        group("grass", 0, 18, 1),
        group("sand", 1, 18, 17),
        group("grass", 1, 18, 10),
    )
    classes = tuple(map(class_result, range(8)))
    unreadable = (
        Unreadable("val/star/0093.png", "truncated file"),
        Unreadable("val/moon/7.png", "no such file"),
    )
    total = sum(RIGHT) / 288
    return Evaluation("val", 288, unreadable, total, total, classes, groups, groups[1])


def culprit(neuron: int, kind: str, prec: float, importance: float, concept: str | None) -> Culprit:
    return Culprit(
        neuron,
        kind,  # type: ignore[arg-type]
        prec,
        importance,
        mended=prec / 130,
        mended_random=0.02,
        concept=concept,
        concept_score=None if concept is None else 0.31,
        spurious=0.82 if concept == "grass" else None,
        pull=0.64 if concept == "grass" else None,
        outside=0.75 if concept == "grass" else None,
    )


def culprits() -> CulpritReport:
    insufficient = (
        culprit(17, "insufficient", 58.3, 1.21, "five points"),
        culprit(40, "insufficient", 21, 1.08, None),
    )
    excessive = (
        culprit(5, "excessive", 75.0, 0.93, "grass"),
        culprit(61, "excessive", 33.3, 0.97, "curved edge"),
    )
    return CulpritReport(ClassRef(0, "star"), "default", 24, 1, insufficient, excessive, 0.71, 0.04)


def exemplar(neuron: int, kind: str, place: int) -> Exemplar:
    image = f"exemplars/0/{neuron}-{kind}-{place}.png"
    return Exemplar(
        neuron, kind, f"val/star/{place:04d}.png", 0, 5.0 - place, 1.5, image, f"{image[:-4]}-mask.png"
    )  # type: ignore[arg-type]


def illusion(neuron: int, seed: int, ratio: float) -> Illusion:
    place = f"illusions/0/{neuron}-{seed}"
    return Illusion(
        neuron,
        ClassRef(0, "star"),
        seed,
        f"{place}.png",
        f"{place}-mask.png",
        6.5,
        ratio,
        ratio * 0.8,
        1,
        0.93,
        8.1,
        0.27,
        64.0,
    )


def metrics(recall: float, mean: float, group_accuracy: float) -> Metrics:
    return Metrics(
        "test",
        mean,
        recall,
        0.9,
        2 * recall * 0.9 / (recall + 0.9),
        WorstClass(0, "star", recall),
        WorstGroup("background", "grass", 0, group_accuracy),
        (mean - 0.03, mean + 0.03),
        (recall - 0.1, recall + 0.1),
    )


def verdict() -> Verdict:
    comparisons = (
        Comparison("class", "untouched", 72, 40, 2, 0.33, 0.86, (0.4, 0.65), 3.1e-8),
        Comparison("class", "bias", 72, 14, 3, 0.71, 0.86, (0.04, 0.26), 0.013),
        Comparison("class", "told_nothing", 72, 20, 1, 0.6, 0.86, (0.14, 0.38), 2.1e-5),
        Comparison("all", "untouched", 576, 41, 6, 0.84, 0.9, (0.04, 0.09), 3.1e-8),
        Comparison("worst_group", "untouched", 18, 13, 0, 0.06, 0.78, (0.4, 0.9), 0.00024),
    )
    return Verdict("helps", comparisons, (Loser(ClassRef(1, "ring"), 0.75, 0.71, 72, 0.25),), estimated=True)


def mode() -> FailureMode:
    """24 stars on grass, most of them predicted as ring."""
    wrong = tuple(
        ModeExemplar(
            f"val/star/{place:04d}.png", 3.0 - place / 4, 0, 1 + place % 2, f"modes/0/wrong-{place}.png",
            f"modes/0/covered-{place}.png" if place < 4 else None, 0 if place < 3 else 1, 0.91,
        )
        for place in range(6)
    )  # fmt: skip
    right = tuple(
        ModeExemplar(f"val/star/1{place:03d}.png", 1.0 - place / 4, 0, 0, f"modes/0/right-{place}.png")
        for place in range(4)
    )
    others = (ModeExemplar("val/moon/0001.png", 2.0, 2, 2, "modes/0/other-0.png"),)
    return FailureMode(
        id=3,
        name="grass",
        name_auroc=0.93,
        spurious=True,
        weak=False,
        mistakes=24,
        share=24 / 44,
        pairs=(ConfusedPair(0, 1, 15), ConfusedPair(0, 2, 9)),
        neurons=(WeightedNeuron(5, 0.61), WeightedNeuron(17, -0.4)),
        carried=Carried((19, 24), (3, 12), 0.0021),
        cover=CoverTest(0.68, 0.06, 20),
        projected=ProjectOut(0.55, 0.02, 0.01),
        statistic=ImageStatistic("mean green", 0.64, 0.0004),
        exemplars=(*wrong, *right, *others),
        illusions=(replace(illusion(5, 7, 1.3), image="modes/0/illusion.png", mask=None),),
        histogram=ScoreHistogram((0.0, 1.0, 2.0, 3.0), (2, 3, 19), (6, 3, 3), 2.0),
    )


def without_pictures(found: FailureMode) -> FailureMode:
    """The same failure mode of answers that were recorded without images."""
    bare = (replace(row, image="", covered=None) for row in found.exemplars)
    return replace(found, exemplars=tuple(bare))


def small_mode() -> FailureMode:
    """Nine rings predicted as star, of which little is known."""
    return FailureMode(
        1, None, None, False, True, 9, 9 / 44, (ConfusedPair(1, 0, 9),), (), Carried((5, 9), (9, 27), 0.41)
    )


def cues() -> tuple[Cue, ...]:
    return (
        Cue("grass", TagCounts(24, 20, 1), "mode", "3", ProbeQuality(0.93, True, 140, 130, 18)),
        Cue("blur", TagCounts(3, 0), "hand"),
    )


def repair() -> Repair:
    splits = (
        SplitUse("fit", "train", 2400, "80 tags, carried to 2320 images"),
        SplitUse("choose", "val", 288),
        SplitUse("judge", "test", 576),
    )
    return Repair(
        number=1,
        target=ClassRef(0, "star"),
        method="ridge",
        neurons=(17, 5),
        parameters={"strength": 0.01},
        seconds=0.05,
        head="repairs/1-ridge/head.safetensors",
        weights="repairs/1-ridge/weights.safetensors",
        before=metrics(0.33, 0.84, 0.06),
        after=metrics(0.86, 0.90, 0.78),
        controls={"bias": metrics(0.71, 0.80, 0.39), "finetune": metrics(0.42, 0.85, 0.11)},
        fixed=41,
        broken=6,
        mcnemar_p=3.1e-8,
        verdict=verdict(),
        classes=tuple(
            ClassChange(index, name, 72, before, after)
            for index, (name, before, after) in enumerate(
                zip(
                    NAMES,
                    (0.33, 0.75, 0.9, 0.9, 0.9, 1.0, 1.0, 1.0),
                    (0.86, 0.71, 0.9, 0.9, 0.92, 1.0, 1.0, 1.0),
                    strict=True,
                )
            )
        ),
        cues=("grass",),
        splits=splits,
    )


def findings() -> Findings:
    opened = Opened(
        "small resnet", "demo", "val", {"train": 2400, "val": 290, "test": 576}, NAMES, 64, "cpu", "fp32", 702_000,
        "demo", ("background",), ("images are drawn, 64 × 64",),
    )  # fmt: skip
    config = RunConfig(ModelConfig("demo.py:network", "classifier.safetensors"), DataConfig("manifest.csv"))
    kinds = [(kind, place) for kind in ("mistakes", "class", "overall") for place in range(5)]
    debugged = Debugged(
        culprits(),
        (illusion(5, 0, 1.4), illusion(5, 1, 1.2), illusion(17, 0, 1.1), illusion(17, 1, 0.62)),
        tuple(exemplar(neuron, kind, place) for neuron in (17, 5) for kind, place in kinds),
        (
            repair(),
            replace(
                repair(),
                number=2,
                method="paper",
                verdict=Verdict("no_better", verdict().comparisons[:2]),
                weights=None,
            ),
        ),
    )
    environment = {
        "neuroinspect": "0.1.0",
        "torch": "2.13",
        "created": "2025-11-22T14:00:00Z",
        "seconds": 71.5,
    }
    hashes = {"model": "ab" * 32, "weights": "cd" * 32, "manifest": "ef" * 32}
    copies = (SplitDuplicates("val", "test", 12, (("val/star/0001.png", "test/star/0007.png"),)),)
    pulls = (
        Pull("yellow cast", 0, 252, 40, 1, 39 / 252, 2e-7),
        Pull("mode 3", 2, 252, 12, 9, 3 / 252, 1.0, 3, 0.25),
        Pull("text top left", 5, 252, 1, 1, 0.0, 1.0),
    )
    stress = StressResult("val", 288, ("text top left", "yellow cast", "mode 3"), pulls)
    modes = (small_mode(), mode())
    return Findings(
        opened, config, hashes, environment, evaluation(), (debugged,), modes, cues(), copies, stress
    )


def samples() -> list[Sample]:
    return [
        Sample("val", 0, "val/star/0001.png", 0, 0, 0.875),
        Sample(
            "val",
            1,
            "val/star/0002.png",
            0,
            1,
            0.5,
            (5, 61),
            "on grass",
            {"background": "grass", "watermark": "no"},
        ),
    ]


def picture(seed: int) -> np.ndarray:
    """A coloured disc on a gradient, [96,96,3] uint8."""
    y, x = np.mgrid[0:96, 0:96]
    random = np.random.default_rng(seed)
    inside = (x - random.integers(30, 66)) ** 2 + (y - random.integers(30, 66)) ** 2 < random.integers(
        14, 30
    ) ** 2
    ground = np.stack([x * 1.5 + 60, y + 90, x + y], -1) * random.uniform(0.4, 1, 3)
    return np.where(inside[..., None], random.integers(120, 255, 3), ground).clip(0, 255).astype(np.uint8)


def draw_pictures(session, found: Findings) -> None:
    """Write every picture that the findings name."""
    rows = [row for item in found.debugged for row in (*item.exemplars, *item.illusions)]
    for seed, row in enumerate(rows):
        session.write_png(row.image, picture(seed))
        session.write_png(row.mask, mask(seed))
    shown = [row for mode in found.failure_modes for row in (*mode.exemplars, *mode.illusions)]
    names = [name for row in shown for name in (row.image, getattr(row, "covered", None)) if name]
    for seed, name in enumerate(names):
        session.write_png(name, picture(100 + seed))


def mask(seed: int) -> np.ndarray:
    """A bright corner, [96,96] uint8."""
    y, x = np.mgrid[0:96, 0:96]
    return np.clip((96 - np.hypot(x - 96 * (seed % 2), y - 48)) * 4, 0, 255).astype(np.uint8)
