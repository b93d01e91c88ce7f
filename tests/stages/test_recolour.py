import pytest
import torch

from neuroinspect_tui.stages.recolour import Recolour


def coloured(count, seed):
    generator = torch.Generator().manual_seed(seed)
    return 0.3 + 0.2 * torch.rand(count, 3, 8, 8, generator=generator)


def test_a_tint_is_taken_off_and_what_an_image_has_of_its_own_stays():
    plain = coloured(40, 0)
    tinted = torch.lerp(plain, torch.tensor([0.9, 0.5, 0.1])[:, None, None].expand_as(plain), 0.4)
    back = Recolour.of(tinted, plain).applied(tinted)
    assert torch.allclose(back, plain, atol=1e-5)


def test_the_controls_move_the_mean_as_far_at_right_angles():
    plain = coloured(40, 0)
    tinted = plain + torch.tensor([0.1, 0.0, -0.05])[:, None, None]
    recolour = Recolour.of(tinted, plain)
    shift = recolour.applied(tinted).mean((0, 2, 3)) - tinted.mean((0, 2, 3))
    moved = [control.mean((0, 2, 3)) - tinted.mean((0, 2, 3)) for control in recolour.controls(tinted)]
    assert len(moved) == 4
    for control in moved:
        assert float(control.norm()) == pytest.approx(float(shift.norm()), rel=1e-4)
        assert float(control @ shift) == pytest.approx(0, abs=1e-5)
    assert float((moved[0] + moved[1]).norm()) < 1e-5


def test_groups_of_one_colour_change_nothing():
    plain = coloured(8, 0)
    recolour = Recolour.of(plain, plain)
    assert torch.allclose(recolour.applied(plain), plain, atol=1e-5)
    assert all(torch.allclose(control, plain, atol=1e-5) for control in recolour.controls(plain))


def test_the_reverse_gives_back_the_colours():
    plain = 0.3 + 0.4 * coloured(40, 0)
    tinted = 0.8 * plain + torch.tensor([0.1, 0.05, 0.0])[:, None, None]
    change = Recolour.of(tinted, plain)
    assert torch.allclose(change.reversed.applied(plain), tinted, atol=1e-4)
    assert torch.allclose(change.reversed.applied(change.applied(tinted)), tinted, atol=1e-4)
