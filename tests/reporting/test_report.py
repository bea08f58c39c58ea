"""The report: self-contained, well formed, true to the run's files, plain about what is absent."""

import base64
import io
import json
import re

import numpy as np
import pytest
import yaml
from html_page import Page
from PIL import Image

from metasim_backend.reporting import ReportError, comparison_strip, write_report


def png(colour, size=(16, 10)):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


SUMMARY = {
    "title": "streets <b>",
    "command": "metasim demo --run runs/demo",
    "phases": ["pretrain", "match", "task"],
    "switched_on": {"matching": True, "task optimisation": False},
    "features": "a small network",
    "mmd2": {
        "prior": {"matched": 0.2561234567, "unseen": 0.2713},
        "learned": {"matched": -0.0012, "unseen": 0.0667},
    },
    "distances": {
        "prior": {"FID": 91.25, "KID": 0.0875},
        "learned": {"FID": 40.5, "KID": 0.0219},
    },
    "detector": {"prior": {"ap50": 0.31211}, "learned": {"ap50": 0.40123}},
    "versions": {"torch": "2.15.0"},
    "machine": "2 cores",
    "seconds": {"match": 160.5, "total": 330.25},
}
ATTRIBUTES = {
    "car.yaw": {
        "kind": "circular",
        "unit": "deg",
        "period": 360,
        "prior": [359.0, 1.0, 2.0] * 10,
        "learned": [10.0, 11.0, 15.0] * 10,
        "target": [12.0, 12.5, 13.0] * 10,
    },
    "car.colour": {
        "kind": "categorical",
        "prior": ["red", "<i>", "red"],
        "learned": ["red"],
        "target": None,
    },
    "lane.position": {"kind": "continuous", "prior": [0, 0], "learned": [0, 0], "target": []},
}


@pytest.fixture
def run(tmp_path):
    data = tmp_path / "run" / "report_data"
    for kind in ("target", "prior", "learned", "progress"):
        (data / "pictures" / kind).mkdir(parents=True)
    for i in range(6):
        for kind, colour in (("target", "red"), ("prior", "green"), ("learned", "blue")):
            (data / "pictures" / kind / f"{i:02d}.png").write_bytes(png(colour))
    for step in range(0, 100, 5):
        (data / "pictures" / "progress" / f"{step}_00.png").write_bytes(png("grey"))
    (data / "summary.json").write_text(json.dumps(SUMMARY))
    (data / "attributes.json").write_text(json.dumps(ATTRIBUTES))
    lines = [
        {"phase": "match", "step": i, "seconds": i, "mmd2": 0.3 / (i + 1), "norm": 1.0}
        for i in range(5)
    ]
    lines += [{"phase": "task", "step": 0, "seconds": 9, "score": 0.3, "reward": None}]
    text = "".join(json.dumps(line) + "\n" for line in lines) + '{"phase": "ta'
    (tmp_path / "run" / "metrics.jsonl").write_text(text)
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump({"seed": 7, "note": "<script>"}))
    return tmp_path / "run"


def test_the_page_is_well_formed_and_loads_nothing_from_outside(run):
    path = write_report(run)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert path == run / "report.html"
    assert "script" not in page.tags and "link" not in page.tags
    assert page.loads and all(address.startswith("data:image/") for address in page.loads)
    assert not re.search(r"https?:|url\(|@import|//[a-z]", re.sub(r"base64,[^\"]*", "", text))


def test_the_numbers_shown_are_those_of_the_files(run):
    page = Page(write_report(run).read_text(encoding="utf-8"))
    mmd, detector = SUMMARY["mmd2"], SUMMARY["detector"]
    for expected in (
        *mmd["prior"].values(),
        *mmd["learned"].values(),
        *SUMMARY["distances"]["prior"].values(),
        *SUMMARY["distances"]["learned"].values(),
        detector["prior"]["ap50"],
        detector["learned"]["ap50"],
        mmd["learned"]["unseen"] - mmd["prior"]["unseen"],
        *SUMMARY["seconds"].values(),
    ):
        assert expected in page.values
    assert "FID to unseen targets" in page.text and "KID to unseen targets" in page.text
    assert "fell by 75 % (0.271 → 0.0667)" in page.text  # 1 - 0.0667 / 0.2713 = 0.754
    assert "AP@0.5 rose by 8.9 points (0.312 → 0.401)" in page.text
    assert "1 of 1 attributes that differ in the truth were found" in page.text
    assert "seed: 7" in page.text and "note: <script>" in page.text


