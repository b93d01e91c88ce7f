"""Which of a file's state dicts belongs in a module, by what names, and the module filled with it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from ..errors import InputError
from .weights import StateDict, StateFile

_SHOWN = 3
_COUNTED = "num_batches_tracked"
_AVERAGED = ("ema", "averaged", "swa")


@dataclass(frozen=True)
class Fitted:
    """The file as it was loaded, and what the user should know about it."""

    state: StateFile
    notes: tuple[str, ...] = ()


def load_into(
    module: nn.Module, state: StateFile, option: str = "-w", average: bool | None = None
) -> StateFile:
    """`fit_into` without its notes."""
    return fit_into(module, state, option, average).state


def fit_into(module: nn.Module, state: StateFile, option: str = "-w", average: bool | None = None) -> Fitted:
    """Copy the file's tensors into `module`, all that it has.

    Of several state dicts the one that fits is taken; where a moving average of the weights fits beside
    them, `average` chooses, and unsaid the habit of the library that writes such files. Tensors for which
    the module has no part are left out, with a note. Raises InputError that lists the missing, unexpected and
    misshapen names, or says how many classes the file has where that alone differs.
    """
    wanted = module.state_dict()
    found = [part for one in (state.chosen, *state.others) for part in _by_prefix(one, wanted)]
    best = max(found, key=lambda one: _fitting(one.named, wanted))
    fits = [one for one in found if _fits(one.named, wanted)] or [best]
    chosen, notes = _chosen(fits, average, f"{option} {state.path}", option)
    state = replace(state, chosen=chosen, others=tuple(one for one in fits if one is not chosen))
    _require_fit(chosen, wanted, module, f"{option} {state.path}", option)
    named = OrderedDict((name, tensor) for name, tensor in chosen.named.items() if name in wanted)
    named._metadata = _metadata(state, wanted)  # type: ignore[attr-defined]
    module.load_state_dict(named, strict=False)
    placed = {name for one in fits if one.tensors is chosen.tensors for name in one.stored_names.values()}
    left = [name for name in chosen.tensors if name.removeprefix(chosen.prefix) not in wanted]
    left = [name for name in left if not chosen.beside_others or name not in placed]
    if left:
        count = "1 tensor" if len(left) == 1 else f"{len(left)} tensors"
        notes.append(f"{option}: the model has no place for {count} of the file: {_some(left)}")
    return Fitted(state, tuple(notes))


def misshapen(module: nn.Module, state: StateFile) -> dict[str, tuple[Tensor, Tensor]]:
    """Return (the file's, the module's) tensor of each name whose shapes differ."""
    wanted = module.state_dict()
    found = [part.named for one in (state.chosen, *state.others) for part in _by_prefix(one, wanted)]
    best = max(found, key=lambda named: _fitting(named, wanted))
    return {
        name: (tensor, wanted[name])
        for name, tensor in best.items()
        if isinstance(wanted.get(name), Tensor) and tensor.shape != wanted[name].shape
    }


def _chosen(
    fits: Sequence[StateDict], average: bool | None, subject: str, option: str
) -> tuple[StateDict, list[str]]:
    """Choose among state dicts that fit; say that there are several and which is used."""
    averages = [one for one in fits if _is_average(one)]
    plain = [one for one in fits if not _is_average(one)]
    if average is not None and not (averages if average else plain):
        kind = "moving average of the weights" if average else "weights but a moving average"
        raise InputError(f"{subject} holds no {kind}", f"leave out --{'' if average else 'no-'}ema")
    if not averages or not plain:
        return fits[0], _several(fits, option) if len(fits) > 1 else []
    habit = _prefers_average(averages[0])
    chosen, other = averages[0], plain[0]
    if not (habit if average is None else average):
        chosen, other = other, chosen
    switch = "--no-ema" if chosen is averages[0] else "--ema"
    return chosen, [
        f"{option}: two sets of weights, {plain[0].label} and their moving average {averages[0].label}: "
        f"{chosen.label} is used ({switch} takes {other.label})"
    ]


def _several(fits: Sequence[StateDict], option: str) -> list[str]:
    labels = ", ".join(one.label for one in fits)
    return [f"{option}: {len(fits)} sets of weights fit ({labels}): {fits[0].label} is used"]


def _is_average(one: StateDict) -> bool:
    keys = (*one.wrapper, *one.prefix.split(".")) if one.beside_others else one.wrapper
    return any(part in _AVERAGED for key in keys for part in key.lower().split("_"))


def _prefers_average(one: StateDict) -> bool:
    """Whether the library that writes such a file evaluates the average.

    timm (`state_dict_ema`), torchvision's references (`model_ema`, an AveragedModel with its count), files
    with `ema` (YOLO) and ema-pytorch (`ema_model.` beside `online_model.`) do; DeiT's and ConvNeXt's
    (`model_ema` without a count) and MMEngine's (`ema_state_dict`, where `state_dict` is the average) do not.
    """
    if one.beside_others:
        return any(name.startswith("online_model.") for name in one.tensors)
    key = one.wrapper[-1] if one.wrapper[-1] != "module" or len(one.wrapper) < 2 else one.wrapper[-2]
    return key in ("state_dict_ema", "ema") or "n_averaged" in one.tensors


def _require_fit(
    chosen: StateDict, wanted: Mapping[str, Any], module: nn.Module, subject: str, option: str
) -> None:
    """Raise InputError unless `chosen` has every tensor of the module in its shape, and no foreign layer."""
    named = chosen.named
    shapes = [
        f"{name} {list(tensor.shape)} instead of {list(wanted[name].shape)}"
        for name, tensor in named.items()
        if isinstance(wanted.get(name), Tensor) and tensor.shape != wanted[name].shape
    ]
    missing = [name for name in _needed(wanted) if name not in named]
    children = {name for name, _ in module.named_children()}
    unexpected = [
        name for name in named if name not in wanted and (missing or name.partition(".")[0] in children)
    ]
    kinds = (("missing", missing), ("unexpected", unexpected), ("wrong shape", shapes))
    faults = [f"{kind} {_some(names)}" for kind, names in kinds if names]
    if option == "-w" and shapes and len(faults) == 1 and (classes := _class_counts(named, wanted)):
        message = f"{subject} has {classes[0]} classes, the model {classes[1]}"
        raise InputError(message, "check -m and -w, or name with --classes all that the weights know")
    if faults:
        remedy = "give the weights of this very model, trained on this data set's classes"
        raise InputError(f"{subject} does not fit the model: {'; '.join(faults)}", remedy)


def _needed(wanted: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names without which a module is not filled: counters of batches do not matter."""
    return (name for name, value in wanted.items() if isinstance(value, Tensor) and _COUNTED not in name)


