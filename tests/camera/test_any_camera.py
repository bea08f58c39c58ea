"""Pictures as any camera might have taken them: drawn by the generator alone, and varied."""

import torch

from metasim_backend.camera.any_camera import draw_camera, taken_by_any


def source(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_equal_generators_draw_equal_pictures_and_leave_torchs_own_alone():
    images = torch.randint(256, (3, 3, 16, 40), dtype=torch.uint8, generator=source(0))
    before = torch.random.get_rng_state()
    made = taken_by_any(images, source(1))
    assert torch.equal(made, taken_by_any(images, source(1)))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert made.dtype == torch.uint8
    assert not torch.equal(made, taken_by_any(images, source(2)))


def test_a_bright_half_stays_brighter_than_a_dark_one_in_nearly_every_picture():
    """Tones rise with the light; only the uneven light may turn halves that are near in light."""
    images = torch.full((200, 3, 12, 24), 40, dtype=torch.uint8)
    images[..., 12:] = 180
    made = taken_by_any(images, source(0)).float()
    assert (made[..., 14:].mean((1, 2, 3)) > made[..., :10].mean((1, 2, 3))).float().mean() > 0.98


def test_greys_vary_in_brightness_and_tint_by_tens_of_steps():
    grey = torch.full((200, 3, 12, 24), 120, dtype=torch.uint8)
    means = taken_by_any(grey, source(0)).float().mean((2, 3))
    assert 15 < means.mean(1).std() < 60
    assert 5 < (means[:, 0] - means[:, 2]).std() < 40
    assert 95 < means.mean() < 160


def test_every_drawn_camera_keeps_to_the_models_bounds():
    drawn = source(3)
    cameras = [draw_camera(drawn) for _ in range(300)]  # the model refuses others
    assert len({camera.exposure for camera in cameras}) > 250
    rows = torch.tensor([camera.colour_matrix for camera in cameras])
    torch.testing.assert_close(rows.sum(2), torch.ones(300, 3))  # greys stay grey
