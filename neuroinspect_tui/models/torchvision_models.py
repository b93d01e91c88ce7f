"""`-m torchvision:NAME`: torchvision's builders, their published weights and preprocessing."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..config import ModelPreprocess, nearest
from ..errors import InputError
from ..torchvision_compat import import_torchvision
from .downloads import from_url
from .filling import filled
from .imagenet import CLASSES, imagenet_classes
from .source import ModelSource, Wanted

REMEDY = "pass -w FILE with weights that you have"
_AUXILIARY = {"inception_v3": "AuxLogits", "googlenet": "aux1"}
_TRANSFORMED = (
    "-m {spec}: transform_input is on, as in the published weights and all that was fine-tuned from them; "
    "for weights trained without it give a builder of your own (-m FILE.py:FUNCTION)"
)


def from_torchvision(name: str, wanted: Wanted) -> ModelSource:
    """Build torchvision's model `name` for `-w`, or with its published weights. Raises InputError."""
    models = import_torchvision().models
    known = models.list_models(module=models)
    if name not in known:
        remedy = nearest(name, known) or "list them in Python"
        raise InputError(f"-m {wanted.spec} is not a torchvision model", remedy)
    published = models.get_model_weights(name)
    if wanted.state is None:
        best = published.DEFAULT
        with from_url(best.url, f"the published weights of -m {wanted.spec}", REMEDY):
            module = models.get_model(name, weights=best)
        classes = imagenet_classes(len(best.meta["categories"]))
        return ModelSource(wanted.spec, module, _facts(best), classes=classes)

    def build(num_classes: int, img_size: int | None = None) -> nn.Module:
        given = _options(name, wanted, img_size)
        module: nn.Module = models.get_model(name, weights=None, num_classes=num_classes, **given)
        return module

    options: dict[str, Any] = {"num_classes": CLASSES}
    if name.startswith("vit_"):
        options["img_size"] = wanted.image_size
    module, fitted = filled(build, wanted.state, wanted.config, options)
    notes = fitted.notes
    if name in _AUXILIARY:
        notes = (*notes, _TRANSFORMED.format(spec=wanted.spec))
    facts = _facts(getattr(published, "IMAGENET1K_V1", published.DEFAULT))
    return ModelSource(wanted.spec, module, facts, fitted.state, notes=notes)


def _options(name: str, wanted: Wanted, img_size: int | None) -> dict[str, Any]:
    """Return the builder's arguments that no state dict holds.

    The published Inception and GoogLeNet weights see images normalised as for the TensorFlow originals
    (`transform_input`), and so does whatever was fine-tuned from them.
    """
    if img_size is not None and name.startswith("vit_"):
        return {"image_size": img_size}
    if name not in _AUXILIARY or wanted.state is None:
        return {}
    states = (wanted.state.chosen, *wanted.state.others)
    auxiliary = any(f"{_AUXILIARY[name]}." in tensor for one in states for tensor in one.tensors)
    return {"transform_input": True, "aux_logits": auxiliary, "init_weights": False}


def _facts(weights: Any) -> ModelPreprocess:
    preset = weights.transforms()
    return ModelPreprocess(
        image_size=preset.crop_size[0],
        crop_pct=preset.crop_size[0] / preset.resize_size[0],
        mean=tuple(preset.mean),
        std=tuple(preset.std),
        interpolation=preset.interpolation.value,
    )
