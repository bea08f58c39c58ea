"""The animated picture, read again by PIL: its frames, their times, its pixels."""

import numpy as np
import pytest
from PIL import Image

from metasim_backend.reporting.animation import Frames, frames_of, write_animation
from metasim_backend.reporting.run_record import read_run


@pytest.fixture
def pictures(tmp_path):
    """A folder of 8 x 6 pictures: grey levels of row and step in one corner pixel."""

    def picture(name, level):
        array = np.full((6, 8, 3), level, np.uint8)
        array[0, 0] = 255
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path)
        return path

    return picture


def film(pictures, count=4, scenes=2, target=True):
    rows = tuple(
        tuple(pictures(f"{step}_{scene}", 30 * step + 10 * scene) for scene in range(scenes))
        for step in range(count)
    )
    below = tuple(pictures(f"target{scene}", 200) for scene in range(scenes)) if target else ()
    return Frames(tuple(f"step {step}" for step in range(count)), rows, below)


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_it_has_every_frame_runs_for_ever_and_holds_the_last(pictures, tmp_path, suffix):
    path = write_animation(tmp_path / f"out.{suffix}", film(pictures), frames_a_second=10, hold=2)
    with Image.open(path) as image:
        assert image.n_frames == 4
        assert image.info["loop"] == 0
        times = []
        for i in range(image.n_frames):
            image.seek(i)
            image.load()
            times.append(image.info["duration"])
    assert times == [100, 100, 100, 2000]


def test_pictures_are_magnified_to_hard_squares(pictures, tmp_path):
    path = write_animation(tmp_path / "out.webp", film(pictures, 1, 1, False), scale=4)
    with Image.open(path) as image:
        array = np.array(image.convert("RGB"))
    cell = array[26 : 26 + 24, 76 : 76 + 32]
    assert (cell[:4, :4] == 255).all()
    assert (cell[4:] == 0).all() and (cell[:, 4:] == 0).all()


def test_only_the_learning_row_and_the_caption_change(pictures, tmp_path):
    path = write_animation(tmp_path / "out.gif", film(pictures), scale=4)
    with Image.open(path) as image:
        image.seek(0)
        first = np.array(image.convert("RGB")).astype(int)
        image.seek(3)
        last = np.array(image.convert("RGB")).astype(int)
    changed = np.abs(first - last).max(axis=(1, 2))
    learning, target = slice(26, 50), slice(54, 78)
    assert changed[learning].max() >= 80
    assert changed[target].max() == 0


def test_a_run_is_shown_from_prior_over_the_steps_to_learned(pictures, tmp_path):
    base = "run/report_data/pictures"
    for scene in range(3):
        for kind in ("prior", "learned", "target"):
            pictures(f"{base}/{kind}/{scene:02d}", 90)
    for step in (10, 5, 100):
        for scene in range(2):
            pictures(f"{base}/progress/{step:05d}_{scene:02d}", step)
    pictures(f"{base}/progress/00200_00", 7)  # an interrupted run: the other scene is not there
    frames = frames_of(read_run(tmp_path / "run"))
    assert frames.captions == ("prior", "step 5", "step 10", "step 100", "learned")
    assert {len(row) for row in frames.rows} == {2} and len(frames.target) == 2


def test_a_run_that_followed_no_scene_has_no_film(pictures, tmp_path):
    pictures("run/report_data/pictures/prior/00", 0)
    assert frames_of(read_run(tmp_path / "run")) is None


@pytest.mark.parametrize("frames", [Frames((), ()), Frames(("a",), ((),))])
def test_no_picture_is_refused(frames, tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        write_animation(tmp_path / "out.gif", frames)


def test_another_suffix_is_refused(pictures, tmp_path):
    with pytest.raises(ValueError, match=r"\.gif or \.webp"):
        write_animation(tmp_path / "out.mp4", film(pictures))
