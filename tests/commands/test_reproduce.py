"""``metasim reproduce`` from the command line, on a few made-up digits in MNIST's form."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from synthetic_digits import synthetic_digits

from metasim_backend.cli import main
from metasim_backend.experiments.benches import Budget
from metasim_backend.experiments.definitions import EXPERIMENTS

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 300),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 2100),
}
SMALL = (
    *("--set", "features.scenes=48", "--set", "features.epochs=1", "--set", "features.rounds=2"),
    *("--set", "pretrain.steps=2", "--set", "pretrain.scenes=8", "--set", "match.steps=4"),
    *("--set", "match.batch=4", "--set", "match.report_every=2", "--set", "task.epochs=1"),
    *("--set", "task.scenes=4", "--set", "task.network_steps=1", "--set", "evaluation.scenes=8"),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    shapes = synthetic_digits(10).images  # one a label, in both files
    for images, labels, count in FILES.values():
        digits = synthetic_digits(count)
        drawn = shapes[digits.labels]
        for name, array in ((images, drawn), (labels, digits.labels.byte())):
            content = array.numpy().astype(np.uint8)
            head = (0x0800 + content.ndim).to_bytes(4, "big")
            shape = b"".join(n.to_bytes(4, "big") for n in content.shape)
            (folder / name).write_bytes(head + shape + content.tobytes())
    return folder


def reproduce(name, data, folder, *more):
    output = folder / "result.json"
    status = main(
        ["reproduce", name, "--seeds", "1", "--run", str(folder / "run"), "--data", str(data)]
        + ["-o", str(output), *SMALL, *more]
    )
    assert status == 0
    return json.loads(output.read_text())


def test_all_rows_are_measured_and_a_second_call_measures_nothing_again(
    data, tmp_path, capsys, monkeypatch
):
    taught = replace(EXPERIMENTS["mnist-rotation"], budget=Budget(300, epochs=8))
    monkeypatch.setitem(EXPERIMENTS, "mnist-rotation", taught)
    record = reproduce("mnist-rotation", data, tmp_path)
    accuracy = {row: numbers["accuracy"]["mean"] for row, numbers in record["rows"].items()}
    assert set(accuracy) == {"prior", "matched", "learned", "oracle"}
    # Digits that stand upright teach little of ones that are turned by 90°.
    assert accuracy["oracle"] > 60 > accuracy["prior"] + 20
    assert record["each_seed"]["0"]["rows"]["oracle"]["accuracy"] == accuracy["oracle"]
    assert record["paper"]["Meta-Sim"]["accuracy"] == 99.5
    assert (tmp_path / "run/report.html").stat().st_size > 0
    assert (tmp_path / "run/training.gif").stat().st_size > 0
    assert "paper: Meta-Sim" in capsys.readouterr().out
    made = (tmp_path / "run/seed_0/result.json").stat().st_mtime_ns
    again = reproduce("mnist-rotation", data, tmp_path)
    assert (tmp_path / "run/seed_0/result.json").stat().st_mtime_ns == made
    assert again["rows"] == record["rows"] and again["attributes"] == record["attributes"]


def test_a_folder_begun_with_other_settings_is_refused_by_name(data, tmp_path, capsys):
    reproduce("mnist-spread", data, tmp_path, "--set", "phases=pretrain")
    place = ["--run", str(tmp_path / "run"), "--data", str(data), "-o", str(tmp_path / "x.json")]
    assert main(["reproduce", "mnist-spread", "--seeds", "1", *place, *SMALL]) == 2
    assert "seed_0 was begun with other settings" in capsys.readouterr().err


def test_a_spread_experiment_compares_every_attribute(data, tmp_path):
    record = reproduce("mnist-spread", data, tmp_path, "--set", "phases=pretrain,match")
    assert set(record["attributes"]) == {"digit.yaw", "digit.x", "digit.y", "digit.size"}
    assert record["rows"] == {}
    assert len(record["checks"]) == 3 and not all(c["met"] for c in record["checks"])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["reproduce", "mnist-flight"], "mnist-flight"),
        (["reproduce", "mnist-rotation", "--seeds", "0"], "0"),
        (["reproduce", "aerial2d", "--long"], "aerial2d has no longer training"),
        (["reproduce", "mnist-rotation", "--set", "match.steps=many"], "match.steps"),
        (["reproduce", "mnist-reward", "--long"], "mnist-reward has no longer training"),
        (["reproduce", "mnist-rotatoin"], "did you mean 'mnist-rotation'"),
        (["reproduce"], "--list"),
        (["reproduce", "aerial2d", "--target", "."], "aerial2d takes no --target"),
        (["reproduce", "driving-structure-real"], "give --target"),
        (["reproduce", "mnist-reward", "--set", "match.steps=many"], "match.steps"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(arguments, named, tmp_path, capsys):
    place = ["--run", str(tmp_path / "run"), "-o", str(tmp_path / "result.json")]
    try:
        status = main([*arguments, *place])
    except SystemExit as left:
        status = left.code
    assert status == 2
    said = capsys.readouterr().err
    assert named in said and said.count("\n") == 1 and "Traceback" not in said
    assert not (tmp_path / "run").exists() and not (tmp_path / "result.json").exists()


def test_missing_digits_are_said_with_what_to_do(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("METASIM_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(
        "metasim_backend.datasets.readers.mnist._fetched", lambda folder, part: False
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    place = ["--run", str(tmp_path / "run"), "-o", str(tmp_path / "result.json")]
    assert main(["reproduce", "mnist-rotation", "--data", str(empty), *place]) == 2
    said = capsys.readouterr().err
    assert "--data" in said and said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_seed_in_the_result_file_is_not_run_again_when_its_folder_is_gone(data, tmp_path, capsys):
    record = reproduce("mnist-rotation", data, tmp_path)
    shutil.rmtree(tmp_path / "run")
    again = reproduce("mnist-rotation", data, tmp_path)
    assert "seed 0: already in" in capsys.readouterr().out
    assert again["rows"] == record["rows"] and again["each_seed"] == record["each_seed"]
    assert not (tmp_path / "run/seed_0").exists()
    other = reproduce("mnist-rotation", data, tmp_path, "--set", "match.steps=5")
    assert (tmp_path / "run/seed_0").exists()
    assert other["made_with"] != record["made_with"]


def test_reward_seeds_that_are_done_are_read_from_folders_and_then_from_the_result_file(
    tmp_path, capsys
):
    run, output = tmp_path / "run", tmp_path / "result.json"
    gains = {"score": (5.0, 7.0), "influence": (8.0, 9.0), "noise": (-20.0, 15.0)}
    for seed in range(2):
        arms = {"start": {"accuracy": 80.0, "yaw_error": 30.0}} | {
            name: {
                "accuracy": 80.0 + gain[seed],
                "yaw_error": 10.0,
                "curve": [[0, 30.0, None], [80, 14.0, 0.5]],
            }
            for name, gain in gains.items()
        }
        folder = run / f"seed_{seed}"
        folder.mkdir(parents=True)
        (folder / "arms.json").write_text(json.dumps(arms))
    command = ["reproduce", "mnist-reward", "--seeds", "2", "--run", str(run), "-o", str(output)]
    assert main(command) == 0
    record = json.loads(output.read_text())
    assert record["differences"]["score - start"]["accuracy"]["values"] == pytest.approx([5.0, 7.0])
    # Student's t with one degree of freedom: 12.706 standard errors.
    half = 12.7062 * np.std([8.0, 9.0], ddof=1) / 2**0.5
    gain = record["differences"]["influence - start"]["accuracy"]
    assert gain["half_width"] == pytest.approx(half, rel=1e-4)
    assert "noise gains -2.50 ± 222.35 points (not significant)" in record["verdict"]
    assert "influence gains +8.50 ± 6.35 points (significant)" in record["verdict"]
    assert record["rows"]["score"]["pictures to halve it"]["values"] == [80, 80]
    assert (run / "report.html").read_text("utf-8").count("<polyline") == 2 * 3
    shutil.rmtree(run / "seed_0")
    second = ["--seeds", "1", "--first", "1"]
    assert main(["reproduce", "mnist-reward", *second, "--run", str(run), "-o", str(output)]) == 0
    assert json.loads(output.read_text())["rows"] == record["rows"]
    shutil.rmtree(run)
    assert main(command) == 0
    assert "seed 1: already in" in capsys.readouterr().out
    assert json.loads(output.read_text())["rows"] == record["rows"]
    assert not (run / "seed_0").exists()


def test_the_settings_of_the_task_phase_are_those_of_the_rewards(
    data, tmp_path, monkeypatch, capsys
):
    small = replace(EXPERIMENTS["mnist-reward"], begin_pictures=40, report_pictures=40)
    monkeypatch.setitem(EXPERIMENTS, "mnist-reward", small)
    record = reproduce("mnist-reward", data, tmp_path, "--set", "task.epochs=10")
    assert set(record["rows"]) == {"start", "score", "influence", "noise"}
    (points,) = record["curves"]["yaw error in degrees by pictures rendered"]["score"]
    assert [pictures for pictures, _ in points] == [0, 10 * 4]
    assert points[0][1] == record["each_seed"]["0"]["start"]["yaw_error"]
    place = ["--run", str(tmp_path / "run"), "--data", str(data), "-o", str(tmp_path / "x.json")]
    assert main(["reproduce", "mnist-reward", "--seeds", "1", *place, *SMALL]) == 2
    assert "seed_0 was begun with other settings" in capsys.readouterr().err


def test_every_experiment_is_listed_in_a_sentence(capsys):
    assert main(["reproduce", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split("  ")[0] for line in lines} == EXPERIMENTS.keys()
    assert all(len(line.split("  ", 1)[1].split()) > 4 for line in lines)
    assert main(["reproduce", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == EXPERIMENTS.keys()
