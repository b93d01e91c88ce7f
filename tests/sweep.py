"""In which networks is the decision layer found? `python -m tests.sweep [--only TEXT] [--most N]`.

Builds, without weights, the smallest member of every timm family and every torchvision builder, and locates
its decision on noise. A family is refused only where no linear decision exists.
"""

from __future__ import annotations

import argparse
import gc
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


def timm_cases() -> Iterator[Case]:
    """Yield the smallest member of each family, that is, of each of timm's modules."""
    import timm

    for family in timm.list_modules():
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
    parser.add_argument("--most", type=int, default=10**6)
    options = parser.parse_args()
    import_torchvision()
    counts = {"located": 0, "refused": 0, "failed": 0}
    cases = (case for source in (torchvision_cases(), timm_cases()) for case in source)
    for number, (name, build, side) in enumerate(case for case in cases if options.only in case[0]):
        if number >= options.most:
            break
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
