"""`-m hf:NAME_OR_FOLDER`: image classifiers of Hugging Face's transformers, with their preprocessing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ..config import ModelPreprocess
from ..errors import InputError
from ..torchvision_compat import import_torchvision
from .downloads import from_hub
from .filling import options_from
from .fitting import fit_into
from .source import ClassNames, ModelSource, Wanted
from .timm_models import config_facts
from .weights import StateFile

_REMEDY = "give a folder that save_pretrained wrote, or a model of image classification on the hub"
_LARGE = 384
_RESAMPLING = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
"""By the numbers that Pillow gives them."""


def from_hugging_face(name: str, wanted: Wanted) -> ModelSource:
    """Load a transformers image classifier from a folder, or by name from the hub. Raises InputError."""
    transformers = _transformers()
    folder = Path(name).expanduser()
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise InputError(f"-m {wanted.spec}: the folder has no config.json", _REMEDY)
    place = str(folder) if folder.is_dir() else name
    with from_hub(f"-m {wanted.spec}", _REMEDY, asked=not folder.is_dir()), _quiet():
        config = transformers.AutoConfig.from_pretrained(place)
        module, state, notes = _model(place, config, wanted)
        processor = _processor(place)
    facts, remarks = (None, ()) if processor is None else _preprocessing(processor, config, module)
    named = tuple(str(config.id2label[index]) for index in sorted(config.id2label))
    own = None if processor is None else partial(_processed, processor)
    known = ClassNames(named)
    return ModelSource(wanted.spec, module, facts, state, known, notes=(*notes, *remarks), own_picture=own)


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        message = "-m hf: needs the package transformers"
        raise InputError(message, "pip install 'neuroinspect-tui[hf]'") from error
    import_torchvision()  # its processors and timm's networks need it
    return transformers


def _model(place: str, config: Any, wanted: Wanted) -> tuple[nn.Module, StateFile | None, tuple[str, ...]]:
    """Return the model with the folder's weights, or with those of `-w`."""
    auto = _transformers().AutoModelForImageClassification
    if wanted.state is None:
        loaded, info = auto.from_pretrained(place, dtype=torch.float32, output_loading_info=True)
        _require_whole(info, wanted.spec)
        return loaded, None, ()
    module: nn.Module = auto.from_config(config, dtype=torch.float32)
    count = options_from(module, wanted.state).get("num_classes")
    if count is not None:
        config.num_labels = count
        module = auto.from_config(config, dtype=torch.float32)
    try:
        fitted = fit_into(module, wanted.state, average=wanted.config.ema)
        return module, fitted.state, fitted.notes
    except InputError as error:
        renamed, info = type(module).from_pretrained(  # type: ignore[attr-defined]
            None, config=config, state_dict=dict(wanted.state.tensors), output_loading_info=True
        )
        if info["missing_keys"] or info["mismatched_keys"]:
            raise error
        note = f"-w: the names in {wanted.state.path} are of an earlier version of transformers"
        return renamed.float(), None, (note,)


def _require_whole(info: Any, spec: str) -> None:
    """Raise InputError where the folder leaves parts of the model at random (a backbone: its head)."""
    missing = sorted(info["missing_keys"])
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        message = f"-m {spec} is not a trained classifier: it has no {missing[0]}{more}"
        raise InputError(message, "pass -w FILE with weights that have it, or another folder")


def _processor(place: str) -> Any | None:
    """Return the image processor, or None where there is none."""
    try:
        return _transformers().AutoImageProcessor.from_pretrained(place)
    except (OSError, ValueError, ImportError):
        return None


def _preprocessing(
    processor: Any, config: Any, module: nn.Module
) -> tuple[ModelPreprocess | None, tuple[str, ...]]:
    """Return what the processor does, measured on plain pictures, and a remark where it makes no squares."""
    carried = getattr(processor, "pretrained_cfg", None) or getattr(config, "pretrained_cfg", None)
    if isinstance(carried, dict):
        return config_facts(carried), ()
    black = _processed(processor, np.zeros((96, 96, 3), np.uint8))
    if black.shape[1] != black.shape[2]:
        return None, (f"the processor makes pictures of {black.shape[2]} x {black.shape[1]}, not squares",)
    shifts = [
        _processed(processor, _plain(channel)).mean((1, 2)) - black.mean((1, 2)) for channel in range(3)
    ]
    order = [int(shift.abs().argmax()) for shift in shifts]
    if order == [2, 1, 0]:
        module.register_forward_pre_hook(_flip_channels)
    slopes = torch.stack([shift[place] for shift, place in zip(shifts, order, strict=True)]).double()
    offsets = black.mean((1, 2))[order].double()
    facts = ModelPreprocess(
        **_framing(processor, black.shape[1]),
        mean=tuple(round(float(value), 6) for value in -offsets / slopes),
        std=tuple(round(float(value), 6) for value in 1 / slopes),
    )
    return facts, ()


def _framing(processor: Any, side: int) -> dict[str, Any]:
    """Return how a processor resizes and crops to `side` pixels, as fields of `ModelPreprocess`."""
    chosen = getattr(processor, "resample", None)
    facts: dict[str, Any] = {"image_size": side, "crop_pct": 1.0, "crop_mode": "center"}
    if chosen is not None:
        facts["interpolation"] = _RESAMPLING[int(chosen)]
    size = dict(getattr(processor, "size", None) or {})
    shortest, height = size.get("shortest_edge"), size.get("height")
    fraction = getattr(processor, "crop_pct", None)
    if shortest and fraction:
        squashed = shortest >= _LARGE
        return facts | ({"crop_mode": "squash"} if squashed else {"crop_pct": float(fraction)})
    if height or not getattr(processor, "do_resize", True):
        facts["crop_mode"] = "squash"
    resized = shortest or height
    return facts | ({"crop_pct": side / resized} if resized and resized >= side else {})


def _processed(processor: Any, picture: np.ndarray) -> Tensor:
    found: Tensor = processor(Image.fromarray(picture), return_tensors="pt")["pixel_values"][0]
    return found.float()


def _plain(channel: int) -> np.ndarray:
    picture = np.zeros((96, 96, 3), np.uint8)
    picture[:, :, channel] = 255
    return picture


def _flip_channels(module: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return (arguments[0].flip(1), *arguments[1:])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hush the library's progress bars and remarks."""
    logging = _transformers().utils.logging
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
