"""State dicts from and to files, safely: tensors are read, code in a file is never run.

A file may wrap its state dict (`{"state_dict": …, "epoch": 9}`), hold several (an average beside the last
step), and prefix its names (`module.`, left by DataParallel). `fitting` undoes that to load it; all of it is
kept when a repaired copy is written.
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
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..errors import InputError

Format = Literal["safetensors", "torch"]
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights")
_DEEPEST = 3
_HARMLESS = re.compile(r"collections\.OrderedDict|torch\._utils\._rebuild_\w+|torch\.\w+Storage")


@dataclass(frozen=True)
class StateDict:
    """One state dict in a file: `tensors` by their names there, in their own types, on the CPU.

    `wrapper` the keys that lead to it, `prefix` what to cut from a name to get the model's. `beside_others`:
    the same tensors hold other sets of weights by other prefixes.
    """

    tensors: dict[str, Tensor]
    wrapper: tuple[str, ...] = ()
    prefix: str = ""
    beside_others: bool = False

    @property
    def stored_names(self) -> dict[str, str]:
        """The file's name of each of the model's names."""
        return {name.removeprefix(self.prefix): name for name in self.tensors if name.startswith(self.prefix)}

    @property
    def named(self) -> dict[str, Tensor]:
        """The tensors by the model's names."""
        return {name: self.tensors[stored] for name, stored in self.stored_names.items()}

    @property
    def label(self) -> str:
        """What the file calls it."""
        return ".".join((*self.wrapper, self.prefix.rstrip(".")) if self.beside_others else self.wrapper)


@dataclass(frozen=True)
class StateFile:
    """A file of weights: the state dict `chosen`, and the `others` in it that fit the model as well.

    `content` is the whole file, `metadata` the text that a safetensors file carries.
    """

    path: str
    format: Format
    chosen: StateDict
    others: tuple[StateDict, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    content: Any = None

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The tensors by the file's names."""
        return self.chosen.tensors

    @property
    def suffix(self) -> str:
        """The usual file name ending of the format."""
        return ".safetensors" if self.format == "safetensors" else ".pt"


def read_state_dict(path: str | Path, trust_pickle: bool = False, option: str = "-w") -> StateFile:
    """Read a `.safetensors` file or a torch file of tensors, whichever its first bytes say it is.

    Torch files are read with `weights_only=True`: nothing in them is executed. With `trust_pickle` they may
    hold anything, a whole pickled module included. Raises InputError, which names the global that a pickle
    asked for, when the file cannot be read or holds no state dict.
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
    found = sorted(_state_dicts(content, ()), key=_usual)
    if not found:
        raise InputError(
            f"{option} {path} holds no state dict", "save it with torch.save(model.state_dict(), …)"
        )
    return StateFile(str(path), "torch", found[0], tuple(found[1:]), content=content)


def write_state_dict(
    path: str | Path, tensors: Mapping[str, Tensor], original: StateFile | None = None
) -> None:
    """Write `tensors` in the format, wrapper and names of `original` (None: safetensors).

    What else a torch file held (an epoch, an optimizer's state) is kept as far as it can be read back
    without running code; a whole pickled module becomes a plain state dict. Raises OSError on a full disk
    and the like, which the writers of both formats would hide in errors of their own.
    """
    own = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    chosen, others = (original.chosen, original.others) if original else (StateDict(own), ())
    for other in (one for one in others if one.wrapper == chosen.wrapper):
        own |= _moved(own, chosen, other)
    if original is None or original.format == "safetensors":
        metadata = original.metadata if original else {"format": "pt"}
        _write_safetensors(Path(path), _unshared(own), metadata)
        return
    content = _rewrap(original.content, chosen.wrapper, own)
    for other in (one for one in others if one.wrapper != chosen.wrapper):
        content = _rewrap(content, other.wrapper, other.tensors | _moved(own, chosen, other))
    packed = io.BytesIO()
    torch.save(content, packed)
    Path(path).write_bytes(packed.getbuffer())


def _moved(tensors: Mapping[str, Tensor], chosen: StateDict, other: StateDict) -> dict[str, Tensor]:
    """Return `tensors`, by the names of `chosen`, by those of `other` that are their like."""
    stored = other.stored_names
    model_names = {name: model for model, name in chosen.stored_names.items()}
    own = {
        stored[model_names[name]]: tensor
        for name, tensor in tensors.items()
        if name in model_names and model_names[name] in stored
    }
    return {name: tensor.to(other.tensors[name].dtype) for name, tensor in own.items()}


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
        message = f"{option} {path} is not a sound safetensors file: {error}"
        raise InputError(message, "copy or save it again") from error
    return StateFile(str(path), "safetensors", StateDict(tensors), metadata=metadata)


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
        return "a damaged archive" if stream.read(2) == b"PK" else "not a torch file"


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


def _state_dicts(content: Any, wrapper: tuple[str, ...]) -> Iterator[StateDict]:
    """Yield every mapping of names to tensors in `content`, a whole module's state dict included."""
    if isinstance(content, nn.Module):
        content = content.state_dict()
    if not isinstance(content, Mapping):
        return
    tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if tensors and all(isinstance(name, str) for name in tensors):
        yield StateDict(tensors, wrapper)
    if len(wrapper) < _DEEPEST:
        for key, value in content.items():
            if isinstance(key, str):
                yield from _state_dicts(value, (*wrapper, key))


def _usual(found: StateDict) -> tuple[int, int]:
    """Order state dicts by how usual their wrapper is; of equals the larger one first."""
    ranks = [WRAPPERS.index(key) if key in WRAPPERS else len(WRAPPERS) for key in found.wrapper]
    return max(ranks, default=0), -len(found.tensors)


def _rewrap(content: Any, wrapper: tuple[str, ...], tensors: Mapping[str, Tensor]) -> Any:
    if wrapper:
        kept = {name: value for name, value in content.items() if _is_plain(value)}
        return kept | {wrapper[0]: _rewrap(content[wrapper[0]], wrapper[1:], tensors)}
    if not isinstance(content, Mapping):
        return dict(tensors)
    kept = {name: value for name, value in content.items() if name in tensors or _is_plain(value)}
    written = OrderedDict(kept | dict(tensors))
    if hasattr(content, "_metadata"):
        written._metadata = content._metadata  # type: ignore[attr-defined]
    return written


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
