"""Boxes are read and counted frame by frame, small ones and other classes left out."""

import gzip

import pytest

from metasim_backend.datasets.box_table import counts_in_table, frames_in_table
from metasim_backend.datasets.readers.pictures import DatasetError

TABLE = """frame,width,height,class,xmin,ymin,xmax,ymax
0,200,100,Car,0,10,9,30
0,200,100,Car,0,10,9,14
0,200,100,Cyclist,0,10,9,90
1,200,100,,,,,
2,200,200,Car,0,0,9,20
2,200,200,Van,0,0,9,20
"""


def test_boxes_are_counted_in_shares_of_the_frames_height(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text(TABLE)
    assert counts_in_table(path, ("Car",), 0.1).tolist() == [1, 0, 1]
    assert counts_in_table(path, ("Car", "Van"), 0.01).tolist() == [2, 0, 2]


def test_frames_have_their_sizes_and_boxes(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text(TABLE)
    first, second, third = frames_in_table(path)
    assert first.classes == ("Car", "Car", "Cyclist") and (first.width, first.height) == (200, 100)
    assert first.of(("Cyclist",)).tolist() == [[0, 10, 9, 90]]
    assert second.of(("Car",)).shape == (0, 4) and third.height == 200


def test_a_compressed_table_is_the_same(tmp_path):
    path = tmp_path / "boxes.csv.gz"
    path.write_bytes(gzip.compress(TABLE.encode()))
    assert counts_in_table(path, ("Cyclist",), 0.5).tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("text", "words"),
    [("frame,class\n", "no column 'height'"), (TABLE.splitlines()[0] + "\n", "no frame")],
)
def test_a_table_without_what_is_needed_is_named(tmp_path, text, words):
    path = tmp_path / "boxes.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=words):
        counts_in_table(path, ("Car",), 0.1)
    with pytest.raises(DatasetError, match="There is no table"):
        counts_in_table(tmp_path / "none.csv", ("Car",), 0.1)
    path.write_text(TABLE.replace("10,9,30", "ten,9,30"))
    with pytest.raises(DatasetError, match="cannot be read"):
        counts_in_table(path, ("Car",), 0.1)
