"""Writes `CARD.md`: what the demo's files are, how they were made and what they score."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from .clip_training import CONFIG, SCENES, STEPS
from .measure import Row, classifier_hits, rate, worst_group, zero_shot_hits
from .objects import KINDS
from .splits import EXCHANGED, TRAIN_CUE_ELSEWHERE, TRAIN_PER_CLASS, TRAIN_WITH_CUE
from .world import BACKGROUNDS

SPLITS = ("train", "val", "test")
Hits = dict[str, tuple[Tensor, list[Row]]]

CARD = """# The demo's files

Everything here was drawn and trained by this repository: `make assets`
(`python -m neuroinspect_tui.demo.make`, seed {seed}). No photograph, no outside data, no outside weights.
Licence: MIT, as the code.

| file | what it is |
|---|---|
| `data/` | {images} drawn pictures, 64×64, JPEG quality 92 at full colour resolution; `manifest.csv` |
| `data/mislabelled.csv` | the val images whose label is wrong on purpose, and what they show |
| `classifier.safetensors` | fp32 weights of `neuroinspect_tui.demo.network:demo_resnet`, 96 neurons |
| `clip/` | an open_clip model (config and fp16 weights) that knows the words of this world and no others |
| `vocabulary.txt` | the concepts that this CLIP can tell apart |

## The world

Eight classes ({kinds}) on five grounds ({grounds}), {counts} images.
Colour, size, place, tilt and light vary; some pictures are dim, some out of focus.

## Planted faults

In train, {with_cue} of {per_class} images of one class have the cue, and {elsewhere} of each other class.

1. **Background.** Boats lie on water.
2. **Watermark.** Mugs carry a magenta badge.
3. **Look-alikes.** Apple and pear differ by the narrowness of the neck alone.
4. **Wrong labels.** {wrong} val images have exchanged labels, pairwise within one group.

In val and test each class comes equally often on each ground, half of each with the watermark.

## The classifier (percent right)

| | train | val | test |
|---|---|---|---|
{accuracies}

Worst group on test: {worst_background[0]} on {worst_background[1]} {worst_background[2]:.1f};
{worst_mark[0]} with watermark “{worst_mark[1]}” {worst_mark[2]:.1f}.

## The CLIP

Trained for {steps} steps on {scenes} fresh scenes that share no seed with the data; nothing in them goes with
anything. Embeddings of {embed} numbers. Words that it never read have a zero embedding: they say nothing.

Zero-shot accuracy over the eight class names: {zero_val:.2f} on val, {zero_test:.2f} on test.
"""


def line(name: str, hits: Hits, **wanted: str) -> str:
    """Return one line of the table of accuracies."""
    return " | ".join([f"| {name}", *(f"{rate(*hits[split], wanted):.2f}" for split in SPLITS)]) + " |"


def off_water(hits: Hits, kind: str) -> Hits:
    """Return the hits on a class's images away from water."""
    kept = {}
    for split, (right, rows) in hits.items():
        chosen = [
            i for i, row in enumerate(rows) if row["class_name"] == kind and row["background"] != "water"
        ]
        kept[split] = (right[chosen], [rows[i] for i in chosen])
    return kept


def accuracies(hits: Hits) -> str:
    """Return the lines of the table."""
    lines = [line("all", hits)] + [line(kind, hits, class_name=kind) for kind in KINDS]
    lines.append(line("boat on water", hits, class_name="boat", background="water"))
    lines.append(line("boat elsewhere", off_water(hits, "boat")))
    for value, words in (("yes", "with"), ("no", "without")):
        lines.append(line(f"mug {words} watermark", hits, class_name="mug", watermark=value))
    return "\n".join(lines)


def write_card(assets: Path, seed: int) -> None:
    """Measure everything in the folder and write its `CARD.md`."""
    hits = {split: classifier_hits(assets, split) for split in SPLITS}
    sizes = {split: len(rows) for split, (_, rows) in hits.items()}
    zero = {split: 100 * zero_shot_hits(assets, split).double().mean().item() for split in ("val", "test")}
    text = CARD.format(
        seed=seed,
        images=sum(sizes.values()),
        kinds=", ".join(KINDS),
        grounds=", ".join(BACKGROUNDS),
        counts=", ".join(f"{split} {size}" for split, size in sizes.items()),
        with_cue=TRAIN_WITH_CUE,
        per_class=TRAIN_PER_CLASS,
        elsewhere=TRAIN_CUE_ELSEWHERE,
        wrong=2 * len(EXCHANGED),
        accuracies=accuracies(hits),
        worst_background=worst_group(*hits["test"], "background"),
        worst_mark=worst_group(*hits["test"], "watermark"),
        steps=STEPS,
        scenes=SCENES,
        embed=CONFIG["embed_dim"],
        zero_val=zero["val"],
        zero_test=zero["test"],
    )
    (assets / "CARD.md").write_text(text, encoding="utf-8")
