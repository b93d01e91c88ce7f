"""The repair methods by name: what each is fitted on and which candidates it proposes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...errors import InputError
from ...repair_methods import RepairMethod
from ...tensors import NO_MEMORY, Head, Memory, OnProgress, no_progress
from ..importance import retaining_ratio
from .bias import shift_bias
from .bias_free import constant_direction, without_bias
from .candidates import Candidate, Score, choose, score
from .examples import Examples
from .gradient import EditSettings, edit
from .leace import leace
from .neurontune import neurontune
from .plan import Plan
from .reweight import afr, dfr
from .ridge import ridge_repairs

RANDOM_DRAWS = 3
LABEL_FREE: tuple[RepairMethod, ...] = ("afr", "neurontune")
GROUPED: tuple[RepairMethod, ...] = ("ridge", "dfr", "leace")


@dataclass(frozen=True)
class Task:
    """What every method is given; `examples` are fitted on; logistic fits run on `device`."""

    plan: Plan
    examples: Examples
    head: Head
    target: int
    neurons: Tensor
    seed: int
    on_progress: OnProgress = no_progress
    memory: Memory = NO_MEMORY
    device: torch.device | None = None

    def score(self, head: Head) -> Score:
        """Score a head on the choosing part."""
        return score(self.plan.choose, self.plan.choose.predictions(head, self.on_progress))


def task_for(
    method: RepairMethod,
    plan: Plan,
    head: Head,
    target: int,
    neurons: Sequence[int],
    seed: int,
    on_progress: OnProgress,
    memory: Memory = NO_MEMORY,
    device: torch.device | None = None,
) -> Task:
    """Return the task of `method`.

    The label-free methods learn from mistakes, so from unseen images alone; those that weight by groups leave
    out images of unknown group, unless their whole class is unknown.
    """
    examples = plan.fit
    if method in LABEL_FREE:
        examples = plan.unseen
    elif method in GROUPED:
        examples = plan.fit.known()
    chosen = torch.tensor(neurons, dtype=torch.int64)
    return Task(plan, examples, head, target, chosen, seed, on_progress, memory, device)


def fit(method: RepairMethod, task: Task) -> tuple[Candidate, Score]:
    """Return the method's best candidate on the choosing part. Raises InputError where it lacks its input."""
    return choose(task.plan.choose, candidates_of(method, task), task.on_progress)


def candidates_of(method: RepairMethod, task: Task) -> list[Candidate]:
    """Return all heads that the method proposes. Raises InputError where it lacks its input.

    Where the layer has no bias the candidates have none of their own either.
    """
    proposed = METHODS[method](task)
    if task.head.has_bias:
        return proposed
    constant = constant_direction(task.examples)
    return [replace(one, head=without_bias(one.head, task.head, constant)) for one in proposed]


def _ridge(task: Task) -> list[Candidate]:
    return ridge_repairs(task.examples, task.head, seed=task.seed, on_progress=task.on_progress)


def _afr(task: Task) -> list[Candidate]:
    return afr(task.examples, task.head, task.seed, task.on_progress, task.device)


def _neurontune(task: Task) -> list[Candidate]:
    return neurontune(task.examples, task.head, task.seed, task.on_progress, task.device)


def _dfr(task: Task) -> list[Candidate]:
    return [dfr(task.examples, task.head.classes, task.score, task.seed, task.on_progress, task.device)]


def _leace(task: Task) -> list[Candidate]:
    return leace(task.examples, task.head, task.seed, task.on_progress)


def _bias(task: Task) -> list[Candidate]:
    return [shift_bias(task.examples, task.plan.choose, task.head, task.target, task.on_progress)]


def _finetune(task: Task) -> list[Candidate]:
    return [_edit(task, EditSettings(strength=0.0))]


def _paper(task: Task) -> list[Candidate]:
    if not len(task.neurons):
        raise InputError("--repair paper needs neurons to rely less on", "name them with --neuron N")
    return [_edit(task, EditSettings(goal=goal)) for goal in _goals(task)]


def _random(task: Task) -> list[Candidate]:
    """Return the paper's edit on random neurons: the middle of three draws by its score."""
    generator = torch.Generator().manual_seed(task.seed)
    count = max(1, len(task.neurons))
    draws = [
        torch.randperm(task.head.neurons, generator=generator)[:count].sort().values
        for _ in range(RANDOM_DRAWS)
    ]
    tried = [_edit(replace(task, neurons=draw), EditSettings()) for draw in draws]
    return [sorted(tried, key=lambda one: task.score(one.head))[RANDOM_DRAWS // 2]]


def _goals(task: Task) -> list[float]:
    """Return the two published values of o: 1, and (the least importance of the neurons − 1) / 3 + 1."""
    own = task.examples.subset((task.examples.labels == task.target).nonzero()[:, 0])
    mean = torch.zeros(own.neurons, dtype=torch.float64)
    for _, features in own.blocks():
        mean += features.sum(dim=0)
    ratios = retaining_ratio(mean / max(1, len(own)), task.head, task.target, task.neurons)
    return [1.0, (float(ratios.min()) - 1.0) / 3.0 + 1.0]


def _edit(task: Task, settings: EditSettings) -> Candidate:
    asked = (task.examples, task.head, task.target, task.neurons, settings, task.score)
    return edit(*asked, seed=task.seed, on_progress=task.on_progress, memory=task.memory)


METHODS: dict[RepairMethod, Callable[[Task], list[Candidate]]] = {
    "paper": _paper,
    "ridge": _ridge,
    "dfr": _dfr,
    "afr": _afr,
    "neurontune": _neurontune,
    "leace": _leace,
    "bias": _bias,
    "finetune": _finetune,
    "random": _random,
}
