"""NeuroInspect: find, see and repair what makes an image classifier fail.

    import neuroinspect_tui as ni

    i = ni.load("mymodels.py:build", "data/", weights="best.pt")
    i.evaluate().accuracy
    i.failure_modes()

torch is imported when the first of these is used, not here. The page docs/api.md shows the rest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from .api.arrays import failure_modes, repair_head
    from .api.inspection import Inspection, load, open_session
    from .errors import InputError

__all__ = ["InputError", "Inspection", "__version__", "failure_modes", "load", "open_session", "repair_head"]

_HOMES = {
    "InputError": "errors",
    "Inspection": "api.inspection",
    "load": "api.inspection",
    "open_session": "api.inspection",
    "failure_modes": "api.arrays",
    "repair_head": "api.arrays",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
