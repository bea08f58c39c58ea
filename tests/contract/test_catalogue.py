"""Catalogues: what is read, and one sentence for each way in which one can be wrong."""

from __future__ import annotations

import json

import pytest

from blender_addon.contract.catalogue import (
    CatalogueError,
    asset_folders,
    read_catalogue,
    user_assets,
)


def write(folder, *entries, raw: str | None = None):
    folder.mkdir(exist_ok=True)
    (folder / "taxi.obj").write_text("v 0 0 0\n")
    path = folder / "catalogue.json"
    path.write_text(raw if raw is not None else json.dumps({"assets": list(entries)}))
    return path


def entry(**changes):
    return {"name": "taxi", "class": "car", "file": "taxi.obj", "length": 4.5, **changes}


def test_an_entry_keeps_what_it_says_and_finds_its_file(tmp_path):
    (asset,) = read_catalogue(write(tmp_path, entry(turn=90, weight=2, licence="CC0-1.0")))
    assert (asset.name, asset.class_name, asset.length) == ("taxi", "car", 4.5)
    assert (asset.turn, asset.weight, asset.licence) == (90, 2, "CC0-1.0")
    assert asset.file == tmp_path / "taxi.obj"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"class": "spaceship"}, "'spaceship'"),
        ({"file": "gone.glb"}, "gone.glb"),
        ({"file": "taxi.fbx"}, "taxi.fbx"),
        ({"length": -1}, "'length'"),
        ({"length": "long"}, "'long'"),
        ({"weight": float("nan")}, "'weight'"),
        ({"colour": "red"}, "'colour'"),
        ({"name": ""}, "'name'"),
    ],
)
def test_a_wrong_entry_is_named_with_its_file_and_number(tmp_path, changes, words):
    path = write(tmp_path, entry(), entry(**changes))
    with pytest.raises(CatalogueError, match=words) as error:
        read_catalogue(path)
    assert "entry 2" in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize("raw", ["{", "[]", '{"assets": 3}', '{"assets": [7]}'])
def test_what_is_no_catalogue_is_refused(tmp_path, raw):
    with pytest.raises(CatalogueError, match="catalogue.json"):
        read_catalogue(write(tmp_path, raw=raw))


def test_a_folder_without_catalogue_and_a_name_given_twice_are_refused(tmp_path):
    with pytest.raises(CatalogueError, match="no catalogue"):
        user_assets((tmp_path,))
    for name in ("one", "two"):
        write(tmp_path / name, entry())
    with pytest.raises(CatalogueError, match="'taxi' is also in"):
        user_assets((tmp_path / "one", tmp_path / "two"))


def test_folders_are_joined_as_in_path(monkeypatch, tmp_path):
    import os

    joined = os.pathsep.join([str(tmp_path / "one"), "", str(tmp_path / "two")])
    assert asset_folders({"METASIM_ASSETS": joined}) == (tmp_path / "one", tmp_path / "two")
    assert asset_folders({}) == ()
