"""The server and its requests about scenes, over the real wire."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from panel_client import TOKEN, Panel, Server, start_server

from blender_addon.contract import panel, scene_graph, wire
from metasim_backend.grammar import check_scene, load_grammar, sample_scene

ROOT = Path(__file__).resolve().parents[2]
DRIVING = ROOT / "scenes/driving.yaml"


def test_a_wrong_token_is_refused(server: Server):
    with pytest.raises(wire.AuthenticationError):
        wire.connect(server.address, TOKEN + "x", timeout=10.0)


def test_another_version_is_told_in_a_sentence_and_let_go(server: Server):
    with wire.connect(server.address, TOKEN, timeout=10.0) as connection:
        connection.send(wire.Message("hello", {"protocol": 99, "addon": "9", "blender": "4.5"}))
        with pytest.raises(panel.PanelProtocolError, match="version 99 .* same release"):
            panel.read_welcome(connection.receive(wait=10.0))
        with pytest.raises(wire.WireError):
            connection.receive(wait=10.0)


def test_a_panel_that_does_not_greet_is_let_go(server: Server):
    with wire.connect(server.address, TOKEN, timeout=10.0) as connection:
        connection.send(wire.Message("grammars", {"id": 1}))
        assert connection.receive(wait=10.0).kind == "error"
        with pytest.raises(wire.WireError):
            connection.receive(wait=10.0)


def test_a_stranger_who_talks_rubbish_harms_nobody(server: Server, dialled: Panel):
    with socket.create_connection(server.address, 5.0) as stranger:
        stranger.sendall(b"GET / HTTP/1.0\r\n\r\n" * 100)
    assert dialled.ask("status") == {"train": None, "dataset": None}


def test_the_greeting_comes_within_two_seconds_and_names_versions_and_requests(server: Server):
    started = time.monotonic()
    with wire.connect(server.address, TOKEN, timeout=10.0) as connection:
        connection.send(panel.hello("0.1.0", "4.5.0"))
        welcome = panel.read_welcome(connection.receive(wait=10.0))
    assert time.monotonic() - started < 2.0
    assert {"python", "torch"} <= set(welcome["versions"])
    assert set(welcome["capabilities"]) == set(panel.REQUESTS)


def test_shipped_grammars_begin_with_blenders_world_and_leave_truths_out(dialled: Panel):
    found = dialled.ask("grammars")["grammars"]
    assert found[0]["path"] == str(DRIVING) and found[0]["domain"] == "driving"
    assert found[0]["title"].startswith("A street")
    assert not [item for item in found if item["name"].endswith("_target")]
    assert {item["domain"] for item in found} >= {"mnist", "aerial2d"}


def test_a_grammar_comes_with_kinds_ranges_and_what_is_mutable(dialled: Panel):
    found = dialled.ask("grammar", path=str(DRIVING))
    attributes = found["grammar"]["classes"]["sky"]["attributes"]
    assert found["domain"] == "driving"
    assert attributes["sun_azimuth"]["kind"] == "circular" and attributes["sun_azimuth"]["mutable"]


def test_a_sample_is_the_grammars_scene_of_that_seed(dialled: Panel):
    found = dialled.ask("sample", grammar=str(DRIVING), seed=11)["scene"]
    expected = sample_scene(load_grammar(DRIVING), 11)
    assert scene_graph.from_dict(found) == expected


def test_a_grammar_that_changed_is_read_again(dialled: Panel, tmp_path: Path):
    path = tmp_path / "own.yaml"
    path.write_text(
        "domain: driving\nstart: street\nclasses: {street: {attributes: {}}}\nrules: []\n"
    )
    assert len(dialled.ask("sample", grammar=str(path), seed=0)["scene"]["nodes"]) == 1
    path.write_text(path.read_text().replace("street", "road"))
    assert dialled.ask("sample", grammar=str(path), seed=0)["scene"]["nodes"][0]["class"] == "road"


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        ("grammar", {"path": "/nowhere/x.yaml"}, "There is no grammar file /nowhere/x.yaml"),
        ("grammar", {"path": "x.yaml"}, "not a whole path"),
        ("sample", {"grammar": str(DRIVING), "seed": -1}, "seed -1"),
        ("sample", {"seed": 1}, "choose one of them"),
        ("run", {"run": "/nowhere"}, "There is no run folder /nowhere"),
        ("run", {"run": str(ROOT)}, "holds no run"),
        ("train_pause", {}, "No training is under way"),
        ("train_resume", {}, "No training is under way"),
        ("train_stop", {}, "No training is under way"),
        ("dataset_cancel", {}, "No dataset is being written"),
    ],
)
def test_mistakes_get_a_sentence(dialled: Panel, kind: str, fields: dict, sentence: str):
    assert sentence in dialled.refused(kind, **fields)


def test_an_error_in_a_grammar_names_file_line_and_key(dialled: Panel, tmp_path: Path):
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "domain: driving\nstart: street\nclasses:\n  street:\n    attributes:\n"
        "      width: {kind: continuous, range: [3, 1], prior: {uniform: [1, 3]}}\nrules: []\n"
    )
    sentence = dialled.refused("sample", grammar=str(path), seed=0)
    assert f"{path}, line 6" in sentence and "range" in sentence


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (wire.Message("format_disk", {"id": 1}), "no request 'format_disk'"),
        (wire.Message("sample", {"id": 1, "grammar": str(DRIVING)}), "lacks 'seed'"),
        (wire.Message("sample", {"id": 1, "grammar": 3, "seed": 1}), "a path was expected"),
        (wire.Message("sample", {"id": 1, "grammar": "/x", "seed": True}), "whole number"),
        (wire.Message("status", {"id": 1, "more": 2}), "has no field 'more'"),
        (wire.Message("status", {}), "'id' is not a whole number"),
        (wire.Message("grammar", {"id": 1, "path": "a\0b"}), "a path was expected"),
    ],
)
def test_a_malformed_request_gets_a_sentence(dialled: Panel, message: wire.Message, sentence: str):
    dialled.connection.send(message)
    while (found := dialled.next()).topic:
        pass
    assert found.sentence and sentence in found.sentence


def test_a_scene_is_moved_by_a_generator_with_its_ids_kept(dialled: Panel, untrained_run: Path):
    scene = dialled.ask("sample", grammar=str(DRIVING), seed=5)["scene"]
    first = dialled.ask("transform", run=str(untrained_run), scene=scene)["scene"]
    again = dialled.ask("transform", run=str(untrained_run), scene=scene)["scene"]
    other = dialled.ask("transform", run=str(untrained_run), scene=scene, seed=9)["scene"]
    assert first == again != other
    assert first != scene and first["seed"] == scene["seed"]
    for moved in (first, other):
        check_scene(load_grammar(DRIVING), scene_graph.from_dict(moved))
        assert [(n["id"], n["class"], n["parent"]) for n in moved["nodes"]] == [
            (n["id"], n["class"], n["parent"]) for n in scene["nodes"]
        ]


def test_a_run_without_a_learned_structure_proposes_its_grammars_scenes(
    dialled: Panel, untrained_run: Path
):
    found = dialled.ask("sample", run=str(untrained_run), seed=11)["scene"]
    assert found == dialled.ask("sample", grammar=str(DRIVING), seed=11)["scene"]


def test_a_scene_that_the_run_does_not_know_is_refused(dialled: Panel, untrained_run: Path):
    scene = dialled.ask("sample", grammar=str(ROOT / "scenes/aerial2d.yaml"), seed=5)["scene"]
    sentence = dialled.refused("transform", run=str(untrained_run), scene=scene)
    assert "domain is 'aerial2d'" in sentence
    assert "JSON" not in dialled.refused("transform", run=str(untrained_run), scene={"a": 1})


def test_a_run_tells_its_grammar_and_how_far_it_has_come(dialled: Panel, untrained_run: Path):
    found = dialled.ask("run", run=str(untrained_run))
    assert found["domain"] == "driving" and found["grammar"]["start"] == "street"
    assert found["done"]["match"] == 2 and found["steps"]["match"] == 40
    assert found["curves"] == {"mmd2": [[0, 0.5], [1, 0.25]], "score": []}
    assert found["has_checkpoint"] and not found["finished"]


def test_matching_on_a_surrogate_is_matching_too(dialled: Panel, untrained_run: Path):
    config = untrained_run / "config.yaml"
    config.write_text(config.read_text().replace("estimator: gradient", "estimator: surrogate"))
    round_taken = '{"phase": "surrogate", "step": 2, "distance": 40.0}\n'
    (untrained_run / "metrics.jsonl").write_text(round_taken)
    found = dialled.ask("run", run=str(untrained_run))
    assert found["done"]["match"] == 3 and found["steps"]["match"] == 5  # rounds


def test_a_defect_of_ours_says_where_its_traceback_is(monkeypatch, tmp_path: Path):
    from metasim_backend.serving.scenes import Scenes
    from metasim_backend.serving.server import PanelServer

    def defective(*_: object) -> dict:
        raise KeyError("nobody thought of it")

    monkeypatch.setattr(Scenes, "grammars", defective)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    here = PanelServer("127.0.0.1", 0, TOKEN)
    thread = threading.Thread(target=here.serve)
    thread.start()
    dialled = Panel.dial((here.host, here.port))
    found = dialled.reply(dialled.send("grammars"))
    here.stop()
    thread.join(30)
    assert found.ours and found.sentence
    log = Path(found.sentence.rsplit("is in ", 1)[1].rstrip("."))
    assert "Traceback" in log.read_text() and "nobody thought of it" in log.read_text()


def test_a_checkpoint_of_something_else_is_the_users_mistake(dialled: Panel, untrained_run: Path):
    torch.save({}, untrained_run / "checkpoints/last.pt")
    scene = dialled.ask("sample", grammar=str(DRIVING), seed=5)["scene"]
    sentence = dialled.refused("transform", run=str(untrained_run), scene=scene)
    assert "last.pt is not as this version writes it" in sentence


def test_the_server_is_heard_of_while_it_imports_torch(tmp_path: Path, untrained_run: Path):
    """The first request that needs torch takes seconds; no silence may last as long."""
    started = start_server(tmp_path)
    try:
        dialled = Panel.dial(started.address)
        number = dialled.send("run", run=str(untrained_run))
        silence, heard, last = 0.0, 0, time.monotonic()
        while True:
            found = dialled.next(within=panel.SILENCE)
            silence, last = max(silence, time.monotonic() - last), time.monotonic()
            heard += found.topic == "alive"
            if found.id == number:
                break
        assert silence < panel.SILENCE / 2
        dialled.ask("shutdown")
        assert started.process.wait(20) == 0
    finally:
        started.process.kill()


def test_a_server_leaves_with_its_parent(tmp_path: Path):
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = start_server(tmp_path, "--with-parent", str(parent.pid))
    try:
        parent.kill()
        assert started.process.wait(10) == 0
        assert not list(tmp_path.glob("metasim-serve-*"))
    finally:
        started.process.kill()
        parent.wait()


def test_a_server_that_is_interrupted_ends_well(tmp_path: Path):
    started = start_server(tmp_path)
    dialled = Panel.dial(started.address)
    os.kill(started.process.pid, signal.SIGINT)
    assert started.process.wait(10) == 0
    with pytest.raises(wire.WireError):
        while True:
            dialled.next()


def test_what_one_panel_asks_too_much_is_refused_to_it_alone(server: Server, dialled: Panel):
    crowd = Panel.dial(server.address)
    # Drawing a scene takes longer than reading a request, so that they pile up.
    numbers = [crowd.send("sample", grammar=str(DRIVING), seed=i) for i in range(200)]
    sentences = []
    while numbers:
        found = crowd.next()
        if found.id in numbers:
            numbers.remove(found.id)
            sentences.append(found.sentence)
            if found.sentence:
                assert dialled.ask("status") == {"train": None, "dataset": None}
    refused = [sentence for sentence in sentences if sentence]
    assert len(sentences) - len(refused) >= 64
    assert refused and all("too much to do" in sentence for sentence in refused)


def test_a_panel_that_never_reads_is_let_go_and_harms_nobody(server: Server, dialled: Panel):
    silent = Panel.dial(server.address)
    for number in range(3000):  # about 100 MB of answers that nobody takes
        try:
            silent.connection.send(wire.Message("grammar", {"id": number, "path": str(DRIVING)}))
        except wire.WireError:
            break
    assert dialled.ask("status") == {"train": None, "dataset": None}


def test_of_very_many_grammars_the_server_keeps_a_few(tmp_path: Path):
    from metasim_backend.serving.scenes import MOST_KEPT, Scenes

    scenes, text = Scenes(), (DRIVING.parent / "mnist_rotation.yaml").read_text()
    for number in range(MOST_KEPT + 5):
        path = tmp_path / str(number) / "grammar.yaml"
        path.parent.mkdir()
        path.write_text(text)
        assert scenes.read(path) is scenes.read(path)
    assert len(scenes._grammars) == MOST_KEPT


def test_strangers_keep_no_panel_out(server: Server):
    crowd = [socket.create_connection(server.address) for _ in range(100)]
    with contextlib.closing(Panel.dial(server.address).connection):
        pass
    for sock in crowd:
        sock.close()


def test_of_too_many_panels_the_last_is_told(server: Server):
    from metasim_backend.serving.server import MOST_CLIENTS

    there = []
    with pytest.raises(panel.PanelProtocolError, match="Too many panels"):
        for _ in range(MOST_CLIENTS + 1):
            there.append(Panel.dial(server.address))
    for one in there:
        one.connection.close()
