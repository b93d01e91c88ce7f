"""failure_modes.safetensors: the directions of the failure modes, in the order of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from ..results import FailureMode
from .findings import ranked
from .store import Session

DIRECTIONS = "failure_modes.safetensors"


def write_directions(session: Session, modes: Sequence[FailureMode], directions: Mapping[int, Tensor]) -> str:
    """Write "directions" [K,D] float32, row k that of the report's mode k; return the file's relative path.

    `directions` maps each mode's id to its direction [D]. Without modes the file has no rows.
    """
    rows = [directions[mode.id].float() for mode in ranked(modes)]
    table = torch.stack(rows) if rows else torch.empty(0, 0)
    return session.write_bytes(DIRECTIONS, save({"directions": table.contiguous()}))


def read_directions(session: Session) -> Tensor | None:
    """Return the directions [K,D] that the last report was written with, or None."""
    path = session.path(DIRECTIONS)
    return load_file(path)["directions"] if path.is_file() else None
