"""The link to the backend: what it brings, and the sentence for each way in which it fails."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest
from fake_backend import TOKEN, FakeBackend
from street_scenes import make_street

from blender_addon.contract import panel

pytest.importorskip("bpy", reason="needs Blender's bpy module")

from blender_addon.ui.backend_process import (  # noqa: E402
    BackendProcess,
    LinkError,
    backend_command,
)
from blender_addon.ui.link import CONNECTED, LOST, Link  # noqa: E402


@pytest.fixture
def link() -> Iterator[Link]:
    found = Link("0.1.0", "4.5")
    yield found
    found.close(wait=5.0)


@pytest.fixture
def backend() -> Iterator[FakeBackend]:
    found = FakeBackend(make_street())
    yield found
    found.close()


def until(condition, seconds: float = 10.0) -> float:
    """Seconds until it held."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - began


def test_requests_made_while_it_dials_are_answered(link: Link, backend: FakeBackend):
    link.dial("127.0.0.1", backend.port, TOKEN)
    futures = [link.ask("sample", grammar="/g.yaml", seed=seed) for seed in (3, 4)]
    assert [f.result(10)["scene"]["seed"] for f in futures] == [3, 4]
    assert link.state == CONNECTED and link.versions["metasim"] == "9.9"


def test_events_come_in_order_with_their_pictures(link: Link, backend: FakeBackend):
    link.dial("127.0.0.1", backend.port, TOKEN)
    link.ask("grammars").result(10)
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    backend.say("dataset", state="running", done=1, count=2)
    backend.say("train", picture, state="running", run="/r")
    found: list = []
    until(lambda: found.extend(link.events()) or len(found) == 2)
    assert [event.topic for event in found] == ["dataset", "train"]
    np.testing.assert_array_equal(found[1].arrays["picture"], picture)


def test_the_backends_sentence_is_the_errors(link: Link, backend: FakeBackend):
    link.dial("127.0.0.1", backend.port, TOKEN)
    with pytest.raises(LinkError, match="line 3: 'clases' is no key"):
        link.ask("sample", grammar="/wrong.yaml", seed=0).result(10)
    assert link.state == CONNECTED


def test_a_wrong_token_says_where_the_right_one_is(link: Link, backend: FakeBackend):
    link.dial("127.0.0.1", backend.port, "another")
    with pytest.raises(LinkError, match="refused the token; put the one that `metasim serve`"):
        link.ask("grammars").result(10)
    until(lambda: link.state == LOST)


def test_another_protocol_is_told_before_anything_is_asked(link: Link):
    old = FakeBackend(make_street(), protocol=panel.PROTOCOL + 1)
    try:
        link.dial("127.0.0.1", old.port, TOKEN)
        with pytest.raises(LinkError, match="from the same release"):
            link.ask("grammars").result(10)
        assert not old.asked
    finally:
        old.close()


def test_nobody_at_the_port_is_told(link: Link):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    link.dial("127.0.0.1", port, TOKEN)
    with pytest.raises(LinkError, match=f"No backend answers at 127.0.0.1:{port}"):
        link.ask("grammars").result(10)


@pytest.mark.parametrize("how", ["hang up", "silence"])
def test_a_dead_backend_is_noticed_within_five_seconds_and_can_be_dialled_again(
    link: Link, backend: FakeBackend, how: str
):
    link.dial("127.0.0.1", backend.port, TOKEN)
    link.ask("grammars").result(10)
    if how == "silence":
        backend.silent = True
        time.sleep(0.2)  # what it has begun to read it still answers
    else:
        backend.hang_up()
    waiting = link.ask("grammars")
    assert until(lambda: link.state == LOST) < panel.SILENCE
    with pytest.raises(LinkError, match="is lost"):
        waiting.result(1)
    another = FakeBackend(make_street())
    try:
        link.dial("127.0.0.1", another.port, TOKEN)
        assert link.ask("grammars").result(10)["grammars"]
    finally:
        another.close()


def test_a_request_that_the_protocol_does_not_have_is_refused_at_once(link: Link):
    with pytest.raises(panel.PanelProtocolError, match="'dance'"):
        link.ask("dance")


def test_a_python_without_metasim_is_named(link: Link, tmp_path):
    bare = [sys.executable, "-c", "import sys; sys.exit('No module named metasim_backend')"]
    link.start(BackendProcess(bare))
    with pytest.raises(LinkError, match="has no metasim"):
        link.ask("grammars").result(10)


def test_a_program_that_is_not_there_is_named(link: Link):
    with pytest.raises(LinkError, match="'/nowhere/python' is not a program"):
        backend_command("/nowhere/python")
    link.start(BackendProcess(("/nowhere/metasim",)))
    with pytest.raises(LinkError, match="'/nowhere/metasim' cannot be started"):
        link.ask("grammars").result(10)


def test_without_a_backend_the_remedy_is_named():
    with pytest.raises(LinkError, match="choose the Python"):
        backend_command("", {"PATH": "/nowhere"})
    found = backend_command("", {"METASIM_PYTHON": sys.executable, "PATH": "/nowhere"})
    assert found == (sys.executable, "-m", "metasim_backend")
