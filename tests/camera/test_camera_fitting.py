"""What a fit finds of a camera that is known, from pictures of other scenes.

Tolerances are what some twenty pictures of different contents leave open; they are far smaller than
what the camera does.
"""

from __future__ import annotations

from functools import cache

import pytest
import torch
import yaml
from synthetic_light import street_light

from blender_addon.contract.camera_model import CameraModel
from metasim_backend.camera.fitting.aberration import fit_aberration
from metasim_backend.camera.fitting.finding import Finding
from metasim_backend.camera.fitting.fit import FitError, FittedCamera, fit_camera, some_pixels
from metasim_backend.camera.fitting.noise import fit_noise
from metasim_backend.camera.fitting.report import camera_yaml, table
from metasim_backend.camera.fitting.sharpness import fit_sharpness
from metasim_backend.camera.fitting.tones import fit_tones, pixels_seen
from metasim_backend.camera.fitting.vignette import fit_vignette
from metasim_backend.camera.numbers import numbers_of
from metasim_backend.camera.picture import noise_of, take_pictures
from metasim_backend.camera.tones import to_8_bits

COUNT = 20
TONES = {
    "exposure": 0.7,
    "red_gain": 1.25,
    "blue_gain": 0.8,
    "black": 0.01,
    "gamma": 1.2,
    "highlights": 0.3,
    "contrast": 0.3,
}


@cache
def light(seed):
    return street_light(COUNT, seed)


def photographs(seed=1, **camera):
    """Of other scenes than the renders, which have seed 0, in 8 bits."""
    noise = noise_of(range(1000, 1000 + COUNT), *light(seed).shape[-2:])
    return to_8_bits(take_pictures(light(seed), CameraModel(**camera), noise))


def numbers(**camera):
    return numbers_of(CameraModel(**camera))


def curve_gap(found, **truth):
    """Largest difference of the whole way from light to picture, for grey light."""
    grey = torch.logspace(-3, 0.5, 200)[:, None].expand(-1, 3)
    return float((pixels_seen(grey, found) - pixels_seen(grey, numbers(**truth))).abs().max())


def test_tones_of_the_same_scenes_are_found_exactly():
    """The distribution of colours decides exposure, white balance, saturation and tone curve."""
    more = ((1.28, -0.24, -0.04), (-0.12, 1.16, -0.04), (-0.12, -0.24, 1.36))
    truth = TONES | {"colour_matrix": more}
    found = fit_tones(some_pixels(photographs(0, **truth)), some_pixels(light(0)))
    assert curve_gap({}, **truth) > 0.15
    assert curve_gap(found, **truth) < 0.03
    assert float(found["exposure"]) == pytest.approx(0.7, abs=0.1)
    assert float(found["red_gain"]) == pytest.approx(1.25, rel=0.02)
    assert float(found["blue_gain"]) == pytest.approx(0.8, rel=0.02)
    assert torch.allclose(found["colour_matrix"], torch.tensor(more), atol=0.15)


def test_tones_of_other_scenes_are_found_nearly():
    found = fit_tones(some_pixels(photographs(**TONES)), some_pixels(light(0)))
    assert curve_gap(found, **TONES) < 0.09 < curve_gap({}, **TONES) / 2
    assert float(found["exposure"]) == pytest.approx(0.7, abs=0.25)
    assert float(found["red_gain"]) == pytest.approx(1.25, rel=0.05)
    assert float(found["blue_gain"]) == pytest.approx(0.8, rel=0.05)


def test_a_vignette_is_found():
    finding = fit_vignette(photographs(vignette=0.5), light(0), {})
    assert finding.value == pytest.approx(0.5, abs=0.12)
    assert 0 < finding.error < 0.2


def test_no_vignette_is_none():
    finding = fit_vignette(photographs(), light(0), {})
    assert finding.value == 0 and "not told from none" in finding.remark


def test_aberration_is_found_in_both_colours():
    seen = photographs(red_aberration=0.006, blue_aberration=-0.004)
    red, blue = fit_aberration(seen, light(0), {}, None)
    assert red.value == pytest.approx(0.006, abs=6e-4)
    assert blue.value == pytest.approx(-0.004, abs=6e-4)
    assert [f.value for f in fit_aberration(photographs(), light(0), {}, None)] == [0, 0]


