"""Measurements of steps that are taken again are dropped, for TensorBoard too."""

from __future__ import annotations

import json

import pytest

from metasim_backend.run_files.events import Event
from metasim_backend.run_files.metrics import Metrics, read_metrics


def measured(stage, step, value):
    return Event(stage, stage, step, 10, stage=stage, measured_at=step, values={"loss": value})


def plotted(folder):
    """By tag the (step, value) that TensorBoard shows."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(one.step, one.value) for one in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_a_resume_drops_the_steps_that_are_taken_again_everywhere(tmp_path):
    path, folder = tmp_path / "metrics.jsonl", tmp_path / "tensorboard"
    first = Metrics(path, folder)
    for step in range(4):
        first.hear(measured("pretrain", step, 1.0))
    for step in range(3):
        first.hear(measured("match", step, 2.0))
    first.close()
    second = Metrics(path, folder)
    second.keep_until({"pretrain": 4, "match": 1})
    for step in range(1, 3):
        second.hear(measured("match", step, 3.0))
    second.close()
    lines = [(one["phase"], one["step"], one["loss"]) for one in read_metrics(path)]
    assert lines == [("pretrain", n, 1.0) for n in range(4)] + [
        ("match", 0, 2.0),
        ("match", 1, 3.0),
        ("match", 2, 3.0),
    ]
    assert plotted(folder) == {
        "pretrain/loss": [(n, 1.0) for n in range(4)],
        "match/loss": [(0, 2.0), (1, 3.0), (2, 3.0)],
    }


def test_a_cut_last_line_is_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"phase": "match", "step": 0, "loss": 1}\n{"phase": "mat')
    Metrics(path).keep_until({"match": 5})
    assert path.read_text() == '{"phase": "match", "step": 0, "loss": 1}\n'


def test_damaged_lines_are_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    good = {"phase": "match", "step": 3, "seconds": 1.0, "mmd2": 0.5, "score": None}
    bad = ['"text"', "[1]", "{", '{"phase": "match"}', '{"phase": 1, "step": 1}',
           '{"phase": "match", "step": "x"}', '{"phase": "match", "step": 1, "mmd2": [1]}',
           '{"phase": "match", "step": 1, "mmd2": 1e999}', "[" * 99_999, "9" * 5000]  # fmt: skip
    path.write_bytes("\n".join([*bad, json.dumps(good)]).encode() + b"\n\xff\xfe\n")
    assert read_metrics(path) == [good]
