"""`-m timm:NAME`: timm's builders, their published weights, preprocessing and classes."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..config import ModelPreprocess, nearest
from ..errors import InputError
from .downloads import from_hub
from .filling import filled
from .imagenet import CLASSES, imagenet_classes
from .source import ModelSource, Wanted
from .torchvision_models import REMEDY


def from_timm(name: str, wanted: Wanted) -> ModelSource:
    """Build timm's model `name` for `-w`, or with its published weights. Raises InputError."""
    import timm

    if not timm.is_model(name):
        remedy = nearest(name, timm.list_models()) or "list them in Python"
        raise InputError(f"-m {wanted.spec} is not a timm model", remedy)
    if wanted.state is None:
        with from_hub(f"the published weights of -m {wanted.spec}", REMEDY):
            module = _build(name, pretrained=True, img_size=wanted.image_size)
        classes = imagenet_classes(getattr(module, "num_classes", 0))
        return ModelSource(wanted.spec, module, timm_facts(module), classes=classes)

    def build(**options: Any) -> nn.Module:
        return _build(name, **options)

    options = {"num_classes": CLASSES, "in_chans": 3, "img_size": wanted.image_size}
    module, fitted = filled(build, wanted.state, wanted.config, options)
    return ModelSource(wanted.spec, module, timm_facts(module), fitted.state, notes=fitted.notes)


def _build(name: str, **options: Any) -> nn.Module:
    """Call timm's builder; networks without position embeddings know no `img_size`."""
    import timm

    given = {key: value for key, value in options.items() if value is not None}
    try:
        return timm.create_model(name, **given)
    except TypeError as error:
        if "img_size" not in given or "img_size" not in str(error):
            raise
        return timm.create_model(name, **{key: value for key, value in given.items() if key != "img_size"})


def timm_facts(module: nn.Module) -> ModelPreprocess | None:
    """Return the preprocessing in the config that a timm module carries, None for another module."""
    carried = getattr(module, "pretrained_cfg", None)
    if not isinstance(carried, dict):
        return None
    return config_facts(carried, module)


def config_facts(config: dict[str, Any], module: nn.Module | None = None) -> ModelPreprocess:
    """Return the preprocessing that a timm config asks for; a module's own image size comes first."""
    from timm.data.config import resolve_data_config

    facts = resolve_data_config(pretrained_cfg=config)
    built = getattr(getattr(module, "patch_embed", None), "img_size", None)
    return ModelPreprocess(
        image_size=built[0] if isinstance(built, tuple) else facts["input_size"][-1],
        crop_pct=facts["crop_pct"],
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        interpolation=facts["interpolation"],
        crop_mode=facts["crop_mode"],
    )
