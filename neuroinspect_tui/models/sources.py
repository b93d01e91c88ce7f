"""From `-m` and `-w` to a module: torchvision and timm names, and callables of the user's own.

Names without `-w` get their published weights, the only time that anything is downloaded here.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from ..config import ModelConfig, ModelPreprocess, nearest
from ..errors import InputError
from ..torchvision_compat import import_torchvision
from .downloads import from_hub, from_url
from .weights import StateFile, load_into, read_state_dict

_FORMS = "use torchvision:NAME, timm:NAME, path/to/file.py:function or package.module:function"
_REMEDY = "pass -w FILE with weights that you have"


@dataclass(frozen=True)
class ModelSource:
    """A module filled with its weights, the preprocessing it carries, and the file that filled it."""

    name: str
    module: nn.Module
    preprocess: ModelPreprocess | None = None
    state: StateFile | None = None


def open_model(config: ModelConfig, num_classes: int) -> ModelSource:
    """Build the module that `config` names and fill it with its weights.

    `num_classes` goes to torchvision and timm builders when `-w` is given, and to a callable that requires
    it. Parameters without weights are drawn from a fixed seed. Raises InputError when the name is not known,
    or the weights cannot be had or do not fit.
    """
    kind, _, name = config.spec.rpartition(":") if ".py:" in config.spec else config.spec.partition(":")
    if not kind or not name:
        raise InputError(f"-m {config.spec!r} names no model", _FORMS)
    outputs = None if config.weights is None else num_classes
    folder = Path(kind).resolve().parent if kind.endswith(".py") else Path.cwd()
    import_torchvision()
    with _importable(folder), _repeatable():
        if kind == "torchvision":
            source = _from_torchvision(name, outputs)
        elif kind == "timm":
            source = _from_timm(name, outputs)
        else:
            source = _from_callable(config.spec, kind, name, num_classes)
        if config.weights is None:
            return source
        state = read_state_dict(config.weights, config.trust_pickle)
        return replace(source, state=load_into(source.module, state))


def _from_torchvision(name: str, outputs: int | None) -> ModelSource:
    models = import_torchvision().models
    known = models.list_models(module=models)
    if name not in known:
        raise _unknown(f"torchvision:{name}", known)
    published = models.get_model_weights(name)
    if outputs is None:
        with from_url(published.DEFAULT.url, f"the published weights of -m torchvision:{name}", _REMEDY):
            module = models.get_model(name, weights=published.DEFAULT)
    else:
        module = models.get_model(name, weights=None, num_classes=outputs)
    usual = published.DEFAULT if outputs is None else getattr(published, "IMAGENET1K_V1", published.DEFAULT)
    preset = usual.transforms()
    facts = ModelPreprocess(
        image_size=preset.crop_size[0],
        crop_pct=preset.crop_size[0] / preset.resize_size[0],
        mean=tuple(preset.mean),
        std=tuple(preset.std),
        interpolation=preset.interpolation.value,
    )
    return ModelSource(f"torchvision:{name}", module, facts)


def _from_timm(name: str, outputs: int | None) -> ModelSource:
    import timm

    if not timm.is_model(name):
        raise _unknown(f"timm:{name}", timm.list_models())
    if outputs is None:
        with from_hub(f"the published weights of -m timm:{name}", _REMEDY):
            module = timm.create_model(name, pretrained=True)
    else:
        module = timm.create_model(name, pretrained=False, num_classes=outputs)
    return ModelSource(f"timm:{name}", module, _timm_facts(module))


def _timm_facts(module: nn.Module) -> ModelPreprocess | None:
    carried = getattr(module, "pretrained_cfg", None)
    if not isinstance(carried, dict):
        return None
    from timm.data.config import resolve_data_config

    facts = resolve_data_config(pretrained_cfg=carried)
    return ModelPreprocess(
        image_size=facts["input_size"][-1],
        crop_pct=facts["crop_pct"],
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        interpolation=facts["interpolation"],
        crop_mode=facts["crop_mode"],
    )


def _from_callable(spec: str, kind: str, name: str, num_classes: int) -> ModelSource:
    home = _file_module(Path(kind), spec) if kind.endswith(".py") else _package_module(kind, spec)
    made = getattr(home, name, None)
    if made is None:
        names = [key for key, value in vars(home).items() if callable(value) and not key.startswith("_")]
        remedy = nearest(name, names) or "name a callable in it"
        raise InputError(f"-m {spec}: {kind} has no {name!r}", remedy)
    if not isinstance(made, nn.Module):
        made = _call(spec, made, num_classes)
    if not isinstance(made, nn.Module):
        raise InputError(f"-m {spec} returned {type(made).__name__}", "return a torch.nn.Module")
    return ModelSource(spec, made, _timm_facts(made))


def _call(spec: str, builder: Any, num_classes: int) -> Any:
    try:
        required = {
            name
            for name, parameter in inspect.signature(builder).parameters.items()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        }
        return builder(num_classes=num_classes) if required == {"num_classes"} else builder()
    except Exception as error:  # the user's own code can raise anything
        raise _failed(spec, error) from error


def _file_module(path: Path, spec: str) -> ModuleType:
    if not path.is_file():
        raise InputError(f"-m {spec}: there is no file {path}", _FORMS)
    name = f"neuroinspect_model_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise InputError(f"-m {spec}: {path} is no Python file", _FORMS)
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except Exception as error:  # the user's own code can raise anything
        raise _failed(spec, error) from error
    return module


def _package_module(kind: str, spec: str) -> ModuleType:
    try:
        return importlib.import_module(kind)
    except Exception as error:  # the user's own code can raise anything
        if isinstance(error, ModuleNotFoundError) and kind.startswith(str(error.name)):
            raise InputError(f"-m {spec}: there is no module {error.name!r}", _FORMS) from error
        raise _failed(spec, error) from error


def _failed(spec: str, error: Exception) -> InputError:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return InputError(f"-m {spec} failed: {reason}", "call it in Python to see where")


def _unknown(spec: str, known: list[str]) -> InputError:
    kind, name = spec.split(":", 1)
    return InputError(f"-m {spec} is not a {kind} model", nearest(name, known) or "list them in Python")


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the user's code import its neighbours, as it can when run from `folder`."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))


@contextlib.contextmanager
def _repeatable() -> Iterator[None]:
    """Draw untrained parameters from a fixed seed, leave the global generator as it was, hush warnings."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.default_generator.manual_seed(0)
        yield
