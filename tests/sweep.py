"""In which networks is the decision layer found? `python -m tests.sweep [--only TEXT] [--from N] [--most N]`.

Builds, without weights, every torchvision builder, the smallest member of every timm family and every image
classifier of transformers (its default configuration, with few and narrow layers), and locates the decision
on noise. A family is refused only where no linear decision exists.
"""

from __future__ import annotations

import argparse
import gc
import math
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import nn

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.classifier import probe
from neuroinspect_tui.models.head import locate_head
from neuroinspect_tui.torchvision_compat import import_torchvision

SMALL = (
    "test",
    "atto",
    "femto",
    "pico",
    "nano",
    "micro",
    "mini",
    "tiny",
    "small",
    "xxs",
    "xs",
    "_s",
    "_t",
    "18",
)
TRIED = 4
QUICK = 128
"""Pixels: enough for networks that run on any size."""

Built = tuple[str, nn.Module, int]
"""What a network is called, the network, and the side of its images."""
Case = tuple[str, Callable[[], Built]]


def timm_cases() -> Iterator[Case]:
    """Yield the smallest member of each family, that is, of each of timm's modules."""
    import timm

    def build(family: str) -> Built:
        names = [name for name in timm.list_models(module=family) if _classifies(name)]
        name = min(sorted(names, key=_rank)[:TRIED], key=_parameters)
        config = timm.get_pretrained_cfg(name)
        return name, timm.create_model(name), config.input_size[-1] if config else 224

    for family in timm.list_modules():
        if any(map(_classifies, timm.list_models(module=family))):
            yield f"timm:{family}", partial(build, family)


def _classifies(name: str) -> bool:
    """Whether a name stands for a classifier, not for features alone."""
    import timm

    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return config is None or config.num_classes > 0


def _rank(name: str) -> tuple[int, int, str]:
    found = [place for place, text in enumerate(SMALL) if text in name]
    return min(found, default=len(SMALL)), len(name), name


def _parameters(name: str) -> float:
    """Count without memory; infinite for what cannot be built so."""
    import timm

    try:
        with torch.device("meta"):
            return sum(one.numel() for one in timm.create_model(name).parameters())
    except Exception:  # builders fail on the meta device in many ways
        return math.inf


def torchvision_cases() -> Iterator[Case]:
    """Yield every builder of torchvision's classifiers."""
    models = import_torchvision().models

    def build(name: str) -> Built:
        side = models.get_model_weights(name).DEFAULT.transforms().crop_size[0]
        any_size = not name.startswith(("vit", "swin", "maxvit"))
        module = models.get_model(name, weights=None)
        return name, module, min(side, QUICK) if any_size else getattr(module, "image_size", side)

    for name in models.list_models(module=models):
        yield f"torchvision:{name}", partial(build, name)


NARROW = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def transformers_cases() -> Iterator[Case]:
    """Yield every image classifier of transformers, ViTs with few and narrow layers."""
    import transformers
    from transformers.models.auto import configuration_auto, modeling_auto

    def build(family: str, name: str) -> Built:
        config = getattr(transformers, configuration_auto.CONFIG_MAPPING_NAMES[family])()
        side = getattr(config, "image_size", None)
        for part in (config, *filter(None, [getattr(config, "vision_config", None)])):
            narrow = NARROW if isinstance(getattr(part, "num_attention_heads", None), int) else {}
            for key, value in narrow.items():
                if isinstance(getattr(part, key, None), int):
                    setattr(part, key, value)
        return name, getattr(transformers, name)(config), side if isinstance(side, int) else 224

    for family, names in modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES.items():
        for name in (names,) if isinstance(names, str) else names:
            yield f"hf:{name}", partial(build, family, name)


def located(module: nn.Module, side: int) -> str:
    """Return the name of the decision layer; raises InputError where there is none."""
    return locate_head(module.eval(), probe(side, torch.device("cpu"))).name


def outcome_of(build: Callable[[], Built]) -> tuple[str, str, str]:
    """Return what came of it, of which network, and its decision layer or the reason."""
    torch.manual_seed(0)
    name = ""
    try:
        name, module, side = build()
        return "located", name, located(module, side)
    except InputError as error:
        return "refused", name, error.message
    except Exception as error:  # a builder may lack an optional package
        return "failed", name, f"{type(error).__name__}: {error}"


def main() -> None:
    """Print a line for each network, then the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--most", type=int, default=10**6)
    options = parser.parse_args()
    import_torchvision()
    cases = [
        case
        for case in (*torchvision_cases(), *timm_cases(), *transformers_cases())
        if options.only in case[0]
    ]
    counts = Counter[str]()
    for family, build in cases[options.first : options.first + options.most]:
        outcome, name, line = outcome_of(build)
        counts[outcome] += 1
        print(f"{outcome:8} {family:36} {name:32} {line[:110]}", flush=True)
        gc.collect()
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()), f"of {len(cases)}")


if __name__ == "__main__":
    main()
