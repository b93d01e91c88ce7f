"""Where the classifier runs and in which precision; what counts as running out of memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from ..config import require_choice
from ..errors import InputError

_PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_OUT_OF_MEMORY = (
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "can't allocate memory",
    "not enough memory",
)


def choose_device(name: str = "auto") -> torch.device:
    """Return the device called `name`; `auto` takes cuda, then mps, then cpu.

    Raises InputError when it is not a device of this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu")
    kind, _, index = name.partition(":")
    require_choice("--device", kind, ("auto", "cpu", "cuda", "mps"))
    if index and not index.isdecimal():
        raise InputError(f"--device {name!r} is not a device", "write auto, cpu, cuda, cuda:1 or mps")
    found = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(_has_mps())}[kind]
    if int(index or 0) >= found:
        remedy = "use --device auto or cpu" if found == 0 else f"there are {found}, counted from {kind}:0"
        raise InputError(f"--device {name} is not there", remedy)
    return torch.device(name)


def choose_precision(name: str = "auto") -> torch.dtype:
    """Return the type to measure in; `auto`: float32, as in the user's own evaluation."""
    require_choice("--precision", name, ("auto", *_PRECISIONS))
    return _PRECISIONS.get(name, torch.float32)


def choose_painting_precision(device: torch.device, name: str = "auto") -> torch.dtype:
    """Return the type to paint in; `auto`: float32, on CUDA bfloat16 (float16 where it lacks that)."""
    if name != "auto" or device.type != "cuda":
        return choose_precision(name)
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Return the context in which a float32 model computes in `dtype`; nothing changes for float32."""
    if dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether a smaller batch could avoid `error`; an illegal memory access never counts."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    if not isinstance(error, RuntimeError) or "illegal memory access" in text:
        return False
    return any(sign.lower() in text.lower() for sign in _OUT_OF_MEMORY)


def by_halves(work: Callable[..., tuple[Tensor, ...]], *batches: Tensor) -> tuple[Tensor, ...]:
    """Return `work(*batches)`; where memory does not hold that, of the first and the second halves, joined.

    Each of `batches` and of the results has the same number of rows. Raises what `work` raises on one row.
    """
    try:
        return work(*batches)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error) or len(batches[0]) == 1:
            raise
    half = len(batches[0]) // 2
    first = by_halves(work, *(batch[:half] for batch in batches))
    second = by_halves(work, *(batch[half:] for batch in batches))
    return tuple(torch.cat(pair) for pair in zip(first, second, strict=True))


def describe(device: torch.device) -> str:
    """Return the device and, for a GPU, its name: `cuda:0 NVIDIA H200`."""
    if device.type != "cuda":
        return str(device)
    index = device.index if device.index is not None else torch.cuda.current_device()
    return f"cuda:{index} {torch.cuda.get_device_name(index)}"


def _has_mps() -> bool:
    return torch.backends.mps.is_available()
