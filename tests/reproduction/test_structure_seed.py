"""A whole seed of an experiment on structure, very short: what is kept, shared and refused."""

from dataclasses import replace

import pytest
import torch

from metasim_backend.reproduction import structure_seed
from metasim_backend.reproduction.experiments import ExperimentError
from metasim_backend.reproduction.structure_experiments import structure_experiment_named
from metasim_backend.reproduction.structure_record import ROWS, structure_record
from metasim_backend.reproduction.structure_seed import run_structure_seed
from metasim_backend.run_files.run_folder import RunFolder

SHORT = [
    "structure.pretrain_steps=4",
    "structure.steps=2",
    "structure.batch=12",
    "structure.feature_scenes=24",
    "structure.feature_epochs=1",
    "evaluation.scenes=4",
    "evaluation.pictures=2",
]


def test_a_seed_is_counted_kept_and_not_learned_again(tmp_path, monkeypatch):
    monkeypatch.setattr(structure_seed, "COUNTED", 60)
    monkeypatch.setattr(structure_seed, "TRUTH", 120)
    experiment = replace(structure_experiment_named("aerial2d-structure"), pictures=40)
    folder = tmp_path / "seed_3"
    said = []
    found = run_structure_seed(experiment, 3, folder, overrides=SHORT, tell=said.append)
    names = {quantity.name for quantity in experiment.quantities}
    assert set(found["distances"]) == set(ROWS)
    for row, shares in found["histograms"].items():
        assert set(shares) == names
        assert all(sum(one.values()) == pytest.approx(1) for one in shares.values())
        assert found["distances"][row].keys() == names
    assert set(found["histograms"]["target"]["cars on wide roads"]) <= {"3", "4", "5"}
    assert found["distances"]["target"]["cars on wide roads"] < 0.25  # 30 and 60 draws
    assert found["distances"]["prior"]["cars on wide roads"] > 0.3
    structure_record(experiment, {3: found}, [])

    # Both rewards see by the same network.
    networks = [
        RunFolder.open(folder / reward).load_checkpoint("count_network")["state"]
        for reward in ("density", "mmd")
    ]
    assert all(torch.equal(value, networks[1][name]) for name, value in networks[0].items())

    monkeypatch.setattr(structure_seed, "_train", lambda *_: pytest.fail("learned again"))
    assert run_structure_seed(experiment, 3, folder, overrides=SHORT) == found
    (folder / "result.json").unlink()
    with pytest.raises(ExperimentError, match="other settings"):
        run_structure_seed(experiment, 3, folder, overrides=[*SHORT, "structure.steps=3"])
