"""State dicts from and to files, safely: tensors are read, code in a file is never run.

A file may wrap its state dict (`{"state_dict": …, "epoch": 9}`) and prefix its names (`module.`, left by
DataParallel); both are undone to load it and kept when a repaired copy is written.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..errors import InputError

Format = Literal["safetensors", "torch"]
WRAPPERS = ("state_dict", "model", "model_ema", "net")
PREFIXES = ("module.", "_orig_mod.", "model.")
_SHOWN = 3
_HARMLESS = re.compile(r"collections\.OrderedDict|torch\._utils\._rebuild_\w+|torch\.\w+Storage")


@dataclass(frozen=True)
class StateFile:
    """A state dict as its file holds it: `tensors` by their names there, in their own types, on the CPU.

    `wrapper` the keys that lead to the state dict, `prefix` what to cut from each name to get the model's,
    `content` the whole file, `metadata` the text that a safetensors file carries.
    """

    path: str
    format: Format
    tensors: dict[str, Tensor]
    wrapper: tuple[str, ...] = ()
    prefix: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    content: Any = None

    @property
    def stored_names(self) -> dict[str, str]:
        """The file's name of each of the model's names."""
        return {name.removeprefix(self.prefix): name for name in self.tensors}

    @property
    def named(self) -> dict[str, Tensor]:
        """The tensors by the model's names."""
        return {name: self.tensors[stored] for name, stored in self.stored_names.items()}

    @property
    def suffix(self) -> str:
        """The usual file name ending of the format."""
        return ".safetensors" if self.format == "safetensors" else ".pt"


def read_state_dict(path: str | Path, trust_pickle: bool = False, option: str = "-w") -> StateFile:
    """Read a `.safetensors` file or a torch file of tensors, whichever its first bytes say it is.

    Torch files are read with `weights_only=True`: nothing in them is executed. With `trust_pickle` they may
    hold anything, a whole pickled module included. Raises InputError, which names the global that a pickle
    asked for, when the file cannot be had or holds no state dict.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f"{option} {path} is not a file", "give the path of a .safetensors, .pt or .pth file"
        )
    try:
        with path.open("rb") as stream:
            start = stream.read(9)
    except OSError as error:
        raise InputError(
            f"{option} {path} cannot be read: {error.strerror}", "check its permissions"
        ) from error
    if start[8:9] == b"{":
        return _read_safetensors(path, option)
    content = _load_pickle(path, option) if trust_pickle else _load_tensors(path, option)
    wrapper, state = _unwrap(content)
    tensors = {str(name): tensor for name, tensor in state.items() if isinstance(tensor, Tensor)}
    if not tensors:
        raise InputError(
            f"{option} {path} holds no state dict", "save it with torch.save(model.state_dict(), …)"
        )
    return StateFile(str(path), "torch", tensors, wrapper, content=content)


def load_into(module: nn.Module, state: StateFile, option: str = "-w") -> StateFile:
    """Copy the file's tensors into `module`, all and only those it has; return `state` with its prefix found.

    Raises InputError that lists the missing, unexpected and misshapen names, or tells how many classes the
    file has where that alone differs.
    """
    wanted = module.state_dict()
    state = replace(state, prefix=_prefix(state.tensors, wanted))
    named = state.named
    shapes = [
        f"{name} {list(tensor.shape)} instead of {list(wanted[name].shape)}"
        for name, tensor in named.items()
        if isinstance(wanted.get(name), Tensor) and tensor.shape != wanted[name].shape
    ]
    fitting = {name: tensor for name, tensor in named.items() if name in wanted} if shapes else named
    result = None if shapes else module.load_state_dict(fitting, strict=False)
    missing = result.missing_keys if result else [name for name in wanted if name not in named]
    unexpected = result.unexpected_keys if result else [name for name in named if name not in wanted]
    faults = [
        f"{kind} {_some(names)}"
        for kind, names in (("missing", missing), ("unexpected", unexpected), ("wrong shape", shapes))
        if names
    ]
    if option == "-w" and shapes and len(faults) == 1 and (classes := _class_counts(named, wanted)):
        message = f"{option} {state.path} has {classes[0]} classes, the model {classes[1]}"
        raise InputError(message, "check -m and -w, or name with --classes all that the weights know")
    if faults:
        remedy = "give the weights of this very model, trained on this data set's classes"
        raise InputError(f"{option} {state.path} does not fit the model: {'; '.join(faults)}", remedy)
    return state


def _class_counts(named: Mapping[str, Tensor], wanted: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return (found, wanted) where all shapes that differ do so in their first length alone, and alike."""
    shapes = [(found.shape, wanted[name].shape) for name, found in named.items()]
    differing = [(one, other) for one, other in shapes if one != other]
    counts = {(one[0], other[0]) for one, other in differing if one[1:] == other[1:] and len(one)}
    same = len(counts) == 1 and all(one[1:] == other[1:] for one, other in differing)
    return counts.pop() if same and len(differing) <= 2 else None


