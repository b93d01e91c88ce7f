import math

import pytest
import torch

from neuroinspect_tui.stages.fourier import FourierBasis, draw_coefficients


def test_a_single_coefficient_paints_a_cosine_in_its_channels_colour():
    basis = FourierBasis(torch.full((4, 3), 3.0), torch.tensor([[1.0, 0, 0], [0.5, 1, 0], [0, 0, 1]]))
    coefficients = torch.zeros(1, 3, 4, 3, 2)
    coefficients[0, 0, 0, 1, 0] = 1.0
    wave = [2 * 3.0 / 4 * math.cos(2 * math.pi * x / 4) for x in range(4)]
    picture = basis.paint(coefficients)
    for y in range(4):
        assert picture[0, 0, y].tolist() == pytest.approx([1 / (1 + math.exp(-w)) for w in wave])
        assert picture[0, 1, y].tolist() == pytest.approx([1 / (1 + math.exp(-w / 2)) for w in wave])
        assert picture[0, 2, y].tolist() == pytest.approx([0.5] * 4)


def test_the_published_spectrum_is_the_papers_formula():
    spectrum = FourierBasis.published(4).spectrum
    step = 1 / (4 * math.sqrt(0.5))
    assert spectrum[0].tolist() == pytest.approx([1 / step, 1 / step, (2 * step) ** -1.5])
    assert spectrum[1, 1].item() == pytest.approx((2 * step**2) ** -0.75)


def test_natural_pictures_have_channels_of_unit_variance_for_unit_coefficients():
    basis = FourierBasis.natural(32)
    drawn = torch.stack([draw_coefficients(torch.Generator().manual_seed(s), 32, 1.0) for s in range(200)])
    white = FourierBasis(basis.spectrum, torch.eye(3))
    channels = torch.logit(white.paint(drawn).clamp(1e-6, 1 - 1e-6))
    assert channels.square().mean().item() == pytest.approx(1.0, rel=0.05)
    assert basis.spectrum[0, 2] == pytest.approx(basis.spectrum[0, 1] / 2)


def test_the_measured_spectrum_is_the_amplitude_of_the_images():
    wave = 0.8 * torch.cos(2 * torch.pi * 2 * torch.arange(8) / 8)
    images = torch.sigmoid(wave).expand(5, 3, 8, 8)
    spectrum = FourierBasis.measured(images).spectrum
    assert spectrum[0, 2].item() == pytest.approx(0.8 * 8 / 2, rel=1e-4)
    assert spectrum.sum().item() == pytest.approx(0.8 * 8 / 2, rel=1e-3)


def test_the_measured_colours_are_the_images_axes_and_a_rare_colour_stays_in_reach():
    generator = torch.Generator().manual_seed(0)
    grey = torch.randn(50, 1, 8, 8, generator=generator)
    magenta = 0.01 * torch.randn(50, 1, 8, 8, generator=generator) * torch.tensor([1.0, -1, 1]).view(3, 1, 1)
    colours = FourierBasis.measured(torch.sigmoid(grey + magenta)).colours
    norms = colours.norm(dim=0)
    assert norms.tolist() == pytest.approx([0.25, 0.25, 1.0])
    assert (colours[:, 2].abs() / norms[2]).tolist() == pytest.approx([3**-0.5] * 3, abs=0.02)
    overlap = (colours / norms).T @ (colours / norms)
    torch.testing.assert_close(overlap, torch.eye(3), atol=1e-5, rtol=0)


def test_coefficients_come_from_the_generator_alone():
    first = draw_coefficients(torch.Generator().manual_seed(3), 8, 0.5)
    torch.manual_seed(99)
    assert torch.equal(first, draw_coefficients(torch.Generator().manual_seed(3), 8, 0.5))
    assert first.shape == (3, 8, 5, 2)
    assert first.std().item() == pytest.approx(0.5, rel=0.15)
