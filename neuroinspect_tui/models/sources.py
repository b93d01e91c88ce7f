"""From `-m` and `-w` to a module: names of libraries, folders, and callables of the user's own.

Names without `-w` get their published weights, the only time that anything is downloaded here.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from ..config import ModelConfig, nearest
from ..errors import InputError
from ..torchvision_compat import beside_torchvision
from .filling import options_from
from .fitting import fit_into
from .hf_models import from_hugging_face
from .source import ModelSource, Wanted
from .timm_models import from_timm, timm_facts
from .torchvision_models import from_torchvision
from .weights import StateDict, StateFile, read_state_dict
from .zero_shot import from_clip

__all__ = ["ModelSource", "open_model"]

_FORMS = (
    "use torchvision:NAME, timm:NAME, hf:NAME_OR_FOLDER, clip:NAME:TAG, path/to/file.py:function or "
    "package.module:function"
)
_LIBRARIES: dict[str, Callable[[str, Wanted], ModelSource]] = {
    "torchvision": from_torchvision,
    "timm": from_timm,
    "hf": from_hugging_face,
    "clip": from_clip,
}


def open_model(
    config: ModelConfig,
    data_classes: Callable[[], Sequence[str]] | None = None,
    image_size: int | None = None,
) -> ModelSource:
    """Build the module that `config` names and fill it with its weights, on the CPU.

    The file of `-w` says how many classes there are. `data_classes` is called where nothing else does: for a
    callable that requires `num_classes`, and for the texts of a zero-shot classifier. `image_size` goes to
    builders whose networks are made for one. Parameters without weights are drawn from a fixed seed.
    Raises InputError when the name is not known, or the weights are out of reach or do not fit.
    """
    kind, _, name = config.spec.rpartition(":") if ".py:" in config.spec else config.spec.partition(":")
    if not kind or not name:
        raise InputError(f"-m {config.spec!r} names no model", _FORMS)
    folder = Path(kind).resolve().parent if kind.endswith(".py") else Path.cwd()
    with _importable(folder), _repeatable():
        state = None if config.weights is None else read_state_dict(config.weights, config.trust_pickle)
        wanted = Wanted(config, state, image_size, data_classes or _no_classes(config.spec))
        build = _LIBRARIES.get(kind) or partial(_from_callable, kind)
        source = beside_torchvision(partial(build, name, wanted))
    module = _unwrapped(source.module)
    return replace(source, module=module, channels=_channels(module))


def module_source(name: str, module: nn.Module) -> ModelSource:
    """Return a module that was built already as what `open_model` returns; what timm says of it is kept."""
    module = _unwrapped(module)
    return ModelSource(name, module, timm_facts(module), channels=_channels(module))


def _no_classes(spec: str) -> Callable[[], Sequence[str]]:
    def refuse() -> Sequence[str]:
        raise InputError(f"-m {spec} needs to know its classes", "give them with --classes FILE")

    return refuse


def _unwrapped(module: nn.Module) -> nn.Module:
    """Return the module itself from inside `torch.compile`, DataParallel and DistributedDataParallel."""
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None and type(module).__name__ in ("DataParallel", "DistributedDataParallel"):
            inner = module.module
        if not isinstance(inner, nn.Module):
            return module
        module = inner


def _wrapped_state(whole: nn.Module, inner: nn.Module) -> StateFile | None:
    """Return the state dict of what a builder returned where it was wrapped: its names are the user's."""
    if whole is inner:
        return None
    tensors = {name: tensor.detach().clone() for name, tensor in whole.state_dict().items()}
    first, own = next(iter(tensors), ""), next(iter(inner.state_dict()), "")
    return StateFile("", "safetensors", StateDict(tensors, prefix=first.removesuffix(own)))


def _channels(module: nn.Module) -> int:
    """Return how many channels the first convolution reads if images can have as many, else 3."""
    first = next((part for part in module.modules() if isinstance(part, nn.Conv2d)), None)
    return first.in_channels if first is not None and first.in_channels in (1, 3, 4) else 3


def _from_callable(kind: str, name: str, wanted: Wanted) -> ModelSource:
    spec = wanted.spec
    home = _file_module(Path(kind), spec) if kind.endswith(".py") else _package_module(kind, spec)
    made = getattr(home, name, None)
    if made is None:
        names = [key for key, value in vars(home).items() if callable(value) and not key.startswith("_")]
        remedy = nearest(name, names) or "name a callable in it"
        raise InputError(f"-m {spec}: {kind} has no {name!r}", remedy)
    builder = made
    if not isinstance(made, nn.Module):
        made = _call(builder, wanted)
    if not isinstance(made, nn.Module):
        raise InputError(f"-m {spec} returned {type(made).__name__}", "return a torch.nn.Module")
    whole, made = made, _unwrapped(made)
    if wanted.state is None:
        return ModelSource(spec, made, timm_facts(made), _wrapped_state(whole, made))
    count = options_from(made, wanted.state).get("num_classes")
    if count is not None and builder is not made and "num_classes" in _arguments(builder):
        made = _unwrapped(_call(builder, wanted, count))
    fitted = fit_into(made, wanted.state, average=wanted.config.ema)
    return ModelSource(spec, made, timm_facts(made), fitted.state, notes=fitted.notes)


def _arguments(builder: Any) -> dict[str, inspect.Parameter]:
    """Return the named arguments of a callable; none where it does not tell."""
    try:
        found = inspect.signature(builder).parameters
    except (TypeError, ValueError):
        return {}
    various = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name: one for name, one in found.items() if one.kind not in various}


def _call(builder: Any, wanted: Wanted, num_classes: int | None = None) -> Any:
    """Call the user's builder with the number of classes if it is known or required, without pretraining."""
    required = {name for name, one in _arguments(builder).items() if one.default is one.empty}
    given: dict[str, Any] = {}
    if "num_classes" in required or num_classes is not None:
        given["num_classes"] = num_classes if num_classes is not None else len(wanted.data_classes())
    if "pretrained" in required:
        given["pretrained"] = False
    try:
        return builder(**given)
    except Exception as error:  # the user's own code can raise anything
        raise _failed(wanted.spec, error) from error


def _file_module(path: Path, spec: str) -> ModuleType:
    if not path.is_file():
        raise InputError(f"-m {spec}: there is no file {path}", _FORMS)
    name = f"neuroinspect_model_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise InputError(f"-m {spec}: {path} is not a Python file", _FORMS)
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
