"""Pictures as Fourier coefficients (Olah et al. 2017, "Feature Visualization", preconditioning).

A picture is `sigmoid(M · irfft2(S · s))`: `s` are the free coefficients, `S` a fixed magnitude for each
frequency, `M` maps decorrelated channels to RGB. A gradient step on `s` then moves all scales of the
picture alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# Square root of the colour covariance of natural images, its largest column of norm 1 (lucid, Apache-2.0).
_NATURAL_COLOURS = ((0.5628, 0.1948, 0.0433), (0.5845, 0.0, -0.1082), (0.5845, -0.1948, 0.0649))
_LOGIT_MARGIN = 0.02
_RAREST_COLOUR = 0.25


@dataclass(frozen=True)
class FourierBasis:
    """How coefficients become pictures: `spectrum` S [H, W//2+1] and `colours` M [3,3] on one device."""

    spectrum: Tensor
    colours: Tensor

    @classmethod
    def published(cls, size: int) -> FourierBasis:
        """Return the paper's: |f|^-1.5 and the colours of natural images.

        |f| comes in steps of 1/(size·√0.5), and |f|^1.5 is held at one such step or more.
        """
        spacing = 0.5**0.5
        power = _radius(size, spacing).pow(1.5)
        return cls(1 / power.clamp_min(1 / (size * spacing)), torch.tensor(_NATURAL_COLOURS))

    @classmethod
    def natural(cls, size: int) -> FourierBasis:
        """Return 1/|f| and the colours of natural images; unit coefficients give unit variance."""
        spectrum = 1 / _radius(size, 1.0).clamp_min(1 / size)
        power = spectrum.square()
        mirrored = power[:, 1 : (size + 1) // 2].sum()
        variance = (power.sum() + 3 * mirrored) / size**2
        return cls(spectrum / variance.sqrt(), torch.tensor(_NATURAL_COLOURS))

    @classmethod
    def measured(cls, images: Tensor) -> FourierBasis:
        """Return the mean magnitude spectrum and the colours of images [N,3,S,S] in 0…1.

        Both are taken before the sigmoid, so pictures are painted in the images' own contrast. The colours
        are the axes of the pixels' covariance, the rare ones raised to a quarter of the commonest: they may
        be the cue.
        """
        pixels = torch.logit(images.float().clamp(_LOGIT_MARGIN, 1 - _LOGIT_MARGIN))
        spectrum = torch.fft.rfft2(pixels, norm="ortho").abs().mean((0, 1))
        variance, axes = torch.linalg.eigh(torch.cov(pixels.transpose(0, 1).flatten(1)))
        strength = variance.clamp_min(1e-12).sqrt()
        return cls(spectrum, axes * (strength / strength.max()).clamp_min(_RAREST_COLOUR))

    def to(self, device: torch.device) -> FourierBasis:
        """Return the same basis on `device`."""
        return FourierBasis(self.spectrum.to(device), self.colours.to(device))

    def paint(self, coefficients: Tensor) -> Tensor:
        """Return pictures [B,3,H,W] in 0…1 for coefficients [B,3,H,W//2+1,2] (real, imaginary)."""
        size = coefficients.shape[2]
        waves = torch.view_as_complex(coefficients) * self.spectrum
        channels = torch.fft.irfft2(waves, s=(size, size), norm="ortho")
        return torch.sigmoid(torch.einsum("rc,bchw->brhw", self.colours, channels))


def draw_coefficients(generator: torch.Generator, size: int, std: float) -> Tensor:
    """Draw coefficients [3, size, size//2+1, 2] from a normal distribution."""
    return torch.randn(3, size, size // 2 + 1, 2, generator=generator) * std


def _radius(size: int, spacing: float) -> Tensor:
    vertical = torch.fft.fftfreq(size, spacing)[:, None]
    horizontal = torch.fft.rfftfreq(size, spacing)[None]
    radius: Tensor = (vertical**2 + horizontal**2).sqrt()
    return radius
