"""The script that lies with a repair's exported weights: they run with torch and the user's model alone."""

from __future__ import annotations

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

    It prints, class by class, how many images are right by the verdict and by the weights. None where the
    images are no files.
    """
    if not isinstance(split.source, FileImages):
        return None
    image = f"Image.open(pathlib.Path({str(split.source.root.absolute())!r}, path))"
    pixels = f'prepare({image}.convert("{MODES[preprocess.channels]}"))[None]'
    lines = [
        '"""Print each class with how many of its judged images are right, by the verdict and here."""',
        "import inspect, json, math, pathlib, sys, torch",
        "from PIL import Image, ImageOps",
        "from torchvision import transforms",
        "here = pathlib.Path(__file__).parent",
        *_model(spec, 1 if classifier.site.single else classifier.head.classes),
        *_state(weights, classifier),
        f"prepare = transforms.Compose([{', '.join(_steps(preprocess))}])",
        f'judged = json.loads((here / "{judged}").read_text())',
        f"""found = [{_answer(classifier, pixels)} for path in judged["paths"]]""",
        """for label in sorted(set(judged["labels"])):""",
        """    rows = [row for row, own in enumerate(judged["labels"]) if own == label]""",
        """    right = [sum(seen[row] == label for row in rows) for seen in (judged["repaired"], found)]""",
        """    print(ascii(judged["classes"][label]), *(f"{n}/{len(rows)}" for n in right), sep="\\t")""",
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
    if weights.endswith(".safetensors"):
        kinds = ", ".join(f'"{name}": torch.{kind}' for name, kind in _KINDS.items())
        tensor = (
            'torch.frombuffer(raw, dtype=kinds[v["dtype"]], count=math.prod(v["shape"]), '
            'offset=start + v["data_offsets"][0]).view(v["shape"])'
        )
        return [
            f'raw = bytearray((here / "{weights}").read_bytes())',
            'start = 8 + int.from_bytes(raw[:8], "little")',
            f"kinds = {{{kinds}}}",
            f'state = {{k: {tensor} for k, v in json.loads(raw[8:start]).items() if "dtype" in v}}',
            fill,
        ]
    wrapper = "".join(f"[{key!r}]" for key in (chosen.wrapper if chosen is not None else ()))
    return [f'state = torch.load(here / "{weights}", map_location="cpu", weights_only=True){wrapper}', fill]


def _steps(preprocess: Preprocess) -> Sequence[str]:
    """Return the torchvision transforms that equal the preprocessing."""
    side, mode = preprocess.resize_size, preprocess.interpolation.upper()
    how = f"transforms.InterpolationMode.{mode}"
    resize = f"transforms.Resize({side}, {how})"
    if preprocess.crop_mode == "squash":
        resize = f"transforms.Resize(({side}, {side}), {how})"
    elif preprocess.crop_mode == "border":
        fill = preprocess.framing.fill
        colour = fill if len(fill) > 1 else fill[0]
        padded = f"ImageOps.pad(i, ({side}, {side}), Image.Resampling.{mode}, {colour})"
        resize = f"transforms.Lambda(lambda i: {padded})"
    crop = f"transforms.CenterCrop({preprocess.image_size})"
    scale = f"transforms.Normalize({list(preprocess.mean)}, {list(preprocess.std)})"
    return [resize, crop, "transforms.ToTensor()", scale]


def _answer(classifier: Classifier, pixels: str) -> str:
    """Return the expression of the class that the model predicts for an image."""
    site = classifier.site
    output = f"model({pixels})" + "".join(f"[{key!r}]" for key in site.path)
    if site.single:
        return f"int({output} > {0.5 if site.answer == 'sigmoid' else 0})"
    return f"int({output}.argmax())"
