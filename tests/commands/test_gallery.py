"""``metasim gallery`` writes one sheet, and does not write over another."""

from __future__ import annotations

import json

from PIL import Image

from metasim_backend.cli import main


def test_a_sheet_of_a_grammars_scenes(tmp_path, project_root, capsys):
    output = tmp_path / "sheet.png"
    grammar = str(project_root / "scenes" / "aerial2d.yaml")
    command = ["gallery", grammar, "-n", "5", "--columns", "2", "-o", str(output)]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scenes"] == 5
    with Image.open(output) as sheet:
        # Two columns and three rows of 64 x 64 with their maps beneath, 6 pixels between.
        assert sheet.size == (2 * 70 + 6, 3 * (64 + 32 + 6) + 6)
    before = output.read_bytes()
    assert main(command) == 2
    assert "--force" in capsys.readouterr().err and output.read_bytes() == before
    assert main([*command, "--force", "--seed", "1"]) == 0
    assert output.read_bytes() != before
