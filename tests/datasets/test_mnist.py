"""MNIST's files and the split of its test digits."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from metasim_backend.datasets.readers.mnist import Digits, read_mnist, split_test_digits
from metasim_backend.datasets.readers.pictures import DatasetError

DATA = Path(os.environ.get("METASIM_DATA") or Path(__file__).parents[2] / "../shared/data")
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")


def idx(array: np.ndarray) -> bytes:
    """The form that MNIST's page describes, written by hand."""
    head = (0x0800 + array.ndim).to_bytes(4, "big")
    return head + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def digits():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 28, 28)).astype(np.uint8)
    return images, (np.arange(12) % 10).astype(np.uint8)


@pytest.mark.parametrize("below", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("packed", [False, True])
def test_files_are_read_where_torchvision_and_others_put_them(tmp_path, digits, below, packed):
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(NAMES, digits, strict=True):
        content = idx(array)
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    found = read_mnist("train", tmp_path, fetch=False)
    np.testing.assert_array_equal(found.images.numpy(), digits[0])
    assert found.labels.tolist() == digits[1].tolist()


def test_missing_files_are_named_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("METASIM_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(DatasetError, match=r"put t10k-images.*--data"):
        read_mnist("test", tmp_path, fetch=False)


def test_a_damaged_file_is_named(tmp_path, digits):
    (tmp_path / NAMES[0]).write_bytes(idx(digits[0])[:-5])
    (tmp_path / NAMES[1]).write_bytes(idx(digits[1]))
    with pytest.raises(DatasetError, match="train-images-idx3-ubyte is no IDX file"):
        read_mnist("train", tmp_path, fetch=False)


def test_images_and_labels_that_do_not_belong_together_are_refused(tmp_path, digits):
    (tmp_path / NAMES[0]).write_bytes(idx(digits[0]))
    (tmp_path / NAMES[1]).write_bytes(idx(digits[1][:-1]))
    with pytest.raises(DatasetError, match="do not belong together"):
        read_mnist("train", tmp_path, fetch=False)


def test_matching_reward_and_report_have_no_digit_in_common():
    numbered = torch.arange(100)
    digits = Digits(numbered[:, None, None].expand(-1, 28, 28), numbered % 10)
    parts = split_test_digits(digits, 3, match=20, reward=30)
    seen = [part.images[:, 0, 0].tolist() for part in (parts.match, parts.reward, parts.report)]
    assert [len(s) for s in seen] == [20, 30, 50]
    assert sorted(sum(seen, [])) == list(range(100))
    again = split_test_digits(digits, 3, match=20, reward=30)
    assert again.match.images[:, 0, 0].tolist() == seen[0]
    other = split_test_digits(digits, 4, match=20, reward=30)
    assert other.match.images[:, 0, 0].tolist() != seen[0]


def test_a_split_that_leaves_nothing_to_report_on_is_refused():
    digits = Digits(torch.zeros(10, 28, 28), torch.zeros(10))
    with pytest.raises(DatasetError, match="too few"):
        split_test_digits(digits, 0, match=5, reward=5)


@pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason="MNIST is not in METASIM_DATA")
def test_the_real_files_hold_what_mnists_page_says():
    train, test = read_mnist("train", DATA, fetch=False), read_mnist("test", DATA, fetch=False)
    assert train.images.shape == (60_000, 28, 28) and test.images.shape == (10_000, 28, 28)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert torch.bincount(test.labels).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]
