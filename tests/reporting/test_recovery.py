"""What a report says of a known truth: how many attributes were found, before all else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from metasim_backend.reporting.attributes import attribute_table
from metasim_backend.reporting.run_record import RunRecord
from metasim_backend.reporting.verdict import recovery, verdict


def attribute(prior: float, learned: float, target: float, count: int = 50) -> dict:
    """Values at three places, a little apart; Wasserstein-1 is the distance of the places."""
    apart = [0.1 * (i % 3 - 1) for i in range(count)]
    return {
        "kind": "continuous",
        "unit": "m",
        "range": [-10, 10],
        **{
            name: [place + a for a in apart]
            for name, place in (("prior", prior), ("learned", learned), ("target", target))
        },
    }


def test_found_and_nearer_are_counted_among_what_differs():
    rows = attribute_table(
        {
            "camera.height": attribute(0, 0.9, 1),  # ratio 0.1
            "camera.pitch": attribute(0, 0.5, 1),  # 0.5
            "road.width": attribute(0, -1, 1),  # 2
            "car.along": attribute(0, 5, 0.01),  # the prior's: by much less than its deviation
            "bus.along": attribute(0, 1, 1, count=6),  # too rare
        }
    )
    truth = recovery(rows)
    assert truth is not None
    assert (truth.differing, truth.found, truth.nearer) == (3, 1, 2)
    assert truth.median == pytest.approx(0.5)
    assert truth.astray == ("car.along",)
    assert truth.good is None  # half of the way


def test_a_hair_nearer_is_not_nearer():
    """What was put back to the prior's is drawn anew, and by chance nearer or farther."""
    truth = recovery(attribute_table({"van.yaw": attribute(0, 0.02, 1)}))
    assert truth is not None and (truth.differing, truth.nearer) == (1, 0)


def test_a_run_that_leads_another_attribute_astray_is_not_good():
    found = {"camera.height": attribute(0, 0.9, 1)}
    assert recovery(attribute_table(found)).good is True
    truth = recovery(attribute_table(found | {"truck.yaw": attribute(0, 3, 0)}))
    assert truth.good is None and truth.sentence.endswith(
        "truck.yaw went astray, where the prior was right"
    )


@pytest.mark.parametrize(("learned", "mood"), [(0.9, "good"), (0.6, "mixed"), (3.0, "mixed")])
def test_a_distance_that_fell_is_not_enough_for_a_good_run(learned: float, mood: str):
    """The distance fell and the detector gained, in each case."""
    summary = {
        "mmd2": {"prior": {"unseen": 0.2}, "learned": {"unseen": 0.1}},
        "detector": {"prior": {"ap50": 0.2}, "learned": {"ap50": 0.3}},
    }
    record = RunRecord(Path(), {}, (), summary, (), {}, {}, {}, {}, {})
    rows = attribute_table({"camera.height": attribute(0, learned, 1)})
    sentence, found = verdict(record, rows)
    assert found == mood
    assert sentence.startswith(f"{int(learned == 0.9)} of 1 attributes")


def test_without_a_truth_nothing_is_said_to_be_found():
    unknown = {**attribute(0, 1, 1), "target": None}
    rows = attribute_table({"camera.height": unknown})
    assert recovery(rows) is None
    attributes = {"camera.height": 40.0, "camera.pitch": 3.9, "car.along": 4.1}
    evidence = {"readable_from": 4.0, "attributes": attributes}
    summary = {"mmd2": {"prior": {"unseen": 0.2}, "learned": {"unseen": 0.1}}}
    record = RunRecord(Path(), {}, (), summary, (), {}, {}, evidence, {}, {})
    sentence, _ = verdict(record, rows)
    assert sentence.startswith("2 of 3 attributes can be read in as many pictures; the truth")
    assert "found" not in sentence
    support = {"supported_from": 8.0, "attributes": {"camera.height": 90.0, "car.along": 7.9}}
    sentence, _ = verdict(replace(record, support=support), rows)
    assert sentence.startswith("2 of 3 attributes can be read in as many pictures, 1 was moved;")
