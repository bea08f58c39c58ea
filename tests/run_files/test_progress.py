"""Without a terminal progress is a few plain lines."""

import io
import math
import time

import pytest

from metasim_backend.run_files.events import VARIABLE, Event, from_line, to_line
from metasim_backend.run_files.metrics import Metrics, read_metrics
from metasim_backend.run_files.progress import Progress


def lines(capsys) -> list[str]:
    said = capsys.readouterr()
    assert said.err == ""
    return said.out.splitlines()


def test_a_log_file_gets_one_line_at_the_beginning_and_one_at_the_end(capsys):
    with Progress("matching", 1000, 200, shown="mmd2") as progress:
        for _ in range(800):
            progress.update()
            progress.measured("match", 0, {"mmd2": 0.031, "norm": 1.0})
    assert lines(capsys) == [
        "matching begins: 200 of 1000",
        "matching done: 1000 of 1000, 0 s, mmd2 0.0310",
    ]


def test_a_single_long_step_is_no_silence(capsys):
    with Progress("detector", 2, every=0.05) as progress:
        progress.update()
        time.sleep(0.3)
    said = lines(capsys)
    assert 4 <= len(said) <= 8
    assert said[1].startswith("detector goes on: 1 of 2")


def test_work_that_fails_is_not_called_done(capsys):
    with pytest.raises(KeyError), Progress("rendering", 5) as progress:
        progress.update(2)
        raise KeyError
    assert lines(capsys)[-1].startswith("rendering stopped: 2 of 5")


def test_quiet_says_nothing(capsys):
    with Progress("rendering", 5, quiet=True) as progress:
        progress.update(5)
    assert lines(capsys) == []


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out, errors = Terminal(), Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", errors)
    with Progress("matching", 4, 1) as progress:
        progress.update(3)
        progress.measured("match", 3, {"mmd2": 0.031})
    assert out.getvalue() == ""
    assert all(part in errors.getvalue() for part in ("matching", "4/4", "mmd2 0.0310"))


def test_a_reader_that_has_gone_stops_no_work(monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())
    with Progress("matching", 1) as progress:
        progress.update()


def test_a_program_gets_events_with_every_measurement(capsys, monkeypatch):
    monkeypatch.setenv(VARIABLE, "1")
    with Progress("Matching", 400, activity="match") as progress:
        for step in range(400):
            progress.measured("match", step, {"mmd2": step / 8, "norm": math.inf})
            progress.update()
        progress.measured("", 0, {}, [{"name": "car.yaw"}])
    told = [from_line(line) for line in lines(capsys)]
    assert all(told) and len(told) < 500  # hardly any without a measurement
    assert (told[0].state, told[-1].state) == ("begins", "done")
    assert {(e.activity, e.label, e.total) for e in told} == {("match", "Matching", 400)}
    points = [(e.measured_at, e.values["mmd2"]) for e in told if e.stage == "match"]
    assert points == [(step, step / 8) for step in range(400)]
    assert told[5].values["norm"] is None
    assert told[-1].step == 400 and told[-1].attributes is None
    assert [e.attributes for e in told if e.attributes] == [[{"name": "car.yaw"}]]


def test_what_is_no_event_is_a_sentence():
    for text in ("It is done.", '{"mmd2": 1}', '{"event": {"label": "cu', '{"event": {"a": 1}}'):
        assert from_line(text) is None
    event = Event("match", "Matching", 3, 12, "goes on", "match", 2, {"mmd2": 0.5})
    assert from_line(to_line(event)) == event


def test_measurements_are_written_down_as_they_are_heard(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    with Progress("Matching", 2, quiet=True, listeners=(metrics,)) as progress:
        for step in range(2):
            progress.measured("match", step, {"mmd2": step / 8})
            progress.update()
    entries = read_metrics(tmp_path / "metrics.jsonl")
    assert [(e["phase"], e["step"], e["mmd2"]) for e in entries] == [
        ("match", 0, 0.0),
        ("match", 1, 0.125),
    ]
