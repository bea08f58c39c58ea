"""Of a set with bad files all are named at once, or all others are used."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from metasim_backend.datasets.bad_files import read_all
from metasim_backend.datasets.readers.labelled import check_cars, read_labelled
from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.datasets.targets import TargetImages, fitting_size
from metasim_backend.settings import settings_from_dict
from metasim_backend.training.run_config import RunConfig, read_target

CAR = "Car 0.00 0 1.85 10.00 20.00 49.00 60.00 1.67 1.87 3.69 -16.53 2.39 58.49 1.57\n"


def picture(path, number):
    image = np.random.default_rng(number).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    Image.fromarray(image).save(path)


@pytest.fixture
def pictures(tmp_path):
    """Twelve, of which two are cut off and one is too small."""
    for number in range(12):
        picture(tmp_path / f"{number:02d}.png", number)
    for name in ("03.png", "07.png"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:100])
    Image.new("RGB", (2, 2)).save(tmp_path / "09.png")
    return tmp_path


def test_all_bad_pictures_are_named_at_once(pictures):
    with pytest.raises(DatasetError, match="3 of 12 files cannot be used") as raised:
        TargetImages.read(pictures, 48, 32)
    lines = str(raised.value).splitlines()
    assert len(lines) == 4 and "--skip-bad" in lines[0]
    assert [name in line for name, line in zip(("03", "07", "09"), lines[1:], strict=True)]


def test_the_others_are_used_and_the_bad_ones_listed(pictures):
    skipped: list[str] = []
    images = TargetImages.read(pictures, 48, 32, skipped=skipped)
    good = tuple(f"{n:02d}.png" for n in range(12) if n not in (3, 7, 9))
    assert images.names == good and images.images.shape == (9, 3, 32, 48)
    alone = TargetImages.read(pictures, 48, 32, most=1)
    assert (images.images[0] == alone.images[0]).all()
    assert len(skipped) == 3 and all("png" in line for line in skipped)


def test_one_bad_picture_does_not_hide_the_size_of_the_others(pictures):
    (pictures / "00.png").write_bytes(b"no picture")
    assert fitting_size(pictures) == (96, 64)


def test_of_very_many_the_first_twenty_are_named():
    def read(number):
        raise DatasetError(f"The file {number} is bad.")

    with pytest.raises(DatasetError, match="30 of 30") as raised:
        read_all(range(30), read)
    lines = str(raised.value).splitlines()
    assert lines[20].strip() == "The file 19 is bad." and lines[21].strip() == "and 10 more"
    with pytest.raises(DatasetError, match=r"^The file 0 is bad\.$"):
        read_all(range(1), read)


def labelled(folder):
    (folder / "image_2").mkdir(parents=True)
    (folder / "label_2").mkdir()
    for number in range(4):
        picture(folder / "image_2" / f"{number}.png", number)
        (folder / "label_2" / f"{number}.txt").write_text(CAR)
    (folder / "label_2" / "1.txt").write_text("Car 0.00\n")
    (folder / "label_2" / "2.txt").unlink()
    return folder


def test_bad_and_missing_labels_are_named_together(tmp_path):
    folder, skipped = labelled(tmp_path), []
    with pytest.raises(DatasetError, match="2 of 4 files cannot be used") as raised:
        read_labelled(folder)
    assert "1.txt, line 1, has 2 columns" in str(raised.value)
    assert "2.png has no label file" in str(raised.value)
    images = read_labelled(folder, skipped=skipped)
    assert [one.name for one in images] == ["0.png", "3.png"] and len(skipped) == 2
    check_cars(folder, images)


def test_a_run_goes_on_without_them_when_told_to(pictures, tmp_path_factory):
    from metasim_backend.grammar import load_grammar
    from metasim_backend.shipped_files.folders import SCENES

    grammar = load_grammar(SCENES / "driving.yaml")
    folder = labelled(tmp_path_factory.mktemp("labelled"))

    def config(**target):
        size = {"width": 48, "height": 32}
        settings = settings_from_dict({"rendering": size, "target": target})
        return RunConfig(grammar, settings, pictures, folder)

    with pytest.raises(DatasetError, match="3 of 12"):
        read_target(config())
    target = read_target(config(skip_bad=True))
    assert len(target.matched) + len(target.unseen) == 9 and len(target.validation) == 2
    assert len(target.skipped) == 5