def test_what_can_be_read_is_listed(run):
    assert "What can be read" not in Page(write_report(run).read_text(encoding="utf-8")).text
    numbers = {"camera.pitch": {"r2": 0.86, "followed": 0.912, "count": 400}}
    (run / "report_data" / "reader.json").write_text(json.dumps({"round": 2, "numbers": numbers}))
    page = Page(write_report(run).read_text(encoding="utf-8"))
    assert "camera.pitch" in page.text
    assert all(value in page.text for value in ("0.86", "0.912", "400"))
    attributes = {"camera.pitch": 61.5, "road.rise": 0.3}
    evidence = {"readable_from": 4.0, "attributes": attributes}
    (run / "report_data" / "evidence.json").write_text(json.dumps(evidence))
    text = Page(write_report(run).read_text(encoding="utf-8")).text
    assert "What the target can say" in text and text.count("hardly readable") == 1
    assert "support" not in text and "stand in for each other" not in text
    support = {
        "supported_from": 8.0,
        "unexplained": {"scene": 56.1, "objects": 5.5},
        "attributes": {"camera.pitch": 31.2, "road.rise": 7.9},
    }
    (run / "report_data" / "support.json").write_text(json.dumps(support))
    text = Page(write_report(run).read_text(encoding="utf-8")).text
    assert "support of the change" in text and "31.2" in text
    assert "56.1 of the scenes" in text and "5.5 of the objects" in text
    table = text[text.index("support of the change") :]
    assert table.index("31.2") < table.index("moved") < table.index("7.9") < table.index("put back")


def test_attributes_that_stand_in_for_each_other_are_named(run):
    one = {"alone": 81.6, "together": 3.2, "partners": ["sky.sky_strength"]}
    evidence = {
        "readable_from": 4.0,
        "attributes": {"camera.exposure": 91.0, "camera.pitch": 61.5},
        "confounded": {"camera.exposure": one},
    }
    (run / "report_data" / "evidence.json").write_text(json.dumps(evidence))
    text = Page(write_report(run).read_text(encoding="utf-8")).text
    assert "3.2 of 81.6 is left" in text and "stand in for each other" in text
    assert text.count("not apart from sky.sky_strength") == 1 and text.count("readable") == 1


def test_the_pictures_in_the_page_are_those_of_the_run(run):
    page = Page(write_report(run).read_text(encoding="utf-8"))
    shown = [base64.b64decode(address.split(",")[1]) for address in page.loads]
    for colour in ("red", "green", "blue"):
        assert shown.count(png(colour)) == 6
    assert shown.count(png("grey")) == 8  # twenty steps, of which eight are chosen


def test_target_pictures_are_shown_as_they_were_read_beside_a_street_like_each(run):
    data = run / "report_data"
    before = (write_report(run), (run / "report.html").read_text())[1]
    (data / "pictures" / "twin").mkdir()
    (data / "pictures" / "twin" / "00.png").write_bytes(png("yellow"))
    car = {"box": [0.25, 0.25, 0.75, 0.75], "words": "car 14 m +20°"}
    read = {"pictures": [{"lines": ["camera  pitch -2", "sky"], "objects": [car]}]}
    (data / "read_target.json").write_text(json.dumps(read))
    write_report(run)
    page = (run / "report.html").read_text()
    assert "What was read" in page and "What was read" not in before
    shown = re.findall(r'src="data:image/(?:png|jpeg);base64,([^"]+)" alt="([^"]+)"', page)
    pictures = {words: Image.open(io.BytesIO(base64.b64decode(data))) for data, words in shown}
    drawn = np.asarray(pictures["target picture 1 as it was read"].convert("RGB")).astype(int)
    red = (drawn[..., 0] > 200) & (drawn[..., 1:].max(-1) < 60)
    assert 0.5 < red.mean() < 0.98  # the target's own colour, with a heading and a box
    street = np.asarray(pictures["a street like target picture 1"].convert("RGB"))
    assert (street == (255, 255, 0)).all()
    (data / "pictures" / "target" / "00.png").write_bytes(b"no picture")
    write_report(run)
    assert "as it was read" not in (run / "report.html").read_text()


