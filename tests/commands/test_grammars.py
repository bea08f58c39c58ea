"""``metasim grammars``, and shipped grammars by name in every command that takes one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metasim_backend.cli import main
from metasim_backend.commands.options import generator_path
from metasim_backend.grammar import load_grammar
from metasim_backend.shipped_files.folders import SCENES


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in a folder in which nothing is."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_are_listed_with_what_they_are(capsys: pytest.CaptureFixture):
    assert main(["grammars", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert set(listed) == {path.stem for path in SCENES.iterdir()}
    assert listed["driving"] == "A street, after Structured Domain Randomization"
    assert main(["grammars"]) == 0
    text = capsys.readouterr().out
    assert all(name in text and about in text for name, about in listed.items())


def test_one_is_printed_or_written_as_it_is_and_never_over_another_file(
    empty: Path, capsys: pytest.CaptureFixture
):
    whole = (SCENES / "driving_photographs.yaml").read_text()
    assert main(["grammars", "driving_photographs"]) == 0
    assert capsys.readouterr().out == whole.rstrip() + "\n"
    assert main(["grammars", "driving_photographs", "-o", "mine.yaml"]) == 0
    assert (empty / "mine.yaml").read_text() == whole
    # It extends a shipped grammar that is not beside it.
    assert load_grammar("mine.yaml").to_dict() == load_grammar("driving_photographs").to_dict()
    (empty / "mine.yaml").write_text("mine")
    assert main(["grammars", "driving", "-o", "mine.yaml"]) == 2
    assert (empty / "mine.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    "words", ["grammars drivng", "sample drivng -o s", "sample scenes/driving.yaml -o s"]
)
def test_a_name_that_is_none_is_answered_with_the_nearest(
    words: str, empty: Path, capsys: pytest.CaptureFixture
):
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert said.endswith("such as 'driving'.\n") and words.split()[1] in said
    assert not list(empty.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        "generate runs/mine -n 1 -o d",
        "gallery runs/mine",
        "content runs/mine one.pt p -o c.json",
        "detector train runs/mine -o d.pt",
    ],
)
def test_commands_that_also_take_a_run_say_when_it_is_neither(
    words: str, empty: Path, capsys: pytest.CaptureFixture
):
    assert main(words.split()) == 2
    assert "There is no 'runs/mine'; give a run's folder, a grammar" in capsys.readouterr().err
    assert not list(empty.iterdir())


def test_a_folder_or_a_file_comes_before_a_shipped_grammar_of_its_name(empty: Path):
    assert generator_path("driving") == SCENES / "driving.yaml"
    (empty / "driving").mkdir()
    assert generator_path("driving") == Path("driving")
    (empty / "aerial2d").write_text("domain: mine")
    assert generator_path("aerial2d") == Path("aerial2d")
