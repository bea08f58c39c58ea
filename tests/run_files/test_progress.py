"""Without a terminal progress is a few plain lines."""

import io
import time

import pytest

from metasim_backend.run_files.progress import Progress


def lines(capsys) -> list[str]:
    said = capsys.readouterr()
    assert said.err == ""
    return said.out.splitlines()


def test_a_log_file_gets_one_line_at_the_beginning_and_one_at_the_end(capsys):
    with Progress("matching", 1000, 200) as progress:
        for _ in range(800):
            progress.update()
            progress.show(mmd2="0.031")
    assert lines(capsys) == [
        "matching begins: 200 of 1000",
        "matching done: 1000 of 1000, 0 s, mmd2 0.031",
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
        progress.show(mmd2="0.031")
    assert out.getvalue() == ""
    assert "matching" in errors.getvalue() and "4/4" in errors.getvalue()


def test_a_reader_that_has_gone_stops_no_work(monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())
    with Progress("matching", 1) as progress:
        progress.update()
