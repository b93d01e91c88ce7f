"""In which networks is the decision layer found? `python -m tests.sweep [--only TEXT] [--from N] [--most N]`.

Builds, without weights, every torchvision builder, the smallest member of every timm family and every image
classifier of transformers (its default configuration, with few and narrow layers), and locates the decision
on noise. A family is refused only where no linear decision exists.
"""

from __future__ import annotations

import argparse
import gc
import itertools
from collections.abc import Callable, Iterator

import torch
from torch import nn

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.models.timm_models import timm_facts
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
LARGEST = 60e6
"""Parameters; a family without a smaller member is left out."""

Case = tuple[str, Callable[[], nn.Module], int]


def timm_cases(only: str = "") -> Iterator[Case]:
    """Yield the smallest member of each family, that is, of each of timm's modules whose name has `only`."""
    import timm

    for family in timm.list_modules():
        if only.removeprefix("timm:") not in family:
            continue
        names = sorted(timm.list_models(module=family), key=_rank)[:TRIED]
        sizes = {name: _parameters(name) for name in names}
        known = {name: size for name, size in sizes.items() if size}
        if known and min(known.values()) < LARGEST:
            name = min(known, key=lambda one: known[one])
            config = timm.get_pretrained_cfg(name)
            side = config.input_size[-1] if config else 224
            yield f"timm:{name}", lambda name=name: timm.create_model(name), side


def _rank(name: str) -> tuple[int, int, str]:
    found = [place for place, text in enumerate(SMALL) if text in name]
    return min(found, default=len(SMALL)), len(name), name


def _parameters(name: str) -> int | None:
    """Count without memory; None for what cannot be built so."""
    import timm

    try:
        with torch.device("meta"):
            return sum(one.numel() for one in timm.create_model(name).parameters())
    except Exception:  # builders fail on the meta device in many ways
        return None


def torchvision_cases() -> Iterator[Case]:
    """Yield every builder of torchvision's classifiers below the largest size."""
    models = import_torchvision().models
    for name in models.list_models(module=models):
        weights = models.get_model_weights(name).DEFAULT
        if weights.meta["num_params"] < LARGEST:
            side = weights.transforms().crop_size[0]
            yield f"torchvision:{name}", lambda name=name: models.get_model(name, weights=None), side


NARROW = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def transformers_cases() -> Iterator[Case]:
    """Yield every image classifier of transformers, ViTs with few and narrow layers."""
    import transformers
    from transformers.models.auto import configuration_auto, modeling_auto

    for family, names in modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES.items():
        config_class = getattr(transformers, configuration_auto.CONFIG_MAPPING_NAMES[family])
        for name in (names,) if isinstance(names, str) else names:
            side = getattr(config_class(), "image_size", None)
            side = side if isinstance(side, int) else 224

            def build(name: str = name, config_class: type = config_class) -> nn.Module:
                config = config_class()
                for part in (config, *filter(None, [getattr(config, "vision_config", None)])):
                    narrow = NARROW if isinstance(getattr(part, "num_attention_heads", None), int) else {}
                    for key, value in narrow.items():
                        if isinstance(getattr(part, key, None), int):
                            setattr(part, key, value)
                made: nn.Module = getattr(transformers, name)(config)
                return made

            yield f"hf:{name}", build, side


def located(name: str, build: Callable[[], nn.Module], side: int) -> str:
    """Return the name of the decision layer; raises InputError where there is none."""
    torch.manual_seed(0)
    module = build()
    source = ModelSource(name, module, timm_facts(module))
    return prepare(source, None, side, torch.device("cpu")).site.name


def main() -> None:
    """Print a line for each network, then the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--most", type=int, default=10**6)
    options = parser.parse_args()
    import_torchvision()
    counts = {"located": 0, "refused": 0, "failed": 0}
    sources = (torchvision_cases(), timm_cases(options.only), transformers_cases())
    cases = (case for source in sources for case in source if options.only in case[0])
    for name, build, side in itertools.islice(cases, options.first, options.first + options.most):
        try:
            outcome, line = "located", located(name, build, side)
        except InputError as error:
            outcome, line = "refused", error.message
        except Exception as error:  # a builder may lack an optional package
            outcome, line = "failed", f"{type(error).__name__}: {error}"
        counts[outcome] += 1
        print(f"{outcome:8} {name:44} {side:4} {line[:110]}", flush=True)
        gc.collect()
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))


if __name__ == "__main__":
    main()
