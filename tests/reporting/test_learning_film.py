"""The film of a run: what its panels count, against numpy, and what its frames show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metasim_backend.reporting.attributes import AttributeSamples
from metasim_backend.reporting.learning_film import BINS, film_of, write_film
from metasim_backend.reporting.run_record import RunRecord

RNG = np.random.default_rng(3)
PRIOR, TRUTH = RNG.normal(0, 2, 400), RNG.normal(5, 1, 400)


def picture(path: Path, colour: str) -> Path:
    Image.new("RGB", (32, 18), colour).save(path)
    return path


@pytest.fixture
def record(tmp_path) -> RunRecord:
    pictures = {
        "target": (picture(tmp_path / "t.png", "blue"),),
        "prior": (picture(tmp_path / "p.png", "red"),),
        "learned": (picture(tmp_path / "l.png", "lime"),),
    }
    step = picture(tmp_path / "1.png", "yellow")
    pitch = AttributeSamples(
        "camera.pitch", "continuous", "deg", prior=tuple(PRIOR), learned=tuple(TRUTH + 0.2),
        target=tuple(TRUTH),
    )  # fmt: skip
    same = replace(pitch, name="camera.yaw", learned=tuple(PRIOR), target=tuple(PRIOR + 0.01))
    steps = {1: {"camera.pitch": (PRIOR / 2 + 2.5).tolist(), "camera.yaw": PRIOR.tolist()}}
    return RunRecord(
        tmp_path, {}, (), {}, (pitch, same), {}, {}, {}, pictures,
        {"00": ((1, step),)}, steps=steps,
    )  # fmt: skip


def test_what_differs_in_the_truth_has_a_panel_with_its_histograms(record):
    film = film_of(record)
    assert film.captions == ("prior", "step 1", "learned")
    (panel,) = film.panels  # the yaw is the prior's
    assert panel.name == "camera.pitch, deg" and len(panel.steps) == 3
    middles = (panel.edges[:-1] + panel.edges[1:]) / 2
    for shares, values in (
        (panel.target, TRUTH), (panel.steps[0], PRIOR), (panel.steps[1], PRIOR / 2 + 2.5)
    ):  # fmt: skip
        assert shares.shape == (BINS,) and shares.sum() == pytest.approx(1, abs=0.02)
        assert (shares * middles).sum() == pytest.approx(values.mean(), abs=0.15)


def test_without_a_truth_what_moved_farthest_is_shown(record):
    blind = tuple(replace(item, target=None) for item in record.attributes)
    film = film_of(replace(record, attributes=blind))
    assert [panel.name for panel in film.panels] == ["camera.pitch, deg", "camera.yaw, deg"]
    assert all(panel.target is None for panel in film.panels)


def test_angles_are_counted_round_the_circle(record):
    turned = AttributeSamples(
        "sky.sun_azimuth", "circular", "deg", period=360.0, prior=tuple(178 + PRIOR),
        learned=tuple(PRIOR - 178), target=tuple(-178 + 20 + PRIOR),
    )  # fmt: skip
    steps = {1: {"sky.sun_azimuth": (180 + PRIOR).tolist()}}
    (panel,) = film_of(replace(record, attributes=(turned,), steps=steps)).panels
    assert panel.edges[-1] - panel.edges[0] < 60  # not cut open at 180 degrees
    assert all(shares.sum() == pytest.approx(1, abs=0.02) for shares in panel.steps)


def test_each_step_is_a_frame_with_its_street_above_the_target(record, tmp_path):
    path = write_film(tmp_path / "film.webp", film_of(record), seconds=1, hold=3)
    colours = []
    with Image.open(path) as film:
        assert film.n_frames == 3
        for frame in range(3):
            film.seek(frame)
            sheet = np.asarray(film.convert("RGB"))
            colours.append(tuple(sheet[150, 240]))
            assert tuple(sheet[500, 240]) == (0, 0, 255)
    assert colours == [(255, 0, 0), (255, 255, 0), (0, 255, 0)]


def test_a_run_that_was_not_followed_has_no_film(record):
    assert film_of(replace(record, progress={})) is None
    assert film_of(replace(record, steps={})) is None
    assert film_of(replace(record, pictures={**record.pictures, "learned": ()})) is None


def test_a_damaged_picture_is_named(record, tmp_path):
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="1.png is not a readable picture"):
        write_film(tmp_path / "film.gif", film_of(record))
