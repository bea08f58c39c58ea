import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from metasim_backend.datasets.readers.pictures import DatasetError, Fit
from metasim_backend.datasets.targets import TargetImages, fitting_size, split

DATA = Path(os.environ.get("METASIM_DATA", Path(__file__).parents[3] / "shared" / "data"))


def save(path, width, height, seed=0):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def test_pictures_are_cut_about_the_centre_and_averaged_over_areas(tmp_path):
    wide = save(tmp_path / "b.png", 40, 10)
    tall = save(tmp_path / "a.PNG", 20, 30, seed=1)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "deeper").mkdir()
    save(tmp_path / "deeper" / "c.png", 8, 8)
    targets = TargetImages.read(tmp_path, 10, 5)
    assert targets.names == ("a.PNG", "b.png") and len(targets) == 2
    assert targets.images.dtype == torch.uint8 and targets.images.shape == (2, 3, 5, 10)
    for pixels, image in ((tall[10:20, :], targets.images[0]), (wide[:, 10:30], targets.images[1])):
        expected = pixels.reshape(5, 2, 10, 2, 3).mean((1, 3))
        assert np.abs(image.permute(1, 2, 0).numpy() - expected).max() <= 1


def test_a_picture_of_the_wanted_size_keeps_its_bytes_and_a_small_one_is_enlarged(tmp_path):
    pixels = save(tmp_path / "a.png", 12, 8)
    assert np.array_equal(
        TargetImages.read(tmp_path, 12, 8).images[0].permute(1, 2, 0).numpy(), pixels
    )
    assert TargetImages.read(tmp_path, 48, 32).images.shape == (1, 3, 32, 48)


def test_grey_and_transparent_pictures_are_read_as_rgb(tmp_path):
    Image.new("L", (8, 8), 100).save(tmp_path / "a.png")
    Image.new("RGBA", (8, 8), (10, 20, 30, 255)).save(tmp_path / "b.png")
    images = TargetImages.read(tmp_path, 4, 4).images
    assert images[0].unique().tolist() == [100] and images[1, :, 0, 0].tolist() == [10, 20, 30]


def test_boxes_move_with_their_picture():
    fit = Fit.centred((100, 50), 25, 25)  # cuts 25 pixels left and right, halves the rest
    boxes, inside = fit.boxes(np.array([[25, 0, 75, 50], [35, 10, 45, 20], [0, 0, 50, 50.0]]))
    assert boxes.tolist() == [[0, 0, 25, 25], [5, 5, 10, 10], [0, 0, 12.5, 25]]
    assert inside.tolist() == [1, 1, 0.5]


def test_missing_empty_and_corrupt_input_give_one_sentence_that_names_it(tmp_path):
    with pytest.raises(DatasetError, match=r"target folder .*nowhere does not exist"):
        TargetImages.read(tmp_path / "nowhere", 8, 8)
    with pytest.raises(DatasetError, match="holds no picture"):
        TargetImages.read(tmp_path, 8, 8)
    save(tmp_path / "a.png", 8, 8)
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a picture")
    with pytest.raises(DatasetError, match=r"torn\.jpg cannot be read") as caught:
        TargetImages.read(tmp_path, 8, 8)
    assert "\n" not in str(caught.value)
    whole = tmp_path / "whole.png"
    save(whole, 64, 64)
    (tmp_path / "torn.jpg").unlink()
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(DatasetError, match=r"cut\.png cannot be read"):
        TargetImages.read(tmp_path, 8, 8)
    with pytest.raises(DatasetError, match="width 0 is not"):
        TargetImages.read(tmp_path, 0, 8)


def test_parts_are_disjoint_whole_and_independent_of_order():
    names = [f"frame_{i}.png" for i in range(52)]
    parts = split(names, seed=3)
    assert sorted(parts.match + parts.reward + parts.report) == sorted(names)
    assert [len(part) for part in parts] == [31, 10, 11]
    assert split(reversed(names), seed=3) == parts
    assert split(names, seed=4) != parts
    assert [len(part) for part in split(names[:3])] == [1, 1, 1]
    more = split([*names, "another.png"], seed=3)
    assert len(set(more.match) & set(parts.match)) >= 30


def test_unusable_splits_give_one_sentence():
    with pytest.raises(DatasetError, match="2 target pictures cannot be split"):
        split(["a", "b"])
    with pytest.raises(DatasetError, match="'a' is given twice"):
        split(["a", "b", "a"])
    with pytest.raises(DatasetError, match="add to 1"):
        split(["a", "b", "c"], (0.5, 0.5, 0.5))


def test_split_pictures_go_with_their_names(tmp_path):
    for i in range(6):
        save(tmp_path / f"{i}.png", 8, 8, seed=i)
    targets = TargetImages.read(tmp_path, 8, 8)
    for part in targets.split((0.5, 0.25, 0.25)):
        for name, image in zip(part.names, part.images, strict=True):
            assert torch.equal(image, targets.images[targets.names.index(name)])
    assert len(TargetImages.read(tmp_path, 8, 8, most=4)) == 4


@pytest.mark.skipif(not (DATA / "kitti").is_dir(), reason=f"no KITTI pictures in {DATA}")
def test_real_street_pictures_are_read():
    targets = TargetImages.read(DATA / "kitti" / "target", 160, 96, most=6)
    assert targets.images.shape == (6, 3, 96, 160)
    assert 40 < float(targets.images.float().mean()) < 200


def test_the_fitting_size_keeps_the_aspect_and_the_number_of_pixels(tmp_path):
    for i, size in enumerate([(1242, 375), (1224, 370), (1242, 375)]):
        Image.new("RGB", size).save(tmp_path / f"{i}.png")
    assert fitting_size(tmp_path) == (416, 128)
    assert fitting_size(tmp_path, 160 * 48) == (160, 48)
    Image.new("RGB", (64, 64)).save(tmp_path / "3.png")
    assert fitting_size(tmp_path, 10**9) == (1240, 368)


def test_small_pictures_are_not_enlarged(tmp_path):
    Image.new("RGB", (160, 96)).save(tmp_path / "a.png")
    assert fitting_size(tmp_path) == (160, 96)
