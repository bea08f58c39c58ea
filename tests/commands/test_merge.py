"""``metasim generate --shard`` and ``metasim merge``, as a user gives them."""

from __future__ import annotations

import json

import pytest
from command_inputs import ROOT, contents

from metasim_backend.cli import main

AERIAL = ROOT / "scenes/aerial2d.yaml"  # drawn without Blender


@pytest.fixture
def shards(tmp_path):
    """Two shards of five frames, of which the first ends within a chunk of the whole."""
    folders = [tmp_path / f"shard-{i}" for i in range(2)]
    for i, folder in enumerate(folders):
        assert main([*generate(folder), "--shard", f"{i}/2"]) == 0
    return folders


def generate(folder):
    return ["generate", str(AERIAL), "-n", "5", "--size", "64x64", "--json", "-o", str(folder)]


def test_merged_shards_are_what_generate_writes_without_them(shards, tmp_path, capsys):
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert main(generate(whole)) == 0
    merge = ["merge", *map(str, reversed(shards)), "-o", str(out), "--json"]
    capsys.readouterr()
    assert main(merge) == 0
    assert json.loads(capsys.readouterr().out) == {"output": str(out), "frames": 5, "merged": 5}
    assert contents(out) == contents(whole)
    # A shard that is there is not made anew; neither is what has been merged.
    assert main([*generate(shards[0]), "--shard", "0/2"]) == 0
    assert json.loads(capsys.readouterr().out)["rendered"] == 0
    assert main(merge) == 0
    assert json.loads(capsys.readouterr().out)["merged"] == 0
    # What is there is replaced with --force alone.
    job = whole / ".metasim/job.json"
    job.write_text(job.read_text().replace('"seed": 0', '"seed": 9'))
    before = contents(whole)
    onto = ["merge", *map(str, shards), "-o", str(whole)]
    assert main(onto) == 2
    assert "begun with" in capsys.readouterr().err
    assert contents(whole) == before
    assert main([*onto, "--force"]) == 0
    assert contents(whole) == contents(out)
    capsys.readouterr()
    # A shard is never continued as another.
    for other in (["--shard", "1/2"], []):
        assert main([*generate(shards[0]), *other]) == 2
        assert "begun with shard '0/2'" in capsys.readouterr().err
    assert main(["merge", str(shards[0]), "-o", str(tmp_path / "half")]) == 2
    assert capsys.readouterr().err.startswith("metasim: Shard 1/2 of the data set of ")
    assert not (tmp_path / "half").exists()


def test_shards_are_counted_from_0(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*generate(tmp_path / "out"), "--shard", "4/4"])
    said = capsys.readouterr().err
    assert "no shard 4/4" in said and "0/4 to 3/4" in said and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_every_format_that_is_written_can_be_asked_for():
    from metasim_backend.commands.generate import FORMATS
    from metasim_backend.datasets.writers import writer

    assert tuple(writer.FORMATS) == FORMATS
