"""The names under which results are stored, one for each result and the settings that it depends on.

Another seed, mode or CLIP guide has other names: nothing found with other settings is taken for a result.
"""

from __future__ import annotations

import hashlib
import re

from ..config import RunConfig

OPENED = "opened"

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")


def _settings(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:8]


def split_folder(split: str) -> str:
    """The directory of a split's files: its own name where that is a plain one, else one made from it."""
    if _PLAIN.fullmatch(split):
        return split
    return f"{re.sub('[^A-Za-z0-9_-]+', '_', split)[:40]}-{_settings(split)}"


def evaluation(split: str) -> str:
    """`results.Evaluation` of a split."""
    return f"evaluation/{_settings(split)}"


def culprits(config: RunConfig, target: int) -> str:
    """`results.CulpritReport` of a class."""
    return f"culprits/{target}-{_settings(config.debug.mode, config.compute.seed, config.data.split)}"


def exemplars(config: RunConfig, target: int, neuron: int) -> str:
    """`tuple[results.Exemplar, ...]` of a neuron for a class."""
    return f"exemplars/{target}-{neuron}-{_settings(config.data.split)}"


def concepts(config: RunConfig, target: int) -> str:
    """`tuple[results.Concept, ...]` of the neurons named so far for a class."""
    debug = config.debug
    return f"concepts/{target}-{_settings(debug.clip, debug.vocabulary, config.data.split)}"


def illusions(config: RunConfig, target: int, steps: int | None = None) -> str:
    """`tuple[results.Illusion, ...]` made so far for a class in `steps` steps (None: as configured)."""
    debug, steps = config.debug, steps or config.debug.iters
    settings = _settings(debug.clip, debug.mode, steps, config.compute.seed, config.data.split)
    return f"illusions/{target}-{settings}"


def repair(number: int) -> str:
    """`results.Repair` by its number."""
    return f"repairs/{number}"


def repair_request(config: RunConfig, target: int, method: str, neurons: tuple[int, ...], tags: str) -> str:
    """What a repair was asked for: the same request finds its `results.Repair` again."""
    chosen = (config.data.split, config.data.groups, config.compute.seed, config.repair.propagate)
    return _settings(target, method, neurons, tags, *chosen)


TAGS = "tags"
PROPAGATION = "propagation"
