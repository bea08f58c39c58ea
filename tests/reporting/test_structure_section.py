"""The report's part on structure."""

import json

import pytest

from metasim_backend.reporting import write_report

STRUCTURE = {
    "scenes": 1000,
    "classes": {"tram <b>": {"prior": [0.5, 0.5, 0.0], "learned": [0.25, 0.25, 0.5]}},
}


def page_of(folder, structure):
    (folder / "report_data").mkdir(parents=True)
    (folder / "config.yaml").write_text("settings: {}\n")
    if structure is not None:
        (folder / "report_data" / "structure.json").write_text(json.dumps(structure))
    write_report(folder)
    return (folder / "report.html").read_text("utf-8")


def test_classes_with_their_means_and_total_variation(tmp_path):
    page = page_of(tmp_path / "run", STRUCTURE)
    part = page[page.index("<h2>Structure</h2>") : page.index("<h2>Attributes</h2>")]
    assert "tram &lt;b&gt;" in part and "1000 scenes" in part
    values = [float(x.split('"')[0]) for x in part.split('<data value="')[1:]]
    assert values == pytest.approx([0.5, 1.25, 0.5])  # means, and ½ (¼ + ¼ + ½)
    assert "learned, 2: 0.500" in part


def test_without_a_learned_structure_there_is_no_such_part(tmp_path):
    assert "<h2>Structure</h2>" not in page_of(tmp_path / "run", None)


def test_what_is_counted_in_pictures_stands_beside_the_targets(tmp_path):
    shares = {"prior": [1.0, 0.0], "learned": [0.5, 0.5], "target": [0.25, 0.75]}
    page = page_of(tmp_path / "run", {**STRUCTURE, "read": {"tram": shares}})
    part = page[page.index("<h3>Counted in pictures</h3>") : page.index("<h2>Attributes</h2>")]
    values = [float(x.split('"')[0]) for x in part.split('<data value="')[1:]]
    assert values == pytest.approx([0.0, 0.5, 0.75, 0.75, 0.25])
    assert "target, 1: 0.750" in part


def test_without_a_counting_network_nothing_is_said_of_pictures(tmp_path):
    page = page_of(tmp_path / "run", {**STRUCTURE, "read": {}})
    assert "<h2>Structure</h2>" in page and "Counted in pictures" not in page


def test_learned_pictures_are_said_to_be_of_the_same_scenes_only_where_they_are(tmp_path):
    with_structure = page_of(tmp_path / "with", STRUCTURE)
    without = page_of(tmp_path / "without", None)
    assert "of other scenes" in with_structure and "are the same scenes" not in with_structure
    assert "are the same scenes" in without and "of other scenes" not in without
