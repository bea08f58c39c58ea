"""Amplitudes are exchanged, phases stay."""

from __future__ import annotations

import pytest
import torch

from metasim_backend.tasks.fourier_looks import with_amplitudes_of, with_scattered_amplitudes

H, W = 60, 100


def noise(seed: int, low: int, high: int) -> torch.Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randint(low, high, (3, H, W), generator=source, dtype=torch.uint8)


def grating(waves: int, size: float, phase: float = 0.0) -> torch.Tensor:
    x = torch.arange(W) / W
    row = 128 + size * torch.cos(2 * torch.pi * waves * x + phase)
    return row.round().to(torch.uint8).expand(3, H, W).contiguous()


def test_a_picture_with_its_own_amplitudes_is_itself():
    picture = noise(0, 0, 256)
    assert (with_amplitudes_of(picture, picture, 0.2).int() - picture.int()).abs().max() <= 1


def test_low_frequencies_take_the_others_strength_and_keep_their_place():
    """A grating within the window takes the other's amplitude, and not its phase."""
    changed = with_amplitudes_of(grating(3, 20), grating(3, 60, phase=1.0), share=0.1)
    assert changed[0, 0].float() == pytest.approx(grating(3, 60)[0, 0].float(), abs=2)


def test_high_frequencies_stay():
    changed = with_amplitudes_of(grating(12, 20), grating(12, 60), share=0.1)
    assert changed[0, 0].float() == pytest.approx(grating(12, 20)[0, 0].float(), abs=2)


def test_the_mean_colour_is_the_others():
    dark, light = noise(1, 20, 60), noise(2, 150, 220)
    changed = with_amplitudes_of(dark, light)
    assert changed.float().mean((1, 2)) == pytest.approx(light.float().mean((1, 2)), abs=2)


def test_scattered_amplitudes_change_fine_patterns_more_than_coarse_ones():
    source = torch.Generator().manual_seed(3)

    def changes(waves: int) -> float:
        picture = grating(waves, 30)
        looks = [with_scattered_amplitudes(picture, source) for _ in range(60)]
        return float(torch.stack([(one.float() - picture.float()).std() for one in looks]).mean())

    assert changes(30) > 2 * changes(2)


def test_scattering_keeps_the_mean_and_is_drawn_by_its_source():
    picture = noise(4, 60, 190)
    first, again, other = (
        with_scattered_amplitudes(picture, torch.Generator().manual_seed(seed))
        for seed in (5, 5, 6)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.float().mean() == pytest.approx(float(picture.float().mean()), abs=3)
