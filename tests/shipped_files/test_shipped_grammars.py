"""A grammar is meant by its path, and by its name where nothing is by that path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from metasim_backend.grammar import load_grammar
from metasim_backend.grammar.language import GrammarError
from metasim_backend.shipped_files.folders import SCENES
from metasim_backend.shipped_files.grammars import grammar_file, shipped_grammars, title


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_names_are_those_of_the_files():
    assert shipped_grammars()["driving"] == SCENES / "driving.yaml"
    assert list(shipped_grammars()) == sorted(path.stem for path in SCENES.iterdir())


@pytest.mark.parametrize("given", ["driving", "driving.yaml", Path("driving")])
def test_a_bare_name_is_the_shipped_grammar(given: str | os.PathLike):
    assert grammar_file(given) == SCENES / "driving.yaml"
    assert load_grammar(given).domain == "driving"


@pytest.mark.parametrize(
    "given", ["nowhere/driving", "sub/none.yaml", "none", "", "dri\0ving", "x" * 5000]
)
def test_what_is_neither_file_nor_name_comes_back_as_it_is(given: str):
    assert grammar_file(given) == Path(given)


def test_a_file_comes_before_a_name(empty: Path):
    (empty / "driving.yaml").write_text("extends: aerial2d")
    assert grammar_file("driving.yaml") == Path("driving.yaml")
    assert load_grammar("driving.yaml").domain == "aerial2d"
    assert load_grammar("driving").domain == "driving"


def test_a_grammar_extends_what_is_beside_it_and_else_a_shipped_one(empty: Path):
    (empty / "street.yaml").write_text("extends: driving\nrender: {width: 64}\n")
    street = load_grammar("street.yaml")
    assert street.render.width == 64 and len(street.classes) > 10
    (empty / "other.yaml").write_text("extends: nothing.yaml\n")
    with pytest.raises(GrammarError, match="'nothing.yaml' to extend, nor a shipped grammar"):
        load_grammar("other.yaml")


def test_a_title_is_the_first_sentence_of_the_head(empty: Path):
    file = empty / "one.yaml"
    file.write_text("# Two digits, turned\n# about: one is upright. And more.\ndomain: x\n")
    assert title(file) == "Two digits, turned about"
    file.write_text("domain: x\n")
    assert title(file) == "one"
