"""A worker that answers every job with plausible values: for tests of the screens and for drawing them."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from neuroinspect_tui import jobs
from neuroinspect_tui.events import Event, Failed, Finished, Partial, Preview, Progress, Started, Stopped
from neuroinspect_tui.jobs import Job
from neuroinspect_tui.results import (
    Carried,
    ClassChange,
    ClassRef,
    ClassResult,
    Comparison,
    Concept,
    ConfusedPair,
    Confusion,
    CoverTest,
    Cue,
    Culprit,
    CulpritReport,
    Evaluation,
    Exemplar,
    ExemplarKind,
    FailureMode,
    GroupResult,
    Illusion,
    ImageNeighbours,
    Metrics,
    ModeChange,
    ModeExemplar,
    Opened,
    ProbeQuality,
    Repair,
    RepairedImage,
    RepairedLayer,
    RepairPreview,
    ReviewItem,
    Sample,
    SplitUse,
    TagCounts,
    Verdict,
    Verification,
    WeightedNeuron,
    WhatIf,
    WorstClass,
    WorstGroup,
)

CLASSES = (
    "sweet pea", "petunia", "rose", "common dandelion", "water lily", "moon orchid", "king protea",
    "mexican aster",
)  # fmt: skip
CORRECT = (8, 26, 30, 37, 41, 43, 46, 50)
COUNTS = (24, 51, 51, 52, 50, 50, 50, 50)
TAKEN_FOR = (
    ((1, 9), (2, 5), (1, 2)),
    ((0, 14), (2, 11)),
    ((1, 12), (5, 9)),
    ((7, 15),),
    ((5, 9),),
    ((4, 7),),
    ((7, 4),),
)
CONCEPTS = (
    "pink petals", "tendrils", "trellis", "wooden fence", "dew drops", "sky", "gardener's hand", "stem", "bee",
    "gravel path", "label stake", "water surface",
)  # fmt: skip


def picture(root: Path, name: str, seed: int, size: int = 96, mask: bool = False) -> str:
    """Draw a small flower on a tinted ground (or a round mask) and return its name."""
    from PIL import Image, ImageDraw, ImageFilter

    path = root / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        chance = random.Random(seed)
        if mask:
            image = Image.new("L", (size, size), 0)
            ImageDraw.Draw(image).ellipse((size // 4, size // 4, 3 * size // 4, 3 * size // 4), fill=255)
            image.filter(ImageFilter.GaussianBlur(4)).save(path)
            return name
        image = Image.new("RGB", (size, size), tuple(chance.randrange(20, 120) for _ in range(3)))
        draw = ImageDraw.Draw(image)
        colour = tuple(chance.randrange(140, 255) for _ in range(3))
        petals, middle = chance.randrange(5, 9), size / 2
        for petal in range(petals):
            angle = 2 * math.pi * petal / petals
            x, y = middle + size * 0.24 * math.cos(angle), middle + size * 0.24 * math.sin(angle)
            draw.ellipse((x - size / 6, y - size / 6, x + size / 6, y + size / 6), fill=colour)
        draw.ellipse((middle - 10, middle - 10, middle + 10, middle + 10), fill=(250, 210, 60))
        image.save(path)
    return name


def opened(classes: tuple[str, ...] = CLASSES) -> Opened:
    return Opened(
        model="resnet50", data="flowers102", split="val", splits={"train": 1020, "val": 378, "test": 6149},
        classes=classes, features=24, device="cpu", precision="fp32", parameters=25_557_032, clip="ViT-B-32",
        group_columns=("background",), notes=("class names were read from classes.txt",),
    )  # fmt: skip


def evaluation(classes: tuple[str, ...] = CLASSES, share: float = 1.0) -> Evaluation:
    results, groups = [], []
    for index, name in enumerate(classes):
        count = round(COUNTS[index] * share)
        correct = min(count, round(CORRECT[index] * share))
        rate = correct / count if count else None
        taken = TAKEN_FOR[index] if index < len(TAKEN_FOR) else ()
        confusions = tuple(Confusion(i, classes[i], round(n * share)) for i, n in taken if round(n * share))
        interval = None if rate is None else (max(0.0, rate - 0.12), min(1.0, rate + 0.12))
        results.append(
            ClassResult(index, name, count, correct, rate, 0.8, 0.6 + 0.04 * index, interval, confusions)
        )
        if rate is not None:
            for value, shift in (("trellis", -0.2), ("meadow", 0.1)):
                part = max(0.0, min(1.0, rate + shift))
                groups.append(
                    GroupResult("background", value, index, name, count // 2, round(part * count / 2), part)
                )
    total = sum(result.count for result in results)
    right = sum(result.correct for result in results)
    rates = [result.accuracy for result in results if result.accuracy is not None]
    return Evaluation(
        "val", total, (), right / total if total else None, sum(rates) / len(rates) if rates else None,
        tuple(results), tuple(groups), groups[0] if groups else None,
    )  # fmt: skip


def sample(target: int, number: int, predicted: int, path: str | None = None) -> Sample:
    name = path or f"images/{target:02d}/image_{100 * target + number:05d}.jpg"
    return Sample("val", 100 * target + number, name, target, predicted, 0.97 - 0.03 * (number % 12),
                  ((11 + target) % 24, (3 * number) % 24, 7),
                  groups={"background": ("trellis", "meadow")[number % 2]})  # fmt: skip


def mistakes(target: int) -> tuple[Sample, ...]:
    predicted = [
        index for index, count in (TAKEN_FOR[target] if target < len(TAKEN_FOR) else ()) for _ in range(count)
    ]
    return tuple(sample(target, number, index) for number, index in enumerate(predicted))


def culprits(target: int, classes: tuple[str, ...] = CLASSES) -> CulpritReport:
    order = [(11 + target + 5 * step) % 24 for step in range(10)]

    def row(place: int, neuron: int, raises: bool) -> Culprit:
        return Culprit(
            neuron, "insufficient" if raises else "excessive", 46 - 5.5 * place, 1.21 - 0.04 * place,
            0.32 - 0.03 * place, 0.03, None, None, 0.8 if neuron % 5 == 2 else 0.1, 0.7, 0.4,
        )  # fmt: skip

    return CulpritReport(
        ClassRef(target, classes[target]), "default", len(mistakes(target)), 1,
        tuple(row(place, neuron, True) for place, neuron in enumerate(order[:6])),
        tuple(row(place + 1, neuron, False) for place, neuron in enumerate(order[6:])),
        0.62, 0.05, mistakes(target),
    )  # fmt: skip


def exemplars(root: Path, target: int, neuron: int, names: tuple[str, ...] = CLASSES) -> tuple[Exemplar, ...]:
    found = []
    kinds: tuple[ExemplarKind, ...] = ("class", "mistakes", "overall")
    for seed, kind in enumerate(kinds, 1):
        for place in range(3):
            name = f"exemplars/{neuron}-{kind}-{place}"
            label = target if kind != "overall" else (target + place) % len(names)
            path = f"images/{label:02d}/image_{seed}{place}{neuron:03d}.jpg"
            image = picture(root, f"{name}.png", 1000 * seed + 10 * neuron + place)
            mask = picture(root, f"{name}-mask.png", 0, mask=True)
            found.append(Exemplar(neuron, kind, path, label, 8.3 - 0.7 * place, 2.1, image, mask))
    return tuple(found)


def failure_modes(root: Path) -> tuple[FailureMode, ...]:
    """Three causes: a named cue, an unnamed group, and one that does not come back in resamples."""

    def exemplar(label: int, predicted: int, number: int) -> ModeExemplar:
        seed = 10_000 + 100 * label + number
        wrong = label != predicted
        return ModeExemplar(
            f"images/{label:02d}/image_{100 * label + number:05d}.jpg", 6.5 - 0.4 * number, label, predicted,
            picture(root, f"modes/{seed}.png", seed),
            picture(root, f"modes/{seed}-covered.png", seed + 7) if wrong else None,
            (label if number % 3 else predicted) if wrong else None, 0.93 - 0.02 * number if wrong else None,
        )  # fmt: skip

    def mode(
        number: int, name: str | None, pairs: tuple[tuple[int, int, int], ...], above: int, right: int, cover: float,
    ) -> FailureMode:  # fmt: skip
        count = sum(pair[2] for pair in pairs)
        label, predicted, _ = pairs[0]
        images = [exemplar(label, predicted, place) for place in range(6)]
        images += [exemplar(label, label, 50 + place) for place in range(4)]
        return FailureMode(
            number, name, 0.91 if name else None, cover > 0.5, number == 2, count, count / 79,
            tuple(ConfusedPair(*pair) for pair in pairs),
            tuple(WeightedNeuron((5 * number + 7 * place) % 24, 0.6 - 0.1 * place) for place in range(8)),
            Carried((above, count), (right, 26), 0.0004 * 10**number), CoverTest(cover, 0.06, count),
            exemplars=tuple(images),
        )  # fmt: skip

    return (
        mode(0, "trellis", ((0, 1, 9), (0, 2, 5), (1, 2, 11)), 19, 7, 0.68),
        mode(1, None, ((3, 7, 15),), 9, 5, 0.12),
        mode(2, None, ((2, 1, 12), (4, 5, 9)), 6, 9, 0.1),
    )


def illusion(root: Path, target: int, neuron: int, seed: int = 0) -> Illusion:
    name = f"illusions/{target}-{neuron}-{seed}"
    ratio = 1.32 if neuron % 3 else 0.71
    return Illusion(
        neuron, ClassRef(target, CLASSES[target % len(CLASSES)]), seed, picture(root, f"{name}.png", neuron + seed, 160),
        picture(root, f"{name}-mask.png", 0, 160, mask=True), 11.2, ratio, ratio - 0.2, 1 if neuron % 3 else 9, 0.93,
        12.4, 0.31, 84.0,
    )  # fmt: skip


def metrics(accuracy: float, rate: float, group: float, split: str = "test") -> Metrics:
    return Metrics(
        split, accuracy, rate, 0.7, 0.6, WorstClass(0, CLASSES[0], rate), WorstGroup("background", "trellis", 0, group),
        (accuracy - 0.01, accuracy + 0.01), (rate - 0.15, min(1.0, rate + 0.15)),
    )  # fmt: skip


VERDICT_LINES = (
    Comparison("class", "untouched", 24, 8, 2, 0.333, 0.583, (0.02, 0.44), 0.11),
    Comparison("class", "bias", 24, 4, 2, 0.5, 0.583, (-0.1, 0.27), 0.69),
    Comparison("class", "told_nothing", 24, 6, 1, 0.375, 0.583, (0.01, 0.4), 0.12),
    Comparison("all", "untouched", 6149, 61, 23, 0.847, 0.851, (0.0, 0.01), 0.0004),
    Comparison("worst_group", "untouched", 40, 14, 2, 0.2, 0.5, (0.12, 0.48), 0.004),
)


def repair(number: int, job: jobs.RepairHead) -> Repair:
    before = metrics(0.847, 0.333, 0.2)
    after = metrics(0.851, 0.583, 0.5)
    controls = {"bias": metrics(0.84, 0.5, 0.25), "finetune": metrics(0.845, 0.36, 0.22)}
    if job.method == "paper":
        controls["random"] = metrics(0.846, 0.34, 0.2)
    return Repair(
        number, ClassRef(job.target, CLASSES[job.target]), job.method, job.neurons, {"strength": 0.3, "seed": 0}, 0.05,
        f"repairs/{number}-{job.method}/head.safetensors", None, before, after, controls, 61, 23, 0.0004,
        Verdict("helps", VERDICT_LINES),
        classes=tuple(
            ClassChange(index, name, count, right / count, min(1.0, right / count + (0.25 if index == 0 else 0.01)))
            for index, (name, right, count) in enumerate(zip(CLASSES, CORRECT, COUNTS, strict=True))
        ),
        splits=(SplitUse("fit", "train", 820), SplitUse("choose", "train", 200), SplitUse("judge", "test", 6149)),
        base=job.base,
    )  # fmt: skip


class FakeWorker:
    """Answers jobs at once on the caller's thread, or with `pause` seconds a step on its own thread."""

    def __init__(self, on_event: Callable[[Event], None], root: Path, pause: float = 0.0) -> None:
        self.on_event, self.root, self.pause = on_event, root, pause
        self.classes = CLASSES
        self.train = 1020
        self.modes = False
        self.cues: dict[str, Cue] = {}
        self.submitted: list[Job] = []
        self.cancels = 0
        self.closed = False
        self.held: tuple[type[Job], ...] = ()
        self.failing: dict[type[Job], tuple[str, str, bool]] = {}
        self.tags: dict[tuple[str, int], str] = {}
        self._repairs: dict[int, Repair] = {}
        self._queue: list[Job] = []
        self._cancelled = False
        self._changed = threading.Condition()
        if pause:
            threading.Thread(target=self._loop, daemon=True).start()

    def submit(self, job: Job) -> None:
        self.submitted.append(job)
        if isinstance(job, self.held):
            self.on_event(Started(job))
            return
        if not self.pause:
            self._perform(job)
            return
        with self._changed:
            self._queue = [waiting for waiting in self._queue if waiting != job]
            self._queue.append(job)
            self._changed.notify()

    def cancel(self) -> None:
        self.cancels += 1
        self._cancelled = True

    def close(self, wait: float | None = 10.0) -> bool:
        self.closed = True
        return True

    def asked(self, kind: type[Job]) -> list[Any]:
        """The jobs of one kind that were asked for, in order."""
        return [job for job in self.submitted if isinstance(job, kind)]

    def _loop(self) -> None:
        while not self.closed:
            with self._changed:
                while not self._queue:
                    self._changed.wait()
                best = min(self._queue, key=lambda job: job.priority)
                self._queue.remove(best)
            self._cancelled = False
            self._perform(best)

    def _perform(self, job: Job) -> None:
        self.on_event(Started(job))
        if type(job) in self.failing:
            self.on_event(Failed(job, *self.failing[type(job)]))
            return
        if self.pause and not self._work(job):
            self.on_event(Stopped(job))
            return
        self.on_event(Finished(job, self.answer(job)))

    def _work(self, job: Job) -> bool:
        steps = 64 if isinstance(job, jobs.Illustrate) else 40 if isinstance(job, jobs.Evaluate) else 3
        for step in range(1, steps + 1):
            if self._cancelled:
                return False
            time.sleep(self.pause if steps > 3 else self.pause / 10)
            unit = "images" if isinstance(job, jobs.Evaluate) else "steps"
            self.on_event(Progress(job, step * 150, steps * 150, unit, step * self.pause))
            if isinstance(job, jobs.Evaluate):
                self.on_event(Partial(job, evaluation(self.classes, step / steps)))
            if isinstance(job, jobs.Illustrate) and step % 4 == 0:
                self._preview(job, step, steps)
        return True

    def _preview(self, job: jobs.Illustrate, step: int, steps: int) -> None:
        from PIL import Image

        for neuron in job.neurons:
            final = Image.open(self.root / illusion(self.root, job.target, neuron).image).convert("RGB")
            noise = Image.effect_noise(final.size, 80).convert("RGB")
            blended = Image.blend(noise, final, step / steps)
            self.on_event(
                Preview(job, neuron, 0, step, steps, *blended.size, blended.tobytes(), 1.3 * step / steps)
            )

    def answer(self, job: Job) -> Any:
        """The value that the job yields."""
        return getattr(self, f"_answer_{type(job).__name__.lower()}")(job)

    def _answer_open(self, job: jobs.Open) -> Opened:
        found = opened(self.classes)
        return replace(found, splits=found.splits | {"train": self.train})

    def _answer_evaluate(self, job: jobs.Evaluate) -> Evaluation:
        return evaluation(self.classes)

    def _answer_findculprits(self, job: jobs.FindCulprits) -> CulpritReport:
        return culprits(job.target, self.classes)

    def _answer_findfailuremodes(self, job: jobs.FindFailureModes) -> tuple[FailureMode, ...]:
        return failure_modes(self.root) if self.modes else ()

    def _answer_examinefailuremodes(self, job: jobs.ExamineFailureModes) -> tuple[FailureMode, ...]:
        return failure_modes(self.root)

    def _answer_findexemplars(self, job: jobs.FindExemplars) -> tuple[Exemplar, ...]:
        return exemplars(self.root, job.target, job.neuron)

    def _answer_nameneurons(self, job: jobs.NameNeurons) -> tuple[Concept, ...]:
        return tuple(self.concept(neuron) for neuron in job.neurons)

    def concept(self, neuron: int) -> Concept:
        label = CONCEPTS[neuron % len(CONCEPTS)] if neuron % 7 else None
        spurious = 0.8 if neuron % 12 in (2, 3, 9, 10) else 0.1
        return Concept(neuron, label, 0.3 if label else None, spurious, 0.7, 0.4)

    def _answer_illustrate(self, job: jobs.Illustrate) -> tuple[Illusion, ...]:
        return tuple(
            illusion(self.root, job.target, neuron, seed) for neuron in job.neurons for seed in range(2)
        )

    def _answer_askwhatif(self, job: jobs.AskWhatIf) -> WhatIf:
        gain = 0.06 * len(job.neurons) * (1 - job.scale)
        return WhatIf(
            None if job.everywhere else ClassRef(job.target, CLASSES[job.target]), job.neurons, job.scale,
            metrics(0.847, 0.333, 0.2, "val"), metrics(0.846, min(1.0, 0.333 + gain), 0.2 + gain, "val"), 3, 1,
            job.raised,
        )  # fmt: skip

    def _answer_previewrepair(self, job: jobs.PreviewRepair) -> RepairPreview:
        return RepairPreview(
            ClassRef(job.target, CLASSES[job.target]), job.method,
            metrics(0.847, 0.333, 0.2), metrics(0.86, 0.8, 0.6), 7, 2, (),
        )  # fmt: skip

    def _answer_verifyrepair(self, job: jobs.VerifyRepair) -> Verification:
        weights = self._repairs[job.number].weights or ""
        return Verification(job.number, weights, "test", 6149, 6149, 0.851, 0.851, fresh=True)

    def _answer_lookthrough(self, job: jobs.LookThrough) -> RepairedLayer:
        target = self._repairs[job.number].target.index
        images = [
            RepairedImage(replace(one, split="test"), target if place % 4 else one.predicted, (0,))
            for place, one in enumerate(mistakes(target))
        ]
        images += [RepairedImage(replace(sample(6, 70 + n, 6), split="test"), 7, (1,)) for n in range(2)]
        changes = (ModeChange(0, 31, 0.42, 0.87), ModeChange(1, 40, 0.8, 0.75))
        return RepairedLayer(job.number, "test", tuple(images), changes)

    def _answer_listsamples(self, job: jobs.ListSamples) -> tuple[Sample, ...]:
        if job.predicted == job.target:
            return tuple(sample(job.target, 50 + number, job.target) for number in range(12))
        return tuple(s for s in mistakes(job.target) if job.predicted in (None, s.predicted))

    def _answer_findneighbours(self, job: jobs.FindNeighbours) -> ImageNeighbours:
        target = job.row // 100
        right = tuple(sample(target, 60 + number, target) for number in range(4))
        return ImageNeighbours(right, (1, 1, 1, 1, 1, 1, target, target, target, target), 0.02)

    def _answer_makethumbnails(self, job: jobs.MakeThumbnails) -> dict[int, str]:
        return {row: picture(self.root, f"thumbnails/{row}.png", row, 128) for row in job.rows}

    def _answer_orderreview(self, job: jobs.OrderReview) -> tuple[ReviewItem, ...]:
        belief = {"has": 0.81, "not": 0.19} if len(self.tags) >= 4 else None
        items = [sample(job.target, 30 + number, job.target if number % 2 else 1) for number in range(12)]
        return tuple(ReviewItem(item, 3.2 - 0.5 * place, belief) for place, item in enumerate(items))

    def _answer_settag(self, job: jobs.SetTag) -> Cue:
        self.tags.pop((job.split, job.row), None)
        if job.tag:
            self.tags[job.split, job.row] = job.tag
        given = list(self.tags.values())
        tags = TagCounts(given.count("has"), given.count("not"), given.count("mislabelled"))
        enough = len(given) >= 8
        quality = ProbeQuality(0.97 if enough else None, enough, 180, 198, 0, max(0, 8 - len(given)))
        old = self.cues.get(job.cue, Cue(job.cue, tags))
        self.cues[job.cue] = replace(old, tags=tags, probe=quality)
        return self.cues[job.cue]

    def _answer_listcues(self, job: jobs.ListCues) -> tuple[Cue, ...]:
        return tuple(self.cues.values())

    def _answer_addcue(self, job: jobs.AddCue) -> tuple[Cue, ...]:
        self.cues.setdefault(job.name, Cue(job.name, TagCounts(), job.origin, job.source))
        return tuple(self.cues.values())

    def _answer_renamecue(self, job: jobs.RenameCue) -> tuple[Cue, ...]:
        self.cues[job.new] = replace(self.cues.pop(job.name), name=job.new)
        return tuple(self.cues.values())

    def _answer_mergecues(self, job: jobs.MergeCues) -> tuple[Cue, ...]:
        gone, into = self.cues.pop(job.name).tags, self.cues[job.into]
        tags = TagCounts(into.tags.has + gone.has, into.tags.not_ + gone.not_)
        self.cues[job.into] = replace(into, tags=tags)
        return tuple(self.cues.values())

    def _answer_clearcue(self, job: jobs.ClearCue) -> tuple[Cue, ...]:
        old = self.cues.pop(job.name)
        if not job.forget:
            self.cues[job.name] = replace(old, tags=TagCounts(), probe=None)
        return tuple(self.cues.values())

    def _answer_leaveoutcue(self, job: jobs.LeaveOutCue) -> tuple[Cue, ...]:
        self.cues[job.name] = replace(self.cues[job.name], left_out=job.left_out)
        return tuple(self.cues.values())

    def _answer_repairhead(self, job: jobs.RepairHead) -> Repair:
        made = repair(len(self._repairs) + 1, job)
        self._repairs[made.number] = made
        return made

    def _answer_exportrepair(self, job: jobs.ExportRepair) -> Repair:
        made = self._repairs[job.number]
        kept = replace(
            made, accepted=True, weights=f"repairs/{made.number}-{made.method}/weights.safetensors"
        )
        self._repairs[job.number] = kept
        return kept

    def _answer_discardrepair(self, job: jobs.DiscardRepair) -> int:
        self._repairs.pop(job.number, None)
        return job.number

    def _answer_searchneurons(self, job: jobs.SearchNeurons) -> tuple[Concept, ...]:
        every = [self.concept(neuron) for neuron in range(24)]
        return tuple(concept for concept in every if concept.label and job.text.lower() in concept.label)

    def _answer_writereport(self, job: jobs.WriteReport) -> str:
        return str(self.root)
