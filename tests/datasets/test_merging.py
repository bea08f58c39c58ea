"""Merged shards have the bytes of the data set that was written whole, in every format."""

import errno
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from street_frames import frame

from metasim_backend.datasets.merging import check_apart, merge, open_merged, read_shards
from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.datasets.shards import Shard
from metasim_backend.datasets.writers import webdataset
from metasim_backend.datasets.writers.writer import FORMATS, open_writer

FRAMES = 11
JOB = {"seed": 3, "generator": "1f", "render": {"width": 64}}


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """These tests write many files, and none of them is about a machine that loses its power."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(autouse=True)
def small_tars(monkeypatch):
    """Some that one shard fills, and some of which two shards have a part."""
    monkeypatch.setattr(webdataset, "SAMPLES_A_TAR", 4)


def write(kind, folder, samples, job):
    writer = open_writer(kind, folder, job=job)
    for index in writer.missing(samples.stop, samples.start):
        writer.write(index, frame(index, empty=index == 2))
    writer.finish()


def write_shards(kind, folder, of, frames=FRAMES, **changes):
    folders = []
    for index in range(of):
        shard = Shard(index, of)
        folders.append(folder / f"shard-{index}")
        write(kind, folders[-1], shard.samples(frames), {**JOB, **changes, **shard.job(frames)})
    return folders


def merged(folders, output):
    shards = read_shards(folders)
    merge(shards, open_merged(shards, output))


def digests(folder: Path):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_shards_are_disjoint_and_together_the_whole():
    for frames in (1, 4, 11, 1000):
        for of in (1, 3, 4, 16):
            parts = [list(Shard(i, of).samples(frames)) for i in range(of)]
            assert sum(parts, []) == list(range(frames))
            assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("kind", FORMATS)
def test_merged_shards_have_the_bytes_of_the_whole(kind, tmp_path):
    write(kind, tmp_path / "whole", range(FRAMES), JOB)
    folders = write_shards(kind, tmp_path, 3)
    before = [digests(folder) for folder in folders]
    merged([folders[1], folders[2], folders[0]], tmp_path / "out")
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")
    assert [digests(folder) for folder in folders] == before
    # The shards are not needed afterwards, and the merged one can be made larger.
    for folder in folders:
        shutil.rmtree(folder)
    for folder in ("whole", "out"):
        write(kind, tmp_path / folder, range(FRAMES + 2), JOB)
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


@pytest.mark.parametrize("kind", FORMATS)
def test_an_interrupted_merge_goes_on_and_gives_the_same_bytes(kind, tmp_path):
    write(kind, tmp_path / "whole", range(FRAMES), JOB)
    folders = write_shards(kind, tmp_path, 2)
    taken = []

    def interrupted(done):
        taken.append(done)
        if sum(taken) >= 6:
            raise KeyboardInterrupt

    shards = read_shards(folders)
    with pytest.raises(KeyboardInterrupt):
        merge(shards, open_merged(shards, tmp_path / "out"), interrupted)
    assert merge(shards, open_merged(shards, tmp_path / "out")) == FRAMES - sum(taken) > 0
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")
    assert merge(shards, open_merged(shards, tmp_path / "out")) == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_more_shards_than_frames_merge_too(kind, tmp_path):
    write(kind, tmp_path / "whole", range(2), JOB)
    merged(write_shards(kind, tmp_path, 4, frames=2), tmp_path / "out")
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


def test_where_the_disk_has_no_links_files_are_copied(tmp_path, monkeypatch):
    write("coco", tmp_path / "whole", range(FRAMES), JOB)
    folders = write_shards("coco", tmp_path, 2)

    def no_link(source, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_link)
    merged(folders, tmp_path / "out")
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")
    assert (tmp_path / "out/images/000000.png").stat().st_nlink == 1


def test_coco_ids_of_a_shard_are_those_of_the_whole(tmp_path):
    second = write_shards("coco", tmp_path, 2)[1]
    content = json.loads((second / "annotations.json").read_text())
    assert [image["id"] for image in content["images"]] == [6, 7, 8, 9, 10, 11]
    assert content["images"][0]["file_name"] == "000005.png"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("4/4", "counted from 0, so 4 shards are 0/4 to 3/4"),
        ("1/1", "0/1 alone"),
        ("0/0", "not of the form"),
        ("-1/4", "not of the form"),
        ("1", "not of the form"),
        ("a/b", "not of the form"),
    ],
)
def test_a_shard_that_is_not_there(text, said):
    with pytest.raises(DatasetError, match=said):
        Shard.parse(text)
    assert Shard.parse("3/4") == Shard(3, 4)


def test_folders_that_are_not_the_shards_of_one_data_set(tmp_path):
    a, b, c = write_shards("coco", tmp_path / "own", 3)
    others = {
        "seed is 3 and 4": write_shards("coco", tmp_path / "seed", 3, seed=4),
        "run or grammar": write_shards("coco", tmp_path / "run", 3, generator="2e"),
        "render.width is 64 and 96": write_shards(
            "coco", tmp_path / "size", 3, render={"width": 96}
        ),
        "format is 'coco' and 'yolo'": write_shards("yolo", tmp_path / "format", 3),
        "shards is 3 and 4": write_shards("coco", tmp_path / "shards", 4),
        "frames is 11 and 12": write_shards("coco", tmp_path / "frames", 3, frames=12),
    }
    for said, folders in others.items():
        with pytest.raises(DatasetError, match=f"different data sets: .*{said}"):
            read_shards([a, folders[1], c])
    with pytest.raises(DatasetError, match=f"^Shard 1/3 of the data set of {a} is not among"):
        read_shards([a, c])
    with pytest.raises(DatasetError, match="^Shard 1/3 and 1 more of"):
        read_shards([a])
    copy = shutil.copytree(b, tmp_path / "copy")
    with pytest.raises(DatasetError, match=f"{b} and {copy} are both shard 1/3"):
        read_shards([a, b, copy, c])
    (b / "images/000004.png").unlink()
    with pytest.raises(DatasetError, match=f"{b} lacks 1 of its 4 frames"):
        read_shards([a, b, c])
    write("coco", tmp_path / "whole", range(2), JOB)
    with pytest.raises(DatasetError, match="whole is a whole data set"):
        read_shards([a, tmp_path / "whole"])
    with pytest.raises(DatasetError, match="nowhere is no data set"):
        read_shards([a, tmp_path / "nowhere"])


def test_a_merge_mixes_with_nothing(tmp_path):
    folders = write_shards("coco", tmp_path, 2)
    shards = read_shards(folders)
    for output in (folders[1], folders[1] / "inner", tmp_path):
        with pytest.raises(DatasetError, match="one folder or one in the other"):
            check_apart(shards, output)
    check_apart(shards, tmp_path / "out")
    write("coco", tmp_path / "other", range(2), {**JOB, "seed": 9})
    with pytest.raises(DatasetError, match="begun with seed 9, not 3"):
        open_merged(shards, tmp_path / "other")
    with pytest.raises(DatasetError, match="begun with shard '1/2', not none"):
        open_merged(shards, folders[1])
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("mine")
    with pytest.raises(DatasetError, match="holds other files"):
        open_merged(shards, tmp_path / "full")