def write_state_dict(
    path: str | Path, tensors: Mapping[str, Tensor], original: StateFile | None = None
) -> None:
    """Write `tensors` in the format, wrapper and names of `original` (None: safetensors).

    What else a torch file held (an epoch, an optimizer's state) is kept as far as it can be read back
    without running code; a whole pickled module becomes a plain state dict. Raises OSError on a full disk
    and the like, which the writers of both formats would hide in errors of their own.
    """
    own = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    if original is None or original.format == "safetensors":
        metadata = original.metadata if original else {"format": "pt"}
        _write_safetensors(Path(path), _unshared(own), metadata)
        return
    packed = io.BytesIO()
    torch.save(_rewrap(original.content, original.wrapper, own), packed)
    Path(path).write_bytes(packed.getbuffer())


def _write_safetensors(path: Path, tensors: dict[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write the same bytes for the same tensors: the library shuffles the metadata in every process."""
    packed = memoryview(safetensors.torch.save(tensors, dict(metadata) or None))
    length = int.from_bytes(packed[:8], "little")
    header = json.loads(bytes(packed[8 : 8 + length]))
    if metadata:
        header["__metadata__"] = dict(sorted(metadata.items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        file.write(packed[8 + length :])


def tensor_hash(tensor: Tensor) -> str:
    """Return the SHA-256 of a tensor's type, shape and bytes."""
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    digest = hashlib.sha256(f"{tensor.dtype}{list(tensor.shape)}".encode())
    digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read_safetensors(path: Path, option: str) -> StateFile:
    try:
        with safe_open(path, "pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        message = f"{option} {path} is no sound safetensors file: {error}"
        raise InputError(message, "copy or save it again") from error
    return StateFile(str(path), "safetensors", tensors, metadata=metadata)


def _load_tensors(path: Path, option: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken file can raise anything
        refused = _refused_global(path, error)
        if refused is None:
            message = f"{option} {path} cannot be read: it is {_what_it_is(path, error)}"
            raise InputError(message, "give a file that torch.save(model.state_dict(), …) wrote") from error
        message = f"{option} {path} is a pickle that asks for {refused}, which may run any code"
        remedy = "save model.state_dict() instead, or pass --trust-pickle if you trust whoever made it"
        raise InputError(message, remedy) from error


def _load_pickle(path: Path, option: str) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:  # the pickle's own code can raise anything
        message = f"{option} {path} cannot be unpickled: {type(error).__name__}: {error}"
        raise InputError(message, "its classes must be importable from here") from error


def _refused_global(path: Path, error: Exception) -> str | None:
    """Name the first global in the pickle that a reader of plain tensors refuses, without running it."""
    if not isinstance(error, pickle.UnpicklingError):
        return None
    if found := re.search(r"GLOBAL ([\w.]+)", str(error)):
        return found[1]
    return next((name for name in _globals(path) if not _HARMLESS.fullmatch(name)), None)


def _what_it_is(path: Path, error: Exception) -> str:
    if "TorchScript" in str(error):
        return "a TorchScript archive"
    with path.open("rb") as stream:
        return "a damaged archive" if stream.read(2) == b"PK" else "no torch file"


def _globals(path: Path) -> Iterator[str]:
    strings: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(_pickle_bytes(path)):
            if opcode.name == "GLOBAL":
                yield str(argument).replace(" ", ".")
            elif opcode.name == "STACK_GLOBAL":
                yield ".".join(strings[-2:])
            elif isinstance(argument, str):
                strings.append(argument)
    except ValueError:
        return


def _pickle_bytes(path: Path) -> bytes:
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        name = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
        return archive.read(name) if name else b""


def _unwrap(content: Any) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """Return the keys that lead to the state dict in `content`, and it."""
    if isinstance(content, nn.Module):
        return (), content.state_dict()
    if not isinstance(content, Mapping):
        return (), {}
    for key in WRAPPERS:
        if isinstance(content.get(key), (Mapping, nn.Module)):
            inner, state = _unwrap(content[key])
            return (key, *inner), state
    return (), content


def _rewrap(content: Any, wrapper: tuple[str, ...], tensors: Mapping[str, Tensor]) -> Any:
    if wrapper:
        kept = {name: value for name, value in content.items() if _is_plain(value)}
        return kept | {wrapper[0]: _rewrap(content[wrapper[0]], wrapper[1:], tensors)}
    if not isinstance(content, Mapping):
        return dict(tensors)
    kept = {name: value for name, value in content.items() if name in tensors or _is_plain(value)}
    return kept | dict(tensors)


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_plain(key) and _is_plain(entry) for key, entry in value.items())
    if isinstance(value, (list, tuple, set)):
        return all(_is_plain(entry) for entry in value)
    return value is None or isinstance(value, (Tensor, bool, int, float, str, bytes))


def _unshared(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    seen: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        pointer = tensor.untyped_storage().data_ptr()
        result[name] = tensor.clone() if pointer in seen else tensor
        seen.add(pointer)
    return result


def _prefix(found: Iterable[str], wanted: Iterable[str]) -> str:
    """Return the chain of `PREFIXES` whose removal fits the most names."""
    names, targets = list(found), set(wanted)
    chains = {""}
    for name in names:
        chain, rest = "", name
        while head := next((prefix for prefix in PREFIXES if rest.startswith(prefix)), None):
            chain, rest = chain + head, rest.removeprefix(head)
            chains.add(chain)
    return max(sorted(chains, key=len), key=lambda chain: _fitting(names, chain, targets))


def _fitting(names: list[str], chain: str, targets: set[str]) -> int:
    return sum(name.startswith(chain) and name[len(chain) :] in targets for name in names)


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
