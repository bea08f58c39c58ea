"""A grammar file is read whole, or refused in one sentence with file, line and key."""

import json
from pathlib import Path

import pytest
import yaml

from metasim_backend.grammar import GrammarError, grammar_from_dict, load_grammar, with_overrides
from metasim_backend.grammar.priors import Given, Normal, Parameter

SMALL = """\
domain: driving
start: street
symbols: [traffic]
classes:
  street:
    attributes:
      setting: {kind: categorical, values: [town, country], prior: {constant: town}}
  lane:
    attributes:
      width: {kind: continuous, range: [2, 4], prior: {uniform: [2.5, 3.5]}}
  side:
    attributes:
      strip: {kind: continuous, range: [0, 2], prior: {constant: 1}}
  car:
    attributes:
      along: {kind: continuous, range: [0, 50], step: 1, mutable: true, prior: {uniform: [5, 40]}}
      across:
        kind: continuous
        range: [-2, 6]
        prior:
          given: parent.class
          cases:
            lane: {normal: [0, 0.2]}
            side: {normal: [{parent: strip, times: 0.5}, 0.1]}
      yaw: {kind: circular, period: 360, prior: {normal: [0, 3]}}
      model: {kind: categorical, values: [saloon, estate], prior: {choice: {saloon: 2, estate: 1}}}
rules:
  - {name: town, expand: street, probability: 0.7, into: [traffic, side]}
  - {name: country, expand: street, probability: 0.3, set: {setting: country}, into: [traffic]}
  - {name: traffic, expand: traffic, into: [{class: lane, count: 2}]}
  - {name: lane, expand: lane, into: [{class: car, count: {0: 0.5, 1: 0.5}}]}
  - {name: parked, expand: side, into: [{class: car, count: {1: 1.0}, set: {model: estate}}]}
require:
  - {no_overlap: [car], length: 5, width: 2}
  - {count: [car], between: [0, 3]}
render: {width: 64, height: 48}
"""


