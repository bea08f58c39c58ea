"""The camera model in scene files and in a file of its own: read, checked, written again."""

import pytest
import yaml

from blender_addon.contract.camera_model import CameraModel
from metasim_backend.grammar import GrammarError, grammar_from_dict, load_grammar
from metasim_backend.grammar.reading_camera import load_camera_file

SCENE = """\
domain: driving
start: street
classes:
  street:
rules:
  - {name: street, expand: street, into: [car]}
"""


@pytest.fixture
def write(tmp_path):
    def written(text, name="scene.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return written


SCENE = SCENE.replace("  street:\n", "  street:\n  car:\n")
CAMERA = "camera_model:\n  exposure: 0.5\n  jpeg_quality: 90\n"


def test_a_scene_file_says_its_camera(write):
    grammar = load_grammar(write(SCENE + CAMERA))
    assert grammar.camera_model == CameraModel(exposure=0.5, jpeg_quality=90)
    assert grammar_from_dict(grammar.to_dict()) == grammar


def test_without_one_it_is_the_identity_and_nothing_is_written_of_it(write):
    grammar = load_grammar(write(SCENE))
    assert grammar.camera_model.is_identity
    assert "camera_model" not in grammar.to_dict()
    assert grammar_from_dict(grammar.to_dict()) == grammar


def test_a_file_that_extends_another_changes_single_parameters(write):
    write(SCENE + CAMERA, "base.yaml")
    grammar = load_grammar(write("extends: base.yaml\ncamera_model: {exposure: -1}\n"))
    assert grammar.camera_model == CameraModel(exposure=-1, jpeg_quality=90)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("exposure: 20", r"line 9, camera_model.exposure: .* is 20; give -8 to 8 stops"),
        ("exposure: bright", r"line 9, camera_model.exposure: 'bright' is not a number"),
        ("exposer: 1", r"line 9, camera_model.exposer: unknown key.*did you mean 'exposure'"),
        ("colour_matrix: [[1, 0], [0, 1]]", r"line 9, camera_model.colour_matrix: a list of 3"),
    ],
)
def test_what_is_wrong_is_said_with_file_line_and_key(write, line, said):
    with pytest.raises(GrammarError, match=rf"scene.yaml, {said}"):
        load_grammar(write(f"{SCENE}camera_model:\n  {line}\n"))


@pytest.mark.parametrize("heading", [True, False])
def test_a_file_of_its_own_may_have_the_heading_or_not(write, heading):
    data = CameraModel(gamma=1.2, colour_matrix=((1, 0, 0), (0.5, 0.5, 0), (0, 0, 1))).to_dict()
    path = write(yaml.safe_dump({"camera_model": data} if heading else data), "camera.yaml")
    assert load_camera_file(path) == CameraModel.from_dict(data)
    assert not load_camera_file(path).is_identity


def test_a_file_that_is_not_there_or_holds_something_else_is_said(write, tmp_path):
    with pytest.raises(GrammarError, match="The camera model .*absent.yaml cannot be read"):
        load_camera_file(tmp_path / "absent.yaml")
    with pytest.raises(GrammarError, match="scene.yaml, line 1, domain: unknown key 'domain'"):
        load_camera_file(write(SCENE))
