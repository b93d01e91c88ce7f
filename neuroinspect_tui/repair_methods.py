"""The repair methods by name, in words: what each needs and does. They themselves are in `stages/repair/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

RepairMethod = Literal[
    "none", "auto", "paper", "ridge", "dfr", "afr", "neurontune", "leace", "bias", "finetune", "random"
]
Need = Literal["neurons", "groups", "nothing"]


@dataclass(frozen=True)
class RepairKind:
    """What a method needs, what it does, and, of those that weight by groups, what it does `without` any.

    A `control` is there to be compared with.
    """

    need: Need
    words: str
    without: str = ""
    control: bool = False


REPAIRS: dict[str, RepairKind] = {
    "auto": RepairKind(
        "groups",
        "try what fits the tags and groups at hand, keep the best on held-out images",
        "Tries the methods that need no groups; with groups it finds more",
    ),
    "ridge": RepairKind(
        "groups",
        "group-weighted ridge, shrunk towards the old layer; closed form, instant",
        "Weights classes alone; with groups it finds more",
    ),
    "dfr": RepairKind(
        "groups",
        "last layer refitted on group-balanced subsets, mean of ten fits",
        "Balances classes alone; with groups it finds more",
    ),
    "leace": RepairKind("groups", "erase the direction that separates the groups"),
    "afr": RepairKind("nothing", "weight images that the old layer gets wrong, stay near it"),
    "neurontune": RepairKind("nothing", "drop the dimensions that are larger in wrong images, refit"),
    "paper": RepairKind("neurons", "the paper's edit: rely less on the chosen neurons"),
    "bias": RepairKind("nothing", "control: shift one logit, nothing else", control=True),
    "finetune": RepairKind("nothing", "control: the paper's loop without its penalty", control=True),
    "random": RepairKind("neurons", "control: the paper's edit with random neurons", control=True),
}
"""Every method but `none`, in the order in which they are offered."""

_SETTINGS = {
    "C": "inverse ℓ1 strength",
    "dropped": "neurons dropped",
    "epochs": "best epoch",
    "error": "leave-one-out error",
    "fits": "mean of fits",
    "gamma": "γ",
    "groups": "weighted by",
    "lambda": "λ",
    "o": "target ratio",
    "offset": "logit offset",
    "rate": "learning rate",
    "share": "share erased",
    "strength": "ridge strength",
    "tags": "tags by hand:",
    "towards": "shrunk towards",
}


def settings(parameters: Mapping[str, float | int | str]) -> str:
    """Return what a repair was run with, and what was chosen, in words."""
    parts = (f"{_SETTINGS.get(name, name)} {_brief(value)}" for name, value in parameters.items())
    return ", ".join(parts)


def _brief(value: float | int | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
