"""A scene that does not fit the grammar is refused with node, attribute and value."""

from pathlib import Path

import pytest

from blender_addon.contract.scene_graph import SceneGraphError, from_dict, to_dict
from metasim_backend.grammar import check_scene, load_grammar, sample_scene

GRAMMAR = load_grammar(Path(__file__).resolve().parents[2] / "scenes" / "driving.yaml")
SCENE = to_dict(sample_scene(GRAMMAR, 3))


def changed(class_name, **changes):
    """The scene with its first node of a class changed; a value of None takes a key away."""
    data = from_dict(SCENE)
    node_id = data.of_class(class_name)[0].id
    copy = to_dict(data)
    node = next(n for n in copy["nodes"] if n["id"] == node_id)
    for key, value in changes.items():
        place = node if key in ("class", "parent") else node["attributes"]
        place[key] = value
        if value is None:
            del place[key]
    return from_dict(copy)


@pytest.mark.parametrize(
    ("class_name", "changes", "says"),
    [
        ("car", {"class": "cart"}, "'car_0' has the unknown class 'cart'.*mean 'car'"),
        ("car", {"speed": 3.0}, "'car_0' has the unknown attribute 'speed'"),
        ("car", {"along": 99.0}, r"'car_0', attribute 'along': 99.0 is outside .*\[4, 70\]"),
        ("car", {"along": "near"}, "'near' is not a number"),
        ("car", {"along": None}, "'car_0' lacks the attribute 'along'"),
        ("car", {"colour": "grren"}, "'colour': 'grren' is not one .* mean 'green'"),
        ("car", {"colour": 3}, "'colour': 3 is not one"),
        ("lane", {"position": 0.5}, "'position': 0.5 is not a whole number"),
        ("car", {"parent": "road"}, "'car_0' hangs below 'road' of class 'road'.*lane or side"),
        ("street", {"class": "sky"}, "root and has class 'sky'"),
    ],
)
def test_what_does_not_fit_is_named(class_name, changes, says):
    with pytest.raises(SceneGraphError, match=says):
        check_scene(GRAMMAR, changed(class_name, **changes))


def test_angles_beyond_a_turn_and_values_at_the_ends_fit():
    check_scene(GRAMMAR, changed("car", yaw=-725.0, along=70.00001))


def test_another_domain_is_refused():
    with pytest.raises(SceneGraphError, match="domain is 'mnist'"):
        check_scene(GRAMMAR, from_dict({**SCENE, "domain": "mnist"}))
