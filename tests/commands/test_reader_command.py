"""``metasim reader``: what can be wrong is said before anything is rendered."""

from __future__ import annotations

import pytest
import yaml

from metasim_backend.cli import main
from metasim_backend.grammar import load_grammar
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.settings import settings_to_dict
from metasim_backend.training.run_config import RunConfig, resolve_settings


@pytest.fixture
def grammar(project_root):
    return project_root / "scenes" / "driving.yaml"


@pytest.fixture
def begun(tmp_path, grammar):
    """A run that was begun with the grammar and the command's own settings."""
    from metasim_backend.commands.reader import SETTINGS

    read = load_grammar(grammar)
    config = RunConfig(read, resolve_settings(read, (), SETTINGS), None, None)
    return RunFolder.create(tmp_path / "run", config.to_dict())


def refused(capsys, *arguments):
    assert main(["reader", *map(str, arguments)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


def test_a_file_that_is_there_is_kept_without_force(begun, grammar, tmp_path, capsys):
    file = tmp_path / "mine.pt"
    file.write_bytes(b"mine")
    for more in ([], ["--resume"]):
        said = refused(capsys, grammar, "-o", file, "--run", begun.path, *more)
        assert "mine.pt is already there; replace it with --force" in said
    assert file.read_bytes() == b"mine"


def test_another_grammar_or_setting_is_not_gone_on_with(begun, grammar, tmp_path, capsys):
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump({"extends": str(grammar), "render": {"samples": 7}}))
    options = ["-o", tmp_path / "mine.pt", "--run", begun.path, "--resume"]
    assert "other.yaml is another; begin anew" in refused(capsys, other, *options)
    said = refused(capsys, grammar, *options, "--set", "surrogate.scenes=5000")
    assert "surrogate.scenes=5000" in said


def test_a_world_without_boxes_is_refused(project_root, tmp_path, capsys):
    grammar = project_root / "scenes" / "mnist_rotation.yaml"
    said = refused(capsys, grammar, "-o", tmp_path / "mine.pt", "--run", tmp_path / "run")
    assert "'mnist' has none" in said and not (tmp_path / "run").exists()


def test_its_settings_begin_with_no_reader_and_a_seed_of_their_own(begun):
    settings = settings_to_dict(resolve_settings(load_grammar_of(begun), (), {}))
    assert begun.read_config()["settings"]["surrogate"]["pretrained"] == "none"
    assert begun.read_config()["settings"]["seed"] != settings["seed"]


def load_grammar_of(run):
    from metasim_backend.training.run_config import open_run

    return open_run(run.path)[1].grammar
