"""One grammar file laid over another, and where its values are said to stand."""

import pytest

from metasim_backend.grammar import GrammarError
from metasim_backend.grammar.source import merge, parse, read_file


def test_extending_merges_mappings_and_rules_by_name_and_replaces_the_rest(tmp_path):
    (tmp_path / "base.yaml").write_text(
        "rules:\n"
        "  - {name: a, expand: x, probability: 0.5, into: [p, q], set: {w: {normal: [0, 1]}}}\n"
        "  - {name: b, expand: x, probability: 0.5, into: [p]}\n"
        "render: {width: 10, height: 20}\n"
    )
    (tmp_path / "over.yaml").write_text(
        "extends: base.yaml\n"
        "rules:\n"
        "  - {name: a, into: [q], set: {w: {uniform: [0, 1]}, v: 2}}\n"
        "  - {name: c, expand: y, into: []}\n"
        "render: {height: 30}\n"
    )
    merged = read_file(tmp_path / "over.yaml")
    assert merged.plain() == {
        "rules": [
            {
                "name": "a",
                "expand": "x",
                "probability": 0.5,
                "into": ["q"],
                "set": {"w": {"uniform": [0, 1]}, "v": 2},
            },
            {"name": "b", "expand": "x", "probability": 0.5, "into": ["p"]},
            {"name": "c", "expand": "y", "into": []},
        ],
        "render": {"width": 10, "height": 30},
    }
    # Each value remembers the file it came from.
    assert merged.value["render"].value["width"].place.endswith("base.yaml, line 4, render.width")
    assert merged.value["render"].value["height"].place.endswith("over.yaml, line 5, render.height")


PRIOR = "classes: {car: {attributes: {yaw: {prior: %s}}}}\n"


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ("{normal: [0, 1]}", "{uniform: [0, 1]}", {"uniform": [0, 1]}),
        (
            "{given: parent.class, cases: {a: {constant: 1}, b: {constant: 2}}}",
            "{cases: {b: {uniform: [0, 1]}}}",
            {"given": "parent.class", "cases": {"a": {"constant": 1}, "b": {"uniform": [0, 1]}}},
        ),
        (
            "{given: parent.class, cases: {a: {constant: 1}}}",
            "{given: parent.edge, cases: {b: {constant: 2}}}",
            {"given": "parent.edge", "cases": {"b": {"constant": 2}}},
        ),
        ("{given: parent.class, cases: {a: {constant: 1}}}", "{constant: 3}", {"constant": 3}),
    ],
)
def test_a_prior_is_replaced_whole_but_for_cases_of_the_same_given(base, over, result):
    merged = merge(parse(PRIOR % base, "base"), parse(PRIOR % over, "over"))
    assert merged.plain()["classes"]["car"]["attributes"]["yaw"]["prior"] == result


def test_merge_keys_fill_in_and_own_keys_win():
    tree = parse("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n  z: 4\n", "file")
    assert tree.plain()["b"] == {"x": 1, "y": 3, "z": 4}
    assert list(tree.plain()["b"]) == ["x", "y", "z"]


def test_a_circle_of_files_and_a_missing_file_are_refused_with_the_line(tmp_path):
    (tmp_path / "a.yaml").write_text("x: 1\nextends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    (tmp_path / "c.yaml").write_text("\nextends: none.yaml\n")
    with pytest.raises(GrammarError, match=r"b.yaml, line 1, extends: .*itself"):
        read_file(tmp_path / "a.yaml")
    with pytest.raises(GrammarError, match=r"c.yaml, line 2, extends: beside it .*none.yaml"):
        read_file(tmp_path / "c.yaml")


def test_a_rule_given_twice_in_the_upper_file_is_refused(tmp_path):
    rules = "rules:\n  - {name: a, into: []}\n"
    (tmp_path / "base.yaml").write_text(rules)
    (tmp_path / "over.yaml").write_text("extends: base.yaml\n" + rules + "  - {name: a}\n")
    with pytest.raises(GrammarError, match=r"over.yaml, line 4, rules.a: .*twice"):
        read_file(tmp_path / "over.yaml")