def write(tmp_path: Path, text: str, name: str = "small.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(GrammarError) as caught:
        load_grammar(write(tmp_path, text))
    message = str(caught.value)
    assert "\n" not in message
    return message


# (what is replaced, by what, where the line number must point, the key, what the sentence says)
MISTAKES = [
    ("into: [traffic, side]", "into: [traffic, sied]", "sied", "rules.town.into", "mean 'side'"),
    (
        "[{class: lane, count: 2}]",
        "[{class: lame}]",
        "lame",
        "rules.traffic.into.0.class",
        "'lane'",
    ),
    ("expand: lane,", "expand: lorry,", "lorry", "rules.lane.expand", "unknown class 'lorry'"),
    (
        "probability: 0.3",
        "probability: 0.4",
        "probability: 0.4",
        "rules.country.probability",
        "1.1",
    ),
    ("probability: 0.3", "probability: 1.3", "probability: 1.3", "probability", "between 0 and 1"),
    ("{0: 0.5, 1: 0.5}", "{0: 0.5, 1: 0.4}", "{0: 0.5", "rules.lane.into.0.count", "add to 0.9"),
    ("count: 2", "count: -2", "count: -2", "count", "-2"),
    ("{1: 1.0}", "{one: 1.0}", "one: 1.0", "count.one", "whole number"),
    (
        "choice: {saloon: 2, estate: 1}",
        "normal: [0, 1]",
        "normal: [0, 1]",
        "car.attributes.model",
        "categorical",
    ),
    ("{uniform: [5, 40]}", "{choice: {a: 1}}", "choice: {a: 1}", "along.prior.choice", "normal or"),
    (
        "{uniform: [5, 40]}",
        "{unifrom: [5, 40]}",
        "unifrom",
        "along.prior",
        "did you mean 'uniform'",
    ),
    ("{uniform: [5, 40]}", "{uniform: [40, 5]}", "[40, 5]", "along.prior.uniform", "inverted"),
    ("{uniform: [5, 40]}", "{uniform: [5, 60]}", "[5, 60]", "along.prior.uniform.1", "outside the"),
    (
        "{uniform: [5, 40]}",
        "{normal: [60, 5]}",
        "[60, 5]",
        "along.prior.normal.0",
        "outside the range",
    ),
    ("{uniform: [5, 40]}", "{normal: [6, -5]}", "[6, -5]", "along.prior.normal.1", "below 0"),
    ("{uniform: [5, 40]}", "{normal: [6, .nan]}", ".nan", "along.prior.normal.1", "finite"),
    ("{uniform: [5, 40]}", "{normal: [6, x]}", "[6, x]", "along.prior.normal.1", "not a number"),
    ("{uniform: [5, 40]}", "{normal: [6]}", "[6]", "along.prior.normal", "list of 2"),
    ("range: [0, 50]", "range: [50, 0]", "[50, 0]", "along.range", "inverted"),
    (
        "{saloon: 2, estate: 1}",
        "{saloon: 2, estat: 1}",
        "estat: 1",
        "choice.estat",
        "mean 'estate'",
    ),
    ("{saloon: 2, estate: 1}", "{saloon: 0}", "saloon: 0", "model.prior.choice", "above 0"),
    ("set: {model: estate}", "set: {model: suv}", "suv", "set.model", "'suv' is not one of"),
    ("set: {model: estate}", "set: {modell: suv}", "modell", "set.modell", "did you mean 'model'"),
    ("{constant: town}", "{constant: city}", "city", "setting.prior.constant", "'city'"),
    ("step: 1, mutable", "stepp: 1, mutable", "stepp", "along.stepp", "did you mean 'step'"),
    ("step: 1, mutable", "step: 0, mutable", "step: 0", "along.step", "0"),
    ("mutable: true", "mutable: maybe", "maybe", "along.mutable", "neither true nor false"),
    ("kind: circular", "kind: cyclic", "cyclic", "yaw.kind", "unknown kind 'cyclic'"),
    ("period: 360", "period: 0", "period: 0", "yaw.period", "not above 0"),
    ("period: 360, ", "", "yaw:", "car.attributes.yaw", "'period' is missing"),
    ("parent: strip", "parent: stripe", "stripe", "cases.side.normal.0.parent", "mean 'strip'"),
    ("given: parent.class", "given: parent.setting", "given:", "given", "no attribute 'setting'"),
    ("given: parent.class", "given: class", "given:", "given", "neither"),
    (
        "            lane: {normal: [0, 0.2]}\n",
        "",
        "cases:",
        "prior.cases",
        "'lane' of parent.class",
    ),
    ("            lane: {n", "            lone: {n", "lone:", "cases.lone", "did you mean 'lane'"),
    ("normal: [0, 3]", "normal: [{parent: strip}, 3]", "strip}, 3", "parent", "can be a 'lane'"),
    ("{constant: town}", "{given: parent.class, cases: {}}", "cases: {}", "given", "no parent"),
    ("values: [saloon, estate]", "values: [yes, estate]", "[yes", "model.values.0", "quotes"),
    ("values: [saloon, estate]", "values: [a, a]", "[a, a]", "model.values.1", "twice"),
    ("start: street", "start: avenue", "avenue", "start", "unknown class 'avenue'"),
    ("start: street\n", "", "domain", "", "'start' is missing"),
    ("render: {", "rendering: {", "rendering", "rendering", "did you mean 'render'"),
    ("width: 64", "width: 0", "width: 0", "render.width", "whole number from 1"),
    ("width: 64", "widht: 64", "widht", "render.widht", "did you mean 'width'"),
    ("no_overlap: [car]", "no_overlap: [cat]", "[cat]", "require.0.no_overlap.0", "mean 'car'"),
    ("no_overlap: [car]", "no_overlap: [lane]", "[lane]", "no_overlap", "no continuous attribute"),
    ("length: 5,", "length: size,", "length: size", "length", "no continuous attribute 'size'"),
    ("length: 5,", "length: 0,", "length: 0", "length", "not above 0"),
    ("between: [0, 3]", "between: [3, 0]", "[3, 0]", "require.1.between", "inverted"),
    ("symbols: [traffic]", "symbols: [traffic, car]", "symbols", "symbols.1", "already taken"),
    ("name: lane,", "name: town,", "name: town, expand: lane", "rules.town", "twice"),
    (
        "domain: driving",
        "domain: driving\ndomain: x",
        "domain: x",
        "",
        "'domain' occurs twice, first",
    ),
    (
        "  side:\n",
        "  car:\n    attributes: {}\n  side:\n",
        "  car:\n    attributes:\n",
        "classes",
        "twice",
    ),
    ("[traffic, side]", "[traffic]", "  side:", "classes.side", "never reached from 'street'"),
    (
        "{class: lane, count: 2}",
        "{class: lane}, traffic",
        "name: traffic",
        "rules.traffic",
        "terminate",
    ),
    (
        "[{class: car, count: {0",
        "[{class: lane, count: 2}, {class: car, count: {0",
        "name: lane",
        "rules.lane",
        "terminate",
    ),
]


@pytest.mark.parametrize(("old", "new", "at", "key", "says"), MISTAKES)
def test_each_mistake_names_file_line_and_key(tmp_path, old, new, at, key, says):
    assert old in SMALL
    text = SMALL.replace(old, new, 1)
    message = refusal(tmp_path, text)
    assert f"small.yaml, line {line_of(text, at)}" in message
    assert key in message
    assert says in message


def test_the_small_grammar_itself_is_accepted(tmp_path):
    grammar = load_grammar(write(tmp_path, SMALL))
    assert [spec.name for spec in grammar.classes] == ["street", "lane", "side", "car"]
    assert grammar.parents["car"] == ("lane", "side")
    assert grammar.single == {"street", "side"}
    across = grammar.class_by_name["car"].by_name["across"].prior
    assert isinstance(across, Given)
    assert dict(across.cases)["side"] == Normal(Parameter(0.0, (("strip", 0.5),)), Parameter(0.1))
    assert (grammar.render.width, grammar.render.samples) == (64, 1)


def test_recursion_that_grows_in_the_mean_is_refused_and_one_that_shrinks_accepted(tmp_path):
    text = SMALL.replace("{0: 0.5, 1: 0.5}}]", "{0: 0.5, 1: 0.5}}, {class: lane, count: {%s}}]")
    assert "1.2" in refusal(tmp_path, text % "0: 0.4, 2: 0.6")
    grammar = load_grammar(write(tmp_path, text % "0: 0.6, 2: 0.4"))
    assert "lane" not in grammar.single


def test_the_rule_that_makes_scenes_grow_for_ever_is_named(tmp_path):
    text = SMALL.replace("{0: 0.5, 1: 0.5}}]", "{0: 0.5, 1: 0.5}}, {class: lane, count: 3}]")
    text = text.replace("name: lane,", "name: lane, probability: 0.5,").replace(
        "  - {name: parked",
        "  - {name: short, expand: lane, probability: 0.5, into: [car]}\n  - {name: parked",
    )
    message = refusal(tmp_path, text)
    assert f"line {line_of(text, 'name: lane')}" in message
    assert "rules.lane" in message and "1.5" in message


def test_a_rule_that_does_nothing_is_refused(tmp_path):
    text = SMALL.replace("into: [{class: car, count: {1: 1.0}, set: {model: estate}}]", "into: []")
    message = refusal(tmp_path, text)
    assert f"line {line_of(text, 'name: parked')}" in message
    assert "rules.parked" in message and "empty" in message
    # As one of two it says that there may be nothing.
    both = text.replace("name: parked,", "name: parked, probability: 0.5,").replace(
        "require:",
        "  - {name: free, expand: side, probability: 0.5, into: [car]}\nrequire:",
    )
    assert len(load_grammar(write(tmp_path, both)).rules) == 6


def test_a_condition_that_rejects_nearly_everything_is_refused_with_the_rule(tmp_path):
    # Town: 0, 1 or 2 cars on lanes and one parked; country: 0, 1 or 2.
    text = SMALL.replace("between: [0, 3]", "between: [4, 9]")
    message = refusal(tmp_path, text)
    assert f"line {line_of(text, '{count: [car]')}" in message
    assert "require.1" in message and "the rule 'lane' makes most" in message
    seldom = SMALL.replace("between: [0, 3]", "between: [3, 9]")  # 0.7 / 4 of all
    assert load_grammar(write(tmp_path, seldom)).conditions[1].least == 3


def test_conditions_that_contradict_each_other_are_refused(tmp_path):
    text = SMALL.replace(
        "  - {count: [car], between: [0, 3]}",
        "  - {count: [car], between: [0, 1]}\n  - {count: [car], between: [2, 3]}",
    )
    assert "with the other conditions" in refusal(tmp_path, text)


def test_a_rule_that_nothing_uses_is_refused(tmp_path):
    text = SMALL.replace("{class: lane, count: 2}", "{class: lane, as: fast}")
    text = text.replace("[traffic]\n", "[traffic, fast]\n").replace(
        "require:", "  - {name: fast, expand: fast, into: [car]}\nrequire:"
    )
    message = refusal(tmp_path, text)
    assert f"line {line_of(text, 'name: lane')}" in message
    assert "never used" in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("classes: [", "line 1: not valid YAML"),
        ("a: 1\n---\nb: 2\n", "line 2: not valid YAML"),
        ("- 1\n", "not a mapping"),
        ("domain: !!python/name:os.system x\n", "not valid YAML"),
        ("domain: &a [*a]\n", "nested too deeply"),
        ("domain: &a\n  x: *a\nstart: b\n", ""),
        ("[" * 2000, "nested too deeply"),
        ("a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
            f"{y}: &{y} [*{x},*{x},*{x},*{x},*{x},*{x},*{x},*{x},*{x},*{x}]\n"
            for x, y in zip("abcdef", "bcdefg", strict=True)
        ), "more than 100000 values"),
        ("when: 2024-02-31\n", "cannot be read"),
        ("true: 1\n", "put it in quotes"),
    ],
)  # fmt: skip
def test_files_that_are_not_plain_yaml_are_refused(tmp_path, text, says):
    assert says in refusal(tmp_path, text)


