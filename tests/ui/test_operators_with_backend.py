"""Sampling, and switching between prior and learned, against a backend of a few lines."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fake_backend import TOKEN, FakeBackend
from street_scenes import make_street


@pytest.fixture
def backend(addon) -> Iterator[FakeBackend]:
    found = FakeBackend(make_street())
    addon.ops.metasim.backend_connect(host="127.0.0.1", port=found.port, token=TOKEN)
    yield found
    found.close()


def own(bpy):
    return bpy.context.scene.metasim


def bodies(bpy) -> dict:
    return {b["metasim_node"]: b for b in bpy.context.scene.objects if b.get("metasim_node")}


def test_sample_takes_the_shipped_street_and_knows_ranges_and_units(addon, backend):
    assert addon.ops.metasim.sample(seed=5) == {"FINISHED"}
    assert own(addon).seed == 5 and json.loads(own(addon).graph)["seed"] == 5
    along = own(addon).nodes["car_0"].attributes["along"]
    assert (along.bounds, along.unit, along.mutable) == ("4 – 70", "m", True)
    along.number = 500.0
    assert along.number == 70.0
    yaw = own(addon).nodes["car_0"].attributes["yaw"]
    yaw.number = -90.0
    assert yaw.number == 270.0
    addon.ops.metasim.sample(step=1)
    addon.ops.metasim.sample(step=1)
    addon.ops.metasim.sample(step=-1)
    assert own(addon).seed == 6


def test_a_runs_structure_can_propose_the_scene(addon, backend):
    assert addon.ops.metasim.sample(run="/some/run", seed=2) == {"FINISHED"}
    assert own(addon).run == "/some/run" and own(addon).grammar == ""
    assert own(addon).nodes["car_0"].attributes["along"].unit == "m"
    (sampled,) = [one for one in backend.asked if one.kind == "sample"]
    assert (sampled.body["run"], sampled.body["grammar"]) == ("/some/run", None)


def test_structure_is_a_phase_that_can_be_ticked(addon, backend):
    from blender_addon.ui.operators.train_start import chosen_phases

    assert chosen_phases(own(addon)) == ["pretrain", "match"]
    own(addon).phases = {"match", "structure", "pretrain"}
    assert chosen_phases(own(addon)) == ["pretrain", "structure", "match"]


def test_the_switch_moves_the_objects_in_place_and_back(addon, backend):
    addon.ops.metasim.sample(seed=1)
    before = {name: tuple(body.location) for name, body in bodies(addon).items()}
    objects = {name: body.as_pointer() for name, body in bodies(addon).items() if name != "road"}
    prior = own(addon).graph
    addon.ops.metasim.switch(to="LEARNED", run="/some/run")
    assert own(addon).shown == "LEARNED" and own(addon).run == "/some/run"
    moved = {n for n, body in bodies(addon).items() if tuple(body.location) != before[n]}
    assert moved == {"car_0"}
    now = {name: body.as_pointer() for name, body in bodies(addon).items() if name != "road"}
    assert now == objects, "objects were made anew"
    addon.ops.metasim.switch(to="TOGGLE")
    assert own(addon).shown == "PRIOR" and own(addon).graph == prior
    assert {name: tuple(body.location) for name, body in bodies(addon).items()} == before
    addon.ops.metasim.switch()
    assert sum(request.kind == "transform" for request in backend.asked) == 1, "it was known"


def test_a_changed_prior_is_transformed_anew(addon, backend):
    addon.ops.metasim.sample(seed=1)
    addon.ops.metasim.switch(to="LEARNED", run="/some/run")
    addon.ops.metasim.switch(to="PRIOR")
    own(addon).nodes["car_0"].attributes["along"].number = 40.0
    addon.ops.metasim.switch(to="LEARNED")
    assert own(addon).nodes["car_0"].attributes["along"].number == 42.0


def test_the_backends_sentences_reach_script_and_panel(addon, backend):
    from blender_addon.ui.session import session

    addon.ops.metasim.sample(seed=1)
    graph = own(addon).graph
    with pytest.raises(RuntimeError, match="line 3: 'clases' is no key"):
        addon.ops.metasim.sample(grammar="/wrong.yaml")
    assert "line 3" in session().said["scene"]
    with pytest.raises(RuntimeError, match="folder for train_start is not writable"):
        addon.ops.metasim.train_start(target="/t", run="/r")
    with pytest.raises(RuntimeError, match="folder for dataset_start is not writable"):
        addon.ops.metasim.dataset_start(folder="/d", count=2)
    for call, words in (
        (lambda: addon.ops.metasim.train_start(target="/t"), "no run folder"),
        (lambda: addon.ops.metasim.train_start(run="/r"), "no target pictures"),
        (lambda: addon.ops.metasim.train_start(run="/r", target="/t", phases="task"), "Labelled"),
        (lambda: addon.ops.metasim.dataset_start(count=2), "no folder for the data set"),
        (lambda: addon.ops.metasim.switch(to="LEARNED"), "no run to apply"),
    ):
        with pytest.raises(RuntimeError, match=words):
            call()
    assert own(addon).graph == graph


def test_a_lost_backend_leaves_the_scene(addon, backend):
    from blender_addon.ui.session import session

    addon.ops.metasim.sample(seed=1)
    graph = own(addon).graph
    backend.close()
    with pytest.raises(RuntimeError):
        addon.ops.metasim.switch(to="LEARNED", run="/some/run")
    assert own(addon).graph == graph and session().said["scene"]


def test_training_events_become_curves_bars_and_a_share(addon, backend):
    import time

    import numpy as np

    from blender_addon.ui.session import session

    bar = {"name": "car.yaw", "unit": "deg", "kind": "circular", "prior": [0.0, 4.0],
           "learned": [12.0, 2.0], "range": [-180.0, 180.0]}  # fmt: skip
    event = {"run": "/r", "phase": "match", "step": 3, "steps": 12, "metrics": {}}
    points = {"mmd2": [[1, 0.5], [3, 0.25]], "score": []}
    picture = np.zeros((96, 160, 3), np.uint8)
    backend.say("train", picture, state="running", points=points, attributes=[bar], **event)
    backend.say("train", state="running", points={"mmd2": [[3, 0.2]]}, **event)
    training = session().training
    end = time.monotonic() + 5
    while training.curve("mmd2") != [(1, 0.5), (3, 0.2)] and time.monotonic() < end:
        session().pump()
        time.sleep(0.02)
    assert training.curve("mmd2") == [(1, 0.5), (3, 0.2)] and training.pictures == 1
    assert (training.state, training.phase, training.step) == ("running", "match", 3)
    assert training.attributes[0]["learned"] == [12.0, 2.0]


def test_each_bar_stands_where_its_own_attributes_means_do(addon, backend):
    from blender_addon.ui.session import session
    from blender_addon.ui.training_icons import TrainingIcons

    means = {"car.yaw": (0.0, 90.0), "car.along": (-90.0, 0.0), "tree.height": (180.0, -180.0)}
    session().training.attributes = [
        {"name": name, "prior": [prior, 1.0], "learned": [learned, 1.0], "range": [-180.0, 180.0]}
        for name, (prior, learned) in means.items()
    ]
    icons = TrainingIcons()
    icons.follow(session().training)
    icons.close()
    bars = addon.context.window_manager.metasim.bars
    shown = [(bar.prior, bar.learned) for bar in bars[: len(means)]]
    assert shown == [(50.0, 75.0), (25.0, 50.0), (100.0, 0.0)]


def test_numbers_in_bars_have_no_exponent_and_no_minus_nothing():
    from blender_addon.ui.training_icons import bar_text

    shown = [
        bar_text({"prior": pair}, "prior")
        for pair in ([80.84, 113.6], [0.0118, -0.0], [-0.822, 4.4], [1234.5, 0.05], [5.0, 9.96])
    ]
    assert shown == [
        "prior 80.8 ± 114",
        "prior 0.0118 ± 0",
        "prior -0.822 ± 4.4",
        "prior 1234 ± 0.05",
        "prior 5 ± 10",
    ]
