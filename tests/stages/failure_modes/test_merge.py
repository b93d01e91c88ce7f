import math

import pytest
import torch

from neuroinspect_tui.stages.failure_modes.merge import ALIKE, merge

NOISE = torch.tensor([1.0, -1.0, 1.0, -1.0])
CUE = torch.tensor([1.0, 1.0, -1.0, -1.0])


def test_directions_that_do_not_agree_stay_apart_the_largest_first():
    directions, members = torch.eye(2), torch.tensor([0, 1, 1, -1])
    found = merge(directions, members, torch.stack([CUE, NOISE], dim=1))
    assert found.members.tolist() == [1, 0, 0, -1]
    assert found.directions.tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_a_direction_without_members_is_left_out():
    found = merge(torch.eye(3), torch.tensor([2, 2, 0]), torch.stack([CUE, CUE, NOISE], dim=1))
    assert found.members.tolist() == [0, 0, 1]
    assert found.directions.tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]


def test_two_that_agree_become_their_mean_by_mistakes_at_equal_spread():
    """Both score the cue; the second has three of the four mistakes and ten times the spread."""
    centred = torch.stack([CUE, NOISE, 10 * CUE], dim=1)
    found = merge(torch.eye(3), torch.tensor([0, 2, 2, 2, 1]), centred)
    assert found.members.tolist() == [0, 0, 0, 0, 1]
    joint = torch.tensor([0.25 / 2, 0.0, 0.75 / 20])
    torch.testing.assert_close(found.directions[0], joint / joint.norm())
    assert found.directions[1].tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(("angle", "modes"), [(0.05, 1), (-0.05, 2)])
def test_they_are_joined_from_a_correlation_on(angle, modes):
    alike = ALIKE + angle
    second = alike * CUE + (1 - alike**2) ** 0.5 * NOISE
    found = merge(torch.eye(2), torch.tensor([0, 1]), torch.stack([CUE, second], dim=1))
    assert len(found.directions) == modes
    assert found.members.tolist() == list(range(modes)) + [0] * (2 - modes)


def test_a_joint_direction_is_compared_again_and_members_follow():
    """0 and 3 are joined, then with 1; 2 stays. Members of all three are those of the first mode."""
    near = 0.95 * CUE + (1 - 0.95**2) ** 0.5 * NOISE
    centred = torch.stack([CUE, near, torch.tensor([1.0, -1.0, -1.0, 1.0]), CUE], dim=1)
    found = merge(torch.eye(4), torch.tensor([0, 1, 2, 3, 3, -1]), centred)
    assert found.members.tolist() == [0, 0, 1, 0, 0, -1]
    assert len(found.directions) == 2 and float(found.directions[0, 2]) == 0.0
    assert (found.directions[0, [0, 1, 3]] > 0).all()


def test_opposite_directions_are_two_modes():
    found = merge(torch.eye(2), torch.tensor([0, 1]), torch.stack([CUE, -CUE], dim=1))
    assert found.members.tolist() == [0, 1]


def at(degrees: float) -> torch.Tensor:
    """Scores of unit spread in the plane of the cue and the noise, which are at right angles."""
    angle = math.radians(degrees)
    return (math.cos(angle) * CUE + math.sin(angle) * NOISE) / 2


@pytest.mark.parametrize("size", [1.0, 1e-6])
def test_a_joint_direction_has_the_spread_of_one(size):
    """0° and 10° become 5°, of length cos 5° before it is scaled; with 40° it is joined by two to one."""
    found = merge(torch.eye(3), torch.tensor([0, 1, 2]), size * torch.stack([at(0), at(10), at(40)], dim=1))
    first = torch.tensor([0.5, 0.5, 0.0]) / math.cos(math.radians(5))
    joint = 2 / 3 * first + torch.tensor([0.0, 0.0, 1 / 3])
    torch.testing.assert_close(found.directions, (joint / joint.norm())[None])
    assert found.members.tolist() == [0, 0, 0]
