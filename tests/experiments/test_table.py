"""The terminal's table: true to the record, and readable at 100 columns."""

from dataclasses import replace

from test_record import DIGITS, SPREADS, near, record, seed_of, spread_seed

from metasim_backend.experiments.definitions import EXPERIMENTS
from metasim_backend.experiments.table import result_table


def rows_of(table):
    return {line.split("  ")[0].strip(): line for line in table.splitlines()}


def test_paper_prior_and_ours_stand_below_each_other():
    table = result_table(record(DIGITS, seed_of(99.2), seed_of(99.1)))
    rows = rows_of(table)
    assert rows["paper: Meta-Sim"].endswith("99.5")
    assert rows["prior (the grammar alone)"].endswith("14.00 ± 0.00")
    assert rows["matched (task phase off)"].endswith("99.10 ± 0.64")
    assert rows["learned (task phase on)"].endswith("99.15 ± 0.64")
    assert rows["learned - oracle"].endswith("-0.15 ± 0.64")
    assert max(map(len, table.splitlines())) <= 100


def test_a_goal_that_is_just_missed_does_not_read_as_met():
    table = result_table(record(DIGITS, seed_of(98.996), seed_of(99.2)))
    assert "NOT met  accuracy of the learned, every seed: ≥ 99 %; worst 98.996 % (seed 0)" in table


def test_whether_the_task_phase_was_on_is_told_without_a_row_for_it_off():
    measured = seed_of(99.2)
    del measured["rows"]["matched"]
    assert "learned (task phase on)" in result_table(record(DIGITS, measured))
    del measured["seconds"]["task"]
    assert "learned (no task phase)" in result_table(record(DIGITS, measured))


def test_a_single_seed_has_no_interval():
    table = result_table(record(DIGITS, seed_of(99.2)))
    assert "±" not in table and rows_of(table)["learned (task phase on)"].endswith("99.20")


def test_all_of_the_aerial_numbers_fit():
    names = ("mean", "background", "car", "road", "house", "tree")
    rows = {row: dict.fromkeys(names, 90.1) for row in ("prior", "matched", "learned", "oracle")}
    table = result_table(record(EXPERIMENTS["aerial2d"], *[seed_of(rows=rows)] * 3))
    assert max(map(len, table.splitlines())) <= 100
    scores, differences = (line for line in table.splitlines() if line.startswith("car  "))
    assert scores.split()[1:3] == ["30.0", "86.7"] and scores.endswith("90.10 ± 0.00")
    assert differences.endswith("+0.00 ± 0.00")


def test_long_names_are_cut_and_the_lines_fit():
    numbers = {f"distance on a network with a long name, number {i}": 12.3456 for i in range(4)}
    rows = {row: {**numbers, "short": 1.0} for row in ("prior", "learned", "oracle")}
    table = result_table(record(replace(DIGITS, paper={}), *[seed_of(rows=rows)] * 3))
    assert max(map(len, table.splitlines())) <= 100
    assert table.count("distance on a network with a long name, n…  ") == 4 + 4


def test_spreads_have_a_line_for_each_attribute():
    seeds = [spread_seed(**{"digit.yaw": near(), "digit.x": near(0.02, 0.3)})] * 5
    table = result_table(record(SPREADS, *seeds))
    line = rows_of(table)["digit.x"]
    assert "89 ± 24" in line and "90 ± 25" in line
    assert line.split()[-4:] == ["2.0", "%", "30.0", "%"]
    assert "NOT met  seeds in which every attribute keeps to both: ≥ 5; 0" in table
    assert max(map(len, table.splitlines())) <= 100
