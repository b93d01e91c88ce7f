import pytest
import torch

from neuroinspect_tui.stages.failure_modes.components import Components, kurtosis, rotation
from neuroinspect_tui.stages.failure_modes.mistakes import Mistakes

from .worlds import summed_world


def test_kurtosis_of_two_values_of_a_line_and_of_the_normal_distribution():
    two = torch.tensor([-1.0, 1.0]).repeat(5000)
    line = torch.linspace(-1, 1, 10_000)
    normal = torch.randn(10_000, generator=torch.Generator().manual_seed(0))
    found = kurtosis(torch.stack([two, line, 3 + 2 * normal], dim=1)).tolist()
    assert found == pytest.approx([-2.0, -1.2, 0.0], abs=0.1)


def test_a_rotation_is_undone():
    """Two uniform sources turned by 30 degrees: each row of the answer is one of them, either way round."""
    sources = 12**0.5 * (torch.rand(4000, 2, generator=torch.Generator().manual_seed(0)) - 0.5)
    turn = torch.tensor([[0.75**0.5, -0.5], [0.5, 0.75**0.5]])
    found = rotation(sources @ turn.T, seed=0) @ turn
    assert found.abs().amax(dim=1).tolist() == pytest.approx([1.0, 1.0], abs=0.01)
    assert sorted(found.abs().argmax(dim=1).tolist()) == [0, 1]


def test_the_components_are_the_cues_and_their_shifts_what_the_cues_do():
    world = summed_world(angle=0.0, images=2000, spread=5.0)
    mistakes = Mistakes.of(world.data, world.head)
    found = Components.of(mistakes, torch.arange(2000))
    assert found.filters.shape == found.shifts.shape == (2, 64)
    beyond = world.data.features - mistakes.means[world.data.labels]
    values = beyond @ found.filters.T
    assert values.std(dim=0).tolist() == pytest.approx([1.0, 1.0], abs=0.01)
    cues = world.cues.float() - world.cues.float().mean(dim=0)
    alike = torch.corrcoef(torch.cat([values, cues], dim=1).T)[:2, 2:].abs()
    assert alike.amax(dim=1).min() > 0.9
    for place, cue in enumerate(alike.argmax(dim=1).tolist()):
        moved = beyond[world.cues[:, cue]].mean(dim=0) - beyond[~world.cues[:, cue]].mean(dim=0)
        assert torch.cosine_similarity(moved, found.shifts[place], dim=0).abs() > 0.95


def test_features_without_a_cue_have_no_component():
    for images in (400, 800, 2000):
        world = summed_world(shares=(0.0, 0.0), images=images, pull=0.0)
        mistakes = Mistakes.of(world.data, world.head)
        assert len(Components.of(mistakes, torch.arange(images)).filters) == 0


@pytest.mark.parametrize("images", [0, 1, 23, 30])
def test_too_few_images_have_none(images):
    world = summed_world()
    mistakes = Mistakes.of(world.data, world.head)
    assert Components.of(mistakes, torch.arange(images)).filters.shape == (0, 64)


@pytest.mark.parametrize("size", [1e-15, 1e18])
def test_the_size_of_the_features_does_not_matter(size):
    plain, sized = (summed_world(angle=0.0, spread=5.0) for _ in range(2))
    sized.data.features.mul_(size)
    found = [Components.of(Mistakes.of(one.data, one.head), torch.arange(800)) for one in (plain, sized)]
    assert len(found[0].filters) == 2
    torch.testing.assert_close((found[1].filters * size).abs(), found[0].filters.abs(), rtol=1e-2, atol=1e-2)


def test_constant_features_have_none():
    world = summed_world()
    world.data.features[:] = 1.0
    mistakes = Mistakes.of(world.data, world.head)
    found = Components.of(mistakes, torch.arange(800))
    assert len(found.filters) == 0