@pytest.mark.parametrize("name, value, off", [("blur", 0.9, 0.12), ("sharpening", 1.0, 0.25)])
def test_blur_or_sharpening_is_found(name, value, off):
    found = {
        f.name: f.value for f in fit_sharpness(photographs(**{name: value}), light(0), {}, None)
    }
    assert found.pop(name) == pytest.approx(value, abs=off)
    assert set(found.values()) == {0}


def test_sharp_as_the_renders_is_neither():
    findings = fit_sharpness(photographs(), light(0), {}, None)
    assert [f.value for f in findings] == [0, 0]


@pytest.mark.parametrize("shot, read", [(2e-3, 0.0), (0.0, 0.012), (1e-3, 0.008)])
def test_noise_is_found(shot, read):
    """With the tones known, its standard deviation at grey 0.2 within a sixth."""
    rest = {"gamma": 1.2, "exposure": 0.3}
    some = slice(0, 6)
    noise = noise_of(range(6), *light(0).shape[-2:])
    seen = photographs(shot_noise=shot, read_noise=read, **rest)
    findings = fit_noise(seen, light(0)[some], numbers(**rest), noise)
    found = {f.name: f.value for f in findings}
    for signal in (0.05, 0.2, 0.6):
        expected = (shot * signal + read**2) ** 0.5
        deviation = (found["shot_noise"] * signal + found["read_noise"] ** 2) ** 0.5
        assert deviation == pytest.approx(expected, rel=0.2), (signal, found)


@pytest.mark.slow
def test_the_whole_camera_is_found_from_other_scenes():
    truth = {
        "blur": 0.8,
        "red_aberration": 0.006,
        "vignette": 0.5,
        "exposure": -0.5,
        "shot_noise": 2e-3,
        "red_gain": 1.2,
        "highlights": 0.3,
    }
    seen = (photographs(**truth)[:12] * 255).round().byte()
    ticks = []
    fitted = fit_camera(seen, light(0)[:12], progress=lambda: ticks.append(1))
    camera = fitted.camera
    assert camera.blur == pytest.approx(0.8, abs=0.2)
    assert camera.red_aberration == pytest.approx(0.006, abs=0.0015)
    assert camera.vignette == pytest.approx(0.5, abs=0.2)
    assert camera.exposure == pytest.approx(-0.5, abs=0.3)
    assert camera.red_gain == pytest.approx(1.2, rel=0.06)
    assert fitted.after < fitted.before / 2
    text = camera_yaml(fitted, "12 photographs")
    assert CameraModel.from_dict(yaml.safe_load(text)["camera_model"]).blur == pytest.approx(
        camera.blur, rel=1e-3
    )
    lines = table(fitted).splitlines()
    assert any(line.startswith("exposure") and "stops" in line for line in lines)


def test_progress_is_told_as_often_as_it_says(monkeypatch):
    from metasim_backend.camera.fitting import fit

    monkeypatch.setattr(fit, "fit_tones", lambda *_: numbers(exposure=0.1))
    monkeypatch.setattr(fit, "fit_noise", lambda *_: [Finding("read_noise", 0.01)])
    ticks = []
    seen = (photographs()[:4] * 255).round().byte()
    fitted = fit.fit_camera(seen, light(0)[:4], 90.0, lambda: ticks.append(1))
    assert len(ticks) == fit.STEPS
    assert fitted.camera.jpeg_quality == 90 and fitted.camera.read_noise == pytest.approx(0.01)
    assert isinstance(fitted, FittedCamera)


def test_what_cannot_be_compared_is_refused():
    seen = torch.zeros(5, 3, 32, 48, dtype=torch.uint8)
    with pytest.raises(FitError, match="48x32 pixels .* renders of 40x32"):
        fit_camera(seen, torch.zeros(5, 3, 32, 40))
    with pytest.raises(FitError, match="3 photographs and 5 renders are too few"):
        fit_camera(seen[:3], torch.zeros(5, 3, 32, 48))
