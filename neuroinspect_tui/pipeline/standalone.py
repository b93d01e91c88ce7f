"""The script that lies with a repair's exported weights: they run with torch and the user's model alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ..data.files import FileImages
from ..data.framing import MODES
from ..data.splits import Split
from ..data.transforms import Preprocess
from ..models.classifier import Classifier

SCRIPT_FILE = "verify.py"
UNKNOWN_MODEL = ["model = None  # put the model here that the weights belong to"]
_KINDS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64"}


def script(
    classifier: Classifier, preprocess: Preprocess, split: Split, spec: str, weights: str, judged: str
) -> str | None:
    """Return a program of at most 20 lines that runs `weights` on the images of `judged`, both beside it.

    It prints, class by class, how many images there are and are right by the verdict and by the weights.
    None where the images are no files, or are padded to a square before they are cropped.
    """
    if not isinstance(split.source, FileImages) or preprocess.crop_mode == "border":
        return None
    columns = '(judged["labels"], judged["repaired"], found)'
    right = f'sum(a == b == label for a, b in zip(judged["labels"], seen)) for seen in {columns}'
    lines = [
        '"""Print each class, its judged images, and how many are right by the verdict and by this run."""',
        "import inspect, json, math, pathlib, sys, torch",
        "from PIL import Image",
        *_model(spec, classifier.outputs),
        *_state(weights, classifier),
        *_pixels(preprocess, split.source.root),
        f'judged = json.loads(pathlib.Path(__file__).with_name("{judged}").read_text())',
        f'found = [{_answer(classifier)} for path in judged["paths"]]',
        'for label, name in enumerate(judged["classes"]):',
        f'    print(ascii(name), *({right}), sep="\\t")',
    ]
    return "\n".join(lines) + "\n"


def _model(spec: str, classes: int) -> Sequence[str]:
    """Return the lines that build the user's model without weights."""
    kind, _, name = spec.rpartition(":") if ".py:" in spec else spec.partition(":")
    if kind == "torchvision":
        return [
            "from torchvision.models import get_model",
            f"model = get_model({name!r}, weights=None, num_classes={classes})",
        ]
    if kind == "timm":
        return ["import timm", f"model = timm.create_model({name!r}, num_classes={classes})"]
    path = Path(kind)
    module = path.stem if path.suffix == ".py" else kind
    if not all(part.isidentifier() for part in (*module.split("."), name)) or kind in (
        "hf",
        "clip",
        "module",
    ):
        return UNKNOWN_MODEL
    folder = path.absolute().parent if path.suffix == ".py" else Path.cwd()
    given = f"num_classes={classes}"
    return [
        f"sys.path.insert(0, {str(folder)!r})",
        f"from {module} import {name} as build",
        f'model = build({given}) if "num_classes" in inspect.signature(build).parameters else build()',
    ]


def _state(weights: str, classifier: Classifier) -> Sequence[str]:
    """Return the lines that fill the model from the file."""
    chosen = classifier.state.chosen if classifier.state is not None else None
    prefix = chosen.prefix if chosen is not None else ""
    fill = f"model.eval().load_state_dict({{name: state[{prefix!r} + name] for name in model.state_dict()}})"
    file = f'pathlib.Path(__file__).with_name("{weights}")'
    if weights.endswith(".safetensors"):
        tensor = (
            f'torch.frombuffer(raw, dtype=getattr(torch, {_KINDS}[v["dtype"]]), count=math.prod(v["shape"]), '
            'offset=start + v["data_offsets"][0]).view(v["shape"])'
        )
        return [
            f"raw = bytearray({file}.read_bytes())",
            'start = 8 + int.from_bytes(raw[:8], "little")',
            f'state = {{k: {tensor} for k, v in json.loads(raw[8:start]).items() if "dtype" in v}}',
            fill,
        ]
    wrapper = "".join(f"[{key!r}]" for key in (chosen.wrapper if chosen is not None else ()))
    return [f'state = torch.load({file}, map_location="cpu", weights_only=True){wrapper}', fill]


def _pixels(preprocess: Preprocess, root: Path) -> Sequence[str]:
    """Return the lines that make an image [1,C,S,S], by the preprocessing."""
    side, crop, mode = preprocess.resize_size, preprocess.image_size, MODES[preprocess.channels]
    edge = str(side) if preprocess.crop_mode == "squash" else f"int({side} * edge / min(image.size))"
    mean, std = (f"torch.tensor({list(part)}).view(-1, 1, 1)" for part in (preprocess.mean, preprocess.std))
    read = f"torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view({crop}, {crop}, -1)"
    return [
        "def pixels(path):",
        f'    image = Image.open(pathlib.Path({str(root.absolute())!r}, path)).convert("{mode}")',
        f"    size = [{edge} for edge in image.size]",
        f"    x, y = (round((edge - {crop}) / 2) for edge in size)",
        f"    image = image.resize(size, Image.Resampling.{preprocess.interpolation.upper()})"
        f".crop((x, y, x + {crop}, y + {crop}))",
        f"    return (({read}.permute(2, 0, 1) / 255 - {mean}) / {std})[None]",
    ]


def _answer(classifier: Classifier) -> str:
    """Return the expression of the class that the model predicts for an image."""
    site = classifier.site
    output = "model(pixels(path))" + "".join(f"[{key!r}]" for key in site.path)
    if site.single:
        column = "" if site.column is None else f"[0, {site.column}]"
        bound = 1 / (1 + math.exp(-site.offset)) if site.answer == "sigmoid" else site.offset
        return f"int({output}{column} > {bound!r})"
    return f"int({output}.argmax())"