def test_an_unfinished_run_gets_a_page_that_says_what_is_absent(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    page = Page(write_report(tmp_path).read_text(encoding="utf-8"))
    for words in (
        "This run has no result yet",
        "No pictures were recorded",
        "No measures were recorded",
        "No attributes were recorded",
        "No detector was trained",
        "What was switched on was not recorded",
    ):
        assert words in page.text


@pytest.mark.parametrize("key", list(SUMMARY))
def test_any_part_of_the_summary_may_be_absent_or_null(run, key):
    path = run / "report_data" / "summary.json"
    path.write_text(json.dumps({k: v for k, v in SUMMARY.items() if k != key}))
    Page(write_report(run).read_text(encoding="utf-8"))
    path.write_text(json.dumps({**SUMMARY, key: None}))
    Page(write_report(run).read_text(encoding="utf-8"))


def test_a_worse_result_is_called_so(run):
    worse = {**SUMMARY, "mmd2": {"prior": {"unseen": 0.1}, "learned": {"unseen": 0.2}}}
    (run / "report_data" / "summary.json").write_text(json.dumps({**worse, "detector": None}))
    unknown = {"car.yaw": {**ATTRIBUTES["car.yaw"], "target": None}}
    (run / "report_data" / "attributes.json").write_text(json.dumps(unknown))
    text = write_report(run).read_text(encoding="utf-8")
    assert "MMD² to unseen target pictures rose by 100 % (0.1 → 0.2)" in text
    assert 'class="verdict bad"' in text


def test_a_damaged_picture_is_named_and_the_page_is_still_written(run):
    (run / "report_data" / "pictures" / "prior" / "00.png").write_bytes(b"\x89PNG broken")
    page = Page(write_report(run).read_text(encoding="utf-8"))
    assert "00.png is not a readable picture" in page.text


@pytest.mark.parametrize("name", ["config.yaml", "report_data/summary.json"])
def test_a_damaged_file_is_named_and_the_older_report_stays(run, name):
    before = write_report(run).read_bytes()
    (run / name).write_text('{"a": [')
    with pytest.raises(ReportError, match=name):
        write_report(run)
    assert (run / "report.html").read_bytes() == before


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ReportError, match="not a run's folder"):
        write_report(tmp_path)
    with pytest.raises(ReportError, match="is not a folder"):
        write_report(tmp_path / "none")


def test_the_strip_has_a_row_for_each_kind_and_keeps_the_pictures_in_order(tmp_path):
    def flat(level):
        return np.full((20, 40, 3), level, np.uint8)

    data = comparison_strip([flat(10), flat(20)], [flat(30), flat(40)], [flat(50), flat(60)])
    strip = np.asarray(Image.open(io.BytesIO(data)).convert("L")).astype(int)
    rows = [strip[int(strip.shape[0] * share)] for share in (1 / 6, 1 / 2, 5 / 6)]
    found = [[int(row[400]), int(row[1000])] for row in rows]
    assert found == [[50, 60], [10, 20], [30, 40]]  # target, prior, learned
    assert strip.shape[1] == 1200


def test_the_strip_refuses_what_is_no_picture():
    with pytest.raises(ValueError, match="at least one"):
        comparison_strip([], [])
    with pytest.raises(ValueError, match="float64"):
        comparison_strip([np.zeros((2, 2, 3))], [])
