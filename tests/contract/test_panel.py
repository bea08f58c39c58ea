"""The panel's protocol: requests are checked whole, and what a hostile server says is refused."""

import ast
from pathlib import Path

import numpy as np
import pytest

from blender_addon.contract import panel
from blender_addon.contract.wire import Message

SIZE = {"run": "/runs/a", "folder": "/data", "count": 4}


def test_defaults_are_filled_in():
    found = panel.read_request(panel.request("dataset_start", 7, **SIZE, size=[64, 48]))
    assert (found.kind, found.id) == ("dataset_start", 7)
    assert found.body["format"] == "coco" and found.body["seed"] == 0
    assert found.body["grammar"] is None and found.body["prior"] is False
    assert set(found.body) == set(panel.REQUESTS["dataset_start"])


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        ("format_disk", {}, "no request 'format_disk'"),
        ("dataset_start", {"run": "/a", "count": 1}, "lacks 'folder'"),
        ("dataset_start", {**SIZE, "count": 0}, "at least 1"),
        ("dataset_start", {**SIZE, "count": True}, "at least 1"),
        ("dataset_start", {**SIZE, "count": 2**70}, "at least 1"),
        ("dataset_start", {**SIZE, "size": [64]}, "width and height"),
        ("dataset_start", {**SIZE, "size": [64, 1e5]}, "width and height"),
        ("dataset_start", {**SIZE, "prior": 1}, "true or false"),
        ("dataset_start", {**SIZE, "folder": ""}, "a path was expected"),
        ("dataset_start", {**SIZE, "folder": "/a\0b"}, "a path was expected"),
        ("dataset_start", {**SIZE, "folder": "/" + "a" * 5000}, "a path was expected"),
        ("train_start", {"run": "/a", "overrides": "match.steps=1"}, "list of texts"),
        ("train_start", {"run": "/a", "phases": ["match", 3]}, "list of texts"),
        ("transform", {"run": "/a", "scene": []}, "an object was expected"),
        ("status", {"verbose": True}, "no field 'verbose'"),
    ],
)
def test_a_wrong_request_is_named_with_what_was_expected(kind, fields, sentence):
    with pytest.raises(panel.PanelProtocolError, match=sentence):
        panel.request(kind, 1, **fields)


@pytest.mark.parametrize("number", [None, "1", -1, True, 1.0])
def test_a_request_needs_a_number(number):
    with pytest.raises(panel.PanelProtocolError, match="'id'"):
        panel.read_request(Message("status", {"id": number}))


def test_answers_errors_and_events_come_through_as_they_were_made():
    found = panel.read_answer(panel.answer(3, {"scene": {}}))
    assert (found.id, dict(found.body), found.sentence) == (3, {"scene": {}}, None)
    found = panel.read_answer(panel.error(4, "No such\nfolder.", ours=True))
    assert (found.id, found.sentence, found.ours) == (4, "No such folder.", True)
    picture = np.zeros((4, 6, 3), np.uint8)
    found = panel.read_answer(panel.event("train", {"state": "running"}, {"picture": picture}))
    assert found.topic == "train" and found.arrays["picture"].shape == (4, 6, 3)
    assert panel.read_answer(panel.error(None, "Full.")).id is None


@pytest.mark.parametrize(
    "message",
    [
        Message("answer", {"result": {}}),
        Message("answer", {"id": 1}),
        Message("answer", {"id": True, "result": {}}),
        Message("answer", {"id": 1, "result": [1]}),
        Message("error", {"id": 1}),
        Message("error", {"id": 1, "sentence": 5}),
        Message("event", {"topic": "news"}),
        Message("event", {}),
        Message("event", {"topic": ["train"]}),
        Message("event", {"topic": "train", "state": "asleep"}),
        Message("event", {"topic": "dataset", "state": ["running"]}),
        Message(
            "event", {"topic": "train", "state": "running"}, {"picture": np.zeros((4, 6), np.uint8)}
        ),
        Message(
            "event",
            {"topic": "train", "state": "running"},
            {"picture": np.zeros((4, 6, 3), np.float32)},
        ),
        Message("execute", {"code": "1"}),
    ],
)
def test_what_a_server_may_not_say_is_refused(message):
    with pytest.raises(panel.PanelProtocolError):
        panel.read_answer(message)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (panel.error(None, "The token is old."), "The token is old"),
        (Message("error", {}), "refused the panel"),
        (Message("answer", {}), "in place of a greeting"),
        (Message("hello", {"protocol": 2}), "version 2 .* version 1; install"),
        (Message("hello", {"protocol": 1, "version": "1"}), "lacks its versions"),
    ],
)
def test_a_greeting_that_is_none_gives_a_sentence(message, sentence):
    with pytest.raises(panel.PanelProtocolError, match=sentence):
        panel.read_welcome(message)


def test_the_protocol_needs_neither_bpy_nor_torch():
    tree = ast.parse(Path(panel.__file__).read_text())
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= {"math", "numpy"}
