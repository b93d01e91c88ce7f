import pytest
import torch

from neuroinspect_tui.stages.augment import ViewRange, Views, draw_views, view
from neuroinspect_tui.stages.recipes import DEFAULT, PAPER


def still(**changes):
    return ViewRange(**{"degrees": 0, "shift": 0, "smallest": 1, "largest": 1, **changes})


def pictures(count=2, size=8):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def affine(*rows):
    return Views(torch.tensor([rows], dtype=torch.float32), torch.zeros(1, 3))


def test_a_range_of_nothing_shows_the_picture_itself():
    shown = view(pictures(), draw_views(torch.Generator().manual_seed(0), 2, still()))
    torch.testing.assert_close(shown, pictures(), atol=1e-6, rtol=0)


def test_a_shift_moves_the_picture_and_mirrors_it_at_the_border():
    picture = pictures(1)
    shown = view(picture, affine((1, 0, -2 * 2 / 8), (0, 1, 0)))
    torch.testing.assert_close(shown[..., 2:], picture[..., :-2], atol=1e-5, rtol=0)
    torch.testing.assert_close(shown[..., :2], picture[..., :2].flip(-1), atol=1e-5, rtol=0)


def test_a_positive_shift_of_a_drawn_view_moves_the_content_that_way():
    drawn = draw_views(torch.Generator().manual_seed(0), 500, ViewRange(0, 0.2, 0.5, 0.5))
    offsets = -drawn.affine[:, :, 2] * 0.5
    assert torch.all(drawn.affine[:, 0, 0] == 2) and torch.all(drawn.affine[:, 0, 1] == 0)
    assert offsets.abs().max().item() == pytest.approx(0.4, abs=0.01)
    assert offsets.mean().item() == pytest.approx(0, abs=0.03)


def test_fault_6_views_are_bilinear_and_never_black():
    edge = torch.tensor([0.0, 0, 1, 1]).expand(1, 3, 4, 4)
    half_a_pixel = view(edge, affine((1, 0, 1 / 4), (0, 1, 0)))
    assert half_a_pixel[0, 0, 0, 1].item() == pytest.approx(0.5)
    for limits in (DEFAULT.views, PAPER.views):
        drawn = draw_views(torch.Generator().manual_seed(1), 50, limits)
        white = view(torch.ones(50, 3, 8, 8), Views(drawn.affine, torch.zeros(50, 3)))
        assert white.min().item() == pytest.approx(1, abs=1e-5)


def test_fault_6_every_picture_and_every_step_has_a_view_of_its_own():
    views = Views.stack([draw_views(torch.Generator().manual_seed(s), 4, DEFAULT.views) for s in range(3)])
    assert len({tuple(row) for row in views.affine.flatten(2).flatten(0, 1).tolist()}) == 12


def test_views_stay_in_their_range_and_scale_both_axes_alike_unless_told():
    drawn = draw_views(torch.Generator().manual_seed(2), 1000, ViewRange(15, 0, 0.6, 1.1))
    scale = 1 / drawn.affine[:, 0, :2].norm(dim=1)
    angle = torch.rad2deg(torch.atan2(drawn.affine[:, 0, 1], drawn.affine[:, 0, 0]))
    assert 0.6 <= scale.min() < 0.62 and 1.08 < scale.max() <= 1.1001
    assert -15.001 <= angle.min() < -14.5 and 14.5 < angle.max() <= 15.001
    torch.testing.assert_close(drawn.affine[:, 0, :2].norm(dim=1), drawn.affine[:, 1, :2].norm(dim=1))
    uneven = draw_views(torch.Generator().manual_seed(2), 1000, ViewRange(0, 0, 0.6, 1.2, per_axis=True))
    assert (uneven.affine[:, 0, 0] - uneven.affine[:, 1, 1]).abs().mean() > 0.1


def test_the_papers_colour_shift_fades_to_nothing():
    drawn = draw_views(torch.Generator().manual_seed(0), 100, still(colour=0.2))
    assert 0.02 < drawn.colour[:10].abs().mean() <= 0.2
    assert torch.all(drawn.colour[-1] == 0)
    shown = view(pictures(100), drawn)
    torch.testing.assert_close(shown, pictures(100) + drawn.colour[:, :, None, None], atol=1e-5, rtol=0)