def _fits(named: Mapping[str, Tensor], wanted: Mapping[str, Any]) -> bool:
    return all(name in named and named[name].shape == wanted[name].shape for name in _needed(wanted))


def _fitting(named: Mapping[str, Tensor], wanted: Mapping[str, Any]) -> int:
    """Count the names that the module has, those of its shape twice."""
    return sum(1 + (tensor.shape == wanted[name].shape) for name, tensor in named.items() if name in wanted)


def _class_counts(named: Mapping[str, Tensor], wanted: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return (found, wanted) where all shapes that differ do so in their first length alone, and alike."""
    shapes = [(found.shape, wanted[name].shape) for name, found in named.items() if name in wanted]
    differing = [(one, other) for one, other in shapes if one != other]
    counts = {(one[0], other[0]) for one, other in differing if one[1:] == other[1:] and len(one)}
    same = len(counts) == 1 and all(one[1:] == other[1:] for one, other in differing)
    return counts.pop() if same else None


def _metadata(state: StateFile, wanted: Mapping[str, Any]) -> Any:
    """Return the versions of the module's parts as stored in the file, or as they are now.

    A file that counts no batches is older than the batch norms' version that does.
    """
    content = state.content
    for key in state.chosen.wrapper:
        content = content[key]
    own = getattr(wanted, "_metadata", {})
    stored = getattr(content, "_metadata", None)
    if stored is None:
        counted = any(_COUNTED in name for name in state.tensors)
        return own if counted or not any(_COUNTED in name for name in wanted) else {}
    prefix = state.chosen.prefix
    versions = {name.removeprefix(prefix): value for name, value in stored.items()}
    if prefix.rstrip(".") in stored:
        versions[""] = stored[prefix.rstrip(".")]
    return versions


def _by_prefix(found: StateDict, wanted: Mapping[str, Any]) -> list[StateDict]:
    """Return the state dict by each prefix whose removal fits all names, the shortest first.

    Where none does, by the one that fits the most.
    """
    targets = set(wanted)
    ends = {name.rpartition(".")[2] for name in targets}
    prefixes = {""}
    for name in found.tensors:
        if name.rpartition(".")[2] in ends:
            parts = name.split(".")
            tails = (".".join(parts[start:]) for start in range(1, len(parts)))
            prefixes |= {name.removesuffix(tail) for tail in tails if tail in targets}
    ordered = sorted(prefixes, key=lambda prefix: (len(prefix), prefix))
    reached = {prefix: _reached(found.tensors, prefix, targets) for prefix in ordered}
    needed = sum(1 for _ in _needed(wanted))
    whole = [replace(found, prefix=prefix) for prefix in ordered if reached[prefix] >= needed]
    whole = [one for one in whole if _fits(one.named, wanted)]
    if whole:
        return [replace(one, beside_others=len(whole) > 1) for one in whole]
    return [replace(found, prefix=max(ordered, key=lambda prefix: reached[prefix]))]


def _reached(names: Iterable[str], prefix: str, targets: set[str]) -> int:
    return sum(name.startswith(prefix) and name[len(prefix) :] in targets for name in names)


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
