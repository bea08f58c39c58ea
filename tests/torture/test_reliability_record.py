"""The result file of ``make torture`` is what its parts say, and parts of another seed add up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from reliability_record import GUARANTEES, add_part

RESULT = Path(__file__).resolve().parents[2] / "docs/results/reliability.json"


def test_parts_add_up_and_one_of_the_same_seed_is_replaced(tmp_path):
    path = tmp_path / "result.json"
    for seed, count in ((0, 5), (1, 7), (0, 6)):
        add_part(path, "files", {"seed": seed, "count": count})
    add_part(path, "killed runs", {"seed": 0, "count": 3, "at": "random moments"})
    add_part(path, "killed runs", {"seed": 0, "count": 4, "at": "changes of the disk"})
    record = json.loads(path.read_text())["guarantees"]
    assert list(record) == ["killed runs", "files"]
    assert record["files"]["count"] == 13 and record["killed runs"]["count"] == 7


def test_what_was_measured_adds_up():
    if not RESULT.exists():
        pytest.skip("nothing was measured yet")
    record = json.loads(RESULT.read_text())
    assert set(record["guarantees"]) <= set(GUARANTEES)
    for name, one in record["guarantees"].items():
        assert one["about"] == GUARANTEES[name]
        assert one["count"] == sum(part["count"] for part in one["parts"]) > 0