def test_missing_folder_and_binary_files_are_refused_by_name(tmp_path):
    binary = tmp_path / "picture.yaml"
    binary.write_bytes(b"\x89PNG\xff\xfe")
    for path in (tmp_path / "none.yaml", tmp_path, binary):
        with pytest.raises(GrammarError, match=path.name):
            load_grammar(path)


def test_the_resolved_form_reads_back_equal_through_yaml_and_json(tmp_path):
    grammar = load_grammar(write(tmp_path, SMALL))
    data = grammar.to_dict()
    assert grammar_from_dict(data) == grammar
    assert grammar_from_dict(json.loads(json.dumps(data))) == grammar
    assert grammar_from_dict(yaml.safe_load(yaml.safe_dump(data, sort_keys=False))) == grammar


def test_overrides_replace_priors_and_keep_the_rest(tmp_path):
    grammar = load_grammar(write(tmp_path, SMALL))
    along = {"prior": {"normal": [20, 2]}}
    changed = with_overrides(grammar, {"classes": {"car": {"attributes": {"along": along}}}})
    spec = changed.class_by_name["car"].by_name["along"]
    assert spec.prior == Normal(Parameter(20.0), Parameter(2.0))
    assert spec.mutable and spec.step == 1
    assert changed.rules == grammar.rules
    with pytest.raises(GrammarError, match="overrides, classes.car.attributes.allong.*'kind'"):
        with_overrides(grammar, {"classes": {"car": {"attributes": {"allong": along}}}})


def test_numbers_in_yaml_1_2_notation_are_numbers(tmp_path):
    grammar = load_grammar(write(tmp_path, SMALL.replace("[0, 0.2]", "[0, 2e-1]")))
    assert grammar == load_grammar(write(tmp_path, SMALL))
