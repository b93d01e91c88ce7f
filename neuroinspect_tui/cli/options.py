"""The options of the command line, one alias each (design §5)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..repair_methods import REPAIRS


def _version(asked: bool) -> None:
    if asked:
        from .. import __version__

        typer.echo(f"neuroinspect {__version__}")
        raise typer.Exit


Model = Annotated[
    str | None,
    typer.Option(
        "-m", "--model", help="torchvision:NAME, timm:NAME, FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION."
    ),
]
Weights = Annotated[
    str | None, typer.Option("-w", "--weights", help="State dict: .safetensors, .pt, .pth or .th.")
]
Data = Annotated[
    str | None,
    typer.Option(
        "-d", "--data", help="Class folders, train/val/test folders, manifest.csv or torchvision:NAME."
    ),
]
Demo = Annotated[bool, typer.Option("--demo", help="Use the embedded project: no download, no arguments.")]
Batch = Annotated[bool, typer.Option("--batch", help="Run headless and write the report.")]
Session = Annotated[
    Path | None,
    typer.Option("-o", "--session", help="Session directory (default: the platform's data folder)."),
]
Split = Annotated[str | None, typer.Option("--split", help="Split to debug (default: val).")]
Classes = Annotated[str | None, typer.Option("--classes", help="Class names: txt, json list or json map.")]
DataRoot = Annotated[str | None, typer.Option("--data-root", help="Where torchvision data sets lie.")]
Groups = Annotated[
    list[str] | None, typer.Option("--groups", help="Manifest column that makes groups (repeatable).")
]
AllowOutside = Annotated[
    bool, typer.Option("--allow-outside", help="Let manifest paths leave the manifest's folder.")
]
TrustPickle = Annotated[
    bool, typer.Option("--trust-pickle", help="Read pickled modules: they can run any code.")
]
ImageSize = Annotated[
    int | None,
    typer.Option("--image-size", help="Side of the square input in pixels (224 unless the model says)."),
]
CropPct = Annotated[
    float | None, typer.Option("--crop-pct", help="Share of the resized image that the crop keeps (0.875).")
]
Mean = Annotated[str | None, typer.Option("--mean", help="Channel means: 0.485,0.456,0.406.")]
Std = Annotated[str | None, typer.Option("--std", help="Channel deviations: 0.229,0.224,0.225.")]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:1 or mps.")]
Precision = Annotated[
    str | None,
    typer.Option("--precision", help="auto (fp32, pictures in bf16 on a GPU), fp32, bf16 or fp16."),
]
BatchSize = Annotated[int | None, typer.Option("--batch-size", help="Images a forward pass (64).")]
Workers = Annotated[int | None, typer.Option("--workers", help="Image readers (2; with a GPU a core each).")]
Clip = Annotated[
    str | None, typer.Option("--clip", help="NAME:TAG, NAME:FILE, CONFIG.json:FILE, demo or none.")
]
Vocabulary = Annotated[str | None, typer.Option("--vocabulary", help="Concept names, one a line.")]
Mode = Annotated[str | None, typer.Option("--mode", help="default, or paper: exactly as published.")]
Class = Annotated[
    list[str] | None, typer.Option("--class", help="Class to debug, by name or index (repeatable).")
]
Worst = Annotated[int | None, typer.Option("--worst", help="Debug the K worst classes (3).")]
Neurons = Annotated[int | None, typer.Option("--neurons", help="Culprits to look at, a class (5).")]
Illusions = Annotated[int | None, typer.Option("--illusions", help="Illusion pictures, a class (4).")]
Iters = Annotated[int | None, typer.Option("--iters", help="Optimisation steps of an illusion (64).")]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of everything random (0).")]
Repair = Annotated[
    str | None,
    typer.Option("--repair", help=f"{', '.join(REPAIRS)} or none (none; auto in the demo)."),
]
Neuron = Annotated[
    list[int] | None,
    typer.Option("--neuron", help="Repair with this neuron instead of the culprits (repeatable)."),
]
Tags = Annotated[str | None, typer.Option("--tags", help="csv with path,tag: tags given by hand.")]
NoPropagate = Annotated[
    bool, typer.Option("--no-propagate", help="Use the tags as they are, without the probe.")
]
FailUnder = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-under", help="accuracy=, worst-class= or worst-group=RATE: exit with 1 below it (repeatable)."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Batch: one JSON event a line on stdout.")]
Images = Annotated[
    str | None,
    typer.Option("--images", help="Pictures in the app: auto, kitty, sixel, iterm2, block or none."),
]
Theme = Annotated[str | None, typer.Option("--theme", help="dark, light, high-contrast or no-colour.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file (default: neuroinspect.toml here or in the config folder)."),
]
Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
]
