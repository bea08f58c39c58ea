"""The add-on as a zip: the same bytes for the same files, whole, and never over another file."""

from __future__ import annotations

import ast
import io
import os
import tomllib
import zipfile
from pathlib import Path

import pytest

from metasim_backend.addon_package import archive
from metasim_backend.cli import main

ROOT = Path(__file__).resolve().parents[2]
ADDON = ROOT / "blender_addon"


def entries() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive.archive_bytes())) as found:
        return {name: found.read(name) for name in found.namelist()}


def test_the_same_files_give_the_same_bytes_wherever_and_whenever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    expected = archive.archive_bytes()
    copy = tmp_path / "elsewhere"
    for path in sorted(ADDON.rglob("*"), reverse=True):  # made in another order, at another time
        if path.is_file() and path.suffix != ".pyc":
            target = copy / "blender_addon" / path.relative_to(ADDON)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
            os.utime(target, (1e9, 1e9))
            target.chmod(0o600)
    monkeypatch.setattr(archive, "addon_folder", lambda: copy / "blender_addon")
    assert archive.archive_bytes() == expected
    (copy / "blender_addon" / "worker.py").write_text("")
    assert archive.archive_bytes() != expected


def test_the_zip_is_one_folder_that_serves_extensions_and_legacy_addons():
    found = entries()
    assert {name.split("/")[0] for name in found} == {"metasim"}
    assert {"metasim/__init__.py", "metasim/blender_manifest.toml", "metasim/LICENSE"} <= set(found)
    assert not [name for name in found if "__pycache__" in name or "/." in name]
    sources = {path.relative_to(ADDON).as_posix() for path in ADDON.rglob("*.py")}
    assert {f"metasim/{name}" for name in sources} <= set(found)


def test_every_file_is_python_3_10_and_finds_its_neighbours_relatively():
    """Blender 3.4 has Python 3.10, and the folder's name there is not ours."""
    for name, content in entries().items():
        if not name.endswith(".py"):
            continue
        tree = ast.parse(content, name, feature_version=(3, 10))
        for node in ast.walk(tree):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module or ""]
            tops = {module.split(".")[0] for module in modules}
            assert not tops & {"blender_addon", "metasim_backend", "torch"}, name


def test_the_manifest_is_complete_and_all_versions_are_one():
    manifest = tomllib.loads(entries()["metasim/blender_manifest.toml"].decode())
    assert manifest["schema_version"] == "1.0.0"
    assert (manifest["id"], manifest["type"]) == ("metasim", "add-on")
    assert manifest["blender_version_min"] == "4.2.0"
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert set(manifest["permissions"]) == {"network", "files"}
    for reason in (*manifest["permissions"].values(), manifest["tagline"]):
        assert 0 < len(reason) <= 64 and reason[-1].isalnum()

    info = next(
        ast.literal_eval(node.value)
        for node in ast.parse((ADDON / "__init__.py").read_text()).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "bl_info"
    )
    named = [
        node.value.value
        for path in ADDON.rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ADDON_VERSION"
    ]
    assert named
    versions = {manifest["version"], ".".join(map(str, info["version"]))}
    assert versions | set(named) == {manifest["version"]}
    assert info["blender"] == (3, 4, 0) and info["name"] == manifest["name"]


def test_build_writes_the_zip_and_leaves_other_files_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture
):
    path = tmp_path / "metasim.zip"
    assert main(["addon", "build", "-o", str(path)]) == 0
    assert path.read_bytes() == archive.archive_bytes()
    assert str(path) in capsys.readouterr().out
    assert main(["addon", "build", "-o", str(path)]) == 0  # the same again
    path.write_text("mine")
    assert main(["addon", "build", "-o", str(path)]) == 2
    assert path.read_text() == "mine" and "--force" in capsys.readouterr().err
    assert main(["addon", "build", "-o", str(path), "--force"]) == 0
    assert path.read_bytes() == archive.archive_bytes()
    assert main(["addon", "build", "-o", str(tmp_path)]) == 0
    assert (tmp_path / archive.archive_name()).is_file()


def test_install_says_what_is_wrong_with_a_blender(tmp_path: Path, capsys: pytest.CaptureFixture):
    assert main(["addon", "install", "--blender", "/nowhere/blender"]) == 2
    assert "There is no Blender at '/nowhere/blender'" in capsys.readouterr().err
    fake = tmp_path / "blender"
    fake.write_text("#!/bin/sh\necho Something is wrong; exit 1\n")
    fake.chmod(0o755)
    assert main(["addon", "install", "--blender", str(fake)]) == 1
    assert "it said: Something is wrong" in capsys.readouterr().err
