"""The inner loop of illusions; faults 1, 6 and 7 of the published code have their tests here."""

import copy
from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from neuroinspect_tui.models.classifier import Activations
from neuroinspect_tui.stages.illusion_optimizer import Guide, IllusionOptimizer, Pair
from neuroinspect_tui.stages.recipes import DEFAULT, PAPER

from .toys import NEURONS, PREPROCESS, ColourEncoder, statistics, toy

PAIRS = [Pair(neuron, neuron % 5, seed=7) for neuron in range(8)]
TEXTS = {target: torch.nn.functional.normalize(torch.eye(3)[target % 3] + 0.1, dim=0) for target in range(5)}


def optimizer(pairs=PAIRS, recipe=DEFAULT, batch_size=8, encoder=None, classifier=None):
    guide = Guide(encoder or ColourEncoder(), TEXTS, {})
    return IllusionOptimizer(
        classifier or toy(), PREPROCESS, guide, pairs, statistics(toy()), recipe, batch_size
    )


@pytest.mark.parametrize("recipe", [DEFAULT, PAPER])
def test_fault_1_the_loss_of_a_picture_does_not_depend_on_what_else_is_in_the_batch(recipe):
    together = optimizer(recipe=recipe)
    alone = [optimizer([pair], recipe) for pair in PAIRS]
    for number in range(6):
        losses = together.losses(torch.arange(8), number)
        single = torch.cat([one.losses(torch.arange(1), number) for one in alone])
        torch.testing.assert_close(losses, single, atol=1e-4, rtol=0)
        for each in [together, *alone]:
            each.step(number)
    assert losses.std() > 0.01


def test_fault_6_each_picture_is_seen_in_its_own_view_at_every_step():
    affine = optimizer().views.affine
    assert affine.shape == (8, DEFAULT.steps, 2, 3)
    assert len(affine.flatten(0, 1).flatten(1).unique(dim=0)) == 8 * DEFAULT.steps


def test_fault_7_the_network_is_frozen_and_unchanged():
    classifier = toy()
    before = copy.deepcopy(classifier.module.state_dict())
    painting = optimizer(classifier=classifier)
    for number in range(4):
        painting.step(number)
    assert not classifier.module.training
    for parameter in classifier.module.parameters():
        assert not parameter.requires_grad and parameter.grad is None
    for name, tensor in classifier.module.state_dict().items():
        assert torch.equal(tensor, before[name])


class Syncs(TorchDispatchMode):
    """Counts what would wait for the device: reading a number, or a size that depends on values."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if any(
            name in str(func)
            for name in ("_local_scalar_dense", "nonzero", "masked_select", "aten.index.Tensor_bool")
        ):
            self.count += 1
        return func(*args, **(kwargs or {}))


def test_fault_7_a_step_never_waits_for_the_device():
    painting = optimizer()
    painting.step(0)  # finds, once, where the neurons are rectified
    with Syncs() as syncs:
        painting.step(1)
        painting.step(2)
    assert syncs.count == 0


def test_clip_looks_at_every_second_step_in_the_default_and_at_every_step_in_the_papers():
    for recipe, looks in ((DEFAULT, 3), (PAPER, 6)):
        encoder = ColourEncoder()
        painting = optimizer(recipe=recipe, encoder=encoder)
        for number in range(6):
            painting.step(number)
        assert encoder.looks == looks


class SmallMemory:
    """A classifier that runs out of memory on more than `most` pictures at once."""

    def __init__(self, classifier, most):
        self.classifier, self.most, self.failures = classifier, most, 0

    def __getattr__(self, name):
        return getattr(self.classifier, name)

    def forward(self, images):
        if len(images) > self.most:
            self.failures += 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.classifier.forward(images)


def test_out_of_memory_halves_the_portion_and_changes_no_result():
    plenty, little = optimizer(), SmallMemory(toy(), most=8)
    painting = optimizer(classifier=little)
    for number in range(5):
        if number == 2:
            little.most = 2
        plenty.step(number)
        painting.step(number)
    assert (painting.batch_size, little.failures) == (2, 2)
    rows = torch.arange(8)
    torch.testing.assert_close(painting.pictures(rows), plenty.pictures(rows), atol=1e-4, rtol=0)


def test_out_of_memory_with_a_single_picture_is_an_error_and_so_is_any_other_failure():
    with pytest.raises(torch.OutOfMemoryError):
        optimizer(classifier=SmallMemory(toy(), most=0)).step(0)
    broken = SmallMemory(toy(), most=8)
    painting = optimizer(classifier=broken)
    broken.forward = lambda images: torch.zeros(2) + torch.zeros(3)
    with pytest.raises(RuntimeError, match="size of tensor"):
        painting.step(0)


def test_pictures_that_have_reached_their_goal_leave_and_stay_as_they_were():
    painting = optimizer(recipe=replace(DEFAULT, goal=1.25))
    painting.step(0)
    painting.tracker.own[:] = torch.tensor([9.0, 9, 9, 0, 0, 0, 0, 0])
    painting.tracker.rival[:] = 0
    clean = torch.zeros(8, NEURONS)
    clean[0, 0] = clean[2, 2] = 2.0
    clean[1, 5] = 9.0
    seen = clean * painting.scale
    classify = painting.classify
    painting.classify = lambda pictures: Activations(seen[: len(pictures)], seen, seen, torch.zeros(8))
    assert painting.remove_finished() == [0, 2]
    painting.classify = classify
    assert painting.active.tolist() == [1, 3, 4, 5, 6, 7]
    before = painting.pictures(torch.arange(8))
    painting.step(1)
    after = painting.pictures(torch.arange(8))
    changed = (after - before).abs().amax((1, 2, 3)) > 0
    assert changed.tolist() == [False, True, False, True, True, True, True, True]
    assert optimizer(recipe=PAPER).remove_finished() == []


def test_seeds_of_the_same_neuron_and_class_are_pushed_apart_and_others_are_not():
    twins = [Pair(3, 1, seed) for seed in (0, 1, 2)]
    painting = optimizer([*twins, Pair(4, 1, 0), Pair(3, 2, 0)])
    assert painting.siblings[0].tolist() == [0, 0.5, 0.5, 0, 0]
    assert painting.siblings[3].sum() == 0 and painting.siblings[4].sum() == 0
    painting.step(0)
    rows = torch.arange(5)
    pushed = painting.losses(rows, 1)
    painting.signatures.zero_()
    difference = pushed - painting.losses(rows, 1)
    assert (difference[:3] > 0.01).all()
    assert torch.all(difference[3:] == 0)
