import pytest
import torch

from neuroinspect_tui.stages.failure_modes import find_failure_modes, scores
from neuroinspect_tui.stages.failure_modes.components import Components
from neuroinspect_tui.stages.failure_modes.directions import within_class
from neuroinspect_tui.stages.failure_modes.merge import Merged
from neuroinspect_tui.stages.failure_modes.mistakes import Mistakes
from neuroinspect_tui.stages.failure_modes.separate import separate

from .worlds import auroc, precision, summed_world


def scored(world, modes=3, k=8):
    found = find_failure_modes(world.data, world.head, k=k)
    return found, scores(world.data.features, found.directions[:modes])


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"angle": 0.0},
        {"angle": 0.6, "seed": 1},
        {"spread": 6.0},
        {"pull": 2.5},
        {"shares": (0.4, 0.6), "spread": 5.0},
        {"images": 400},
        {"images": 1000, "neurons": 128},
    ],
)
def test_two_cues_that_add_up_are_two_modes(kind):
    """Nearly every mistake has both; each cue gets a mode of its own, which says little of the other."""
    world = summed_world(**kind)
    _, values = scored(world)
    modes = [
        max(range(values.shape[1]), key=lambda mode: precision(values, cue)[mode]) for cue in world.cues.T
    ]
    inside = within_class(values, world.data.labels)
    own = [auroc(inside[:, mode], world.cues[:, cue]) for cue, mode in enumerate(modes)]
    assert [precision(values, world.cues[:, cue])[mode] for cue, mode in enumerate(modes)] == [1.0, 1.0]
    assert modes[0] != modes[1]
    assert min(own) > 0.9
    assert max(auroc(inside[:, modes[1 - cue]], world.cues[:, cue]) for cue in range(2)) < 0.75


def test_each_of_two_causes_comes_back_and_is_carried_by_images_that_did_not_make_it():
    found, _ = scored(summed_world())
    assert [mode.weak for mode in found.modes[:2]] == [False, False]
    assert max(mode.carried.p for mode in found.modes[:2]) < 1e-6


@pytest.mark.parametrize("kind", [{}, {"pull": 2.0}])
def test_two_cues_that_follow_their_class_are_both_among_the_first_images(kind):
    world = summed_world(shares=(0.05, 0.05), own=(0.95, 0.95), images=1000, **kind)
    _, values = scored(world)
    assert min(max(precision(values, cue)) for cue in world.cues.T) >= 0.8


@pytest.mark.parametrize("kind", [{}, {"images": 400}, {"seed": 1}])
def test_one_cue_stays_one_mode(kind):
    world = summed_world(shares=(0.5, 0.0), pull=2.5, **kind)
    mistakes = Mistakes.of(world.data, world.head)
    rows = torch.arange(len(world.data))
    members = torch.zeros(len(mistakes.rows), dtype=torch.int64)
    whole = Merged(torch.ones(1, world.head.neurons), members, torch.tensor([-1]))
    assert separate(mistakes, Components.of(mistakes, rows), whole) is whole


def test_no_more_modes_are_found_than_are_wanted():
    world = summed_world()
    for k in (1, 2, 5):
        found, values = scored(world, k=k)
        assert len(found.modes) <= k
        assert (found.members >= 0).all()
        if k > 1:
            assert [max(precision(values, cue)) for cue in world.cues.T] == [1.0, 1.0]


def test_a_mistake_goes_to_the_cause_that_brings_most_beside_what_it_usually_brings():
    """Two causes of lead 1 and 4 on average: a mistake with 2 and 4 has more of the first than is usual."""
    world = summed_world(angle=0.0)
    mistakes = Mistakes.of(world.data, world.head)
    found = Components.of(mistakes, torch.arange(len(world.data)))
    members = torch.where(world.data.predicted[mistakes.rows] == 0, 0, 1)
    both = separate(mistakes, found, Merged(torch.eye(64)[:2], members, torch.full((2,), -1)))
    assert sorted(both.component.tolist())[-2:] == [0, 1]
    has = world.cues[mistakes.rows]
    for cue in range(2):
        alone = has[:, cue] & ~has[:, 1 - cue] & (members == 0)
        place = both.members[alone].mode().values
        assert (both.members[alone] == place).float().mean() > 0.9
