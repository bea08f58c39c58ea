"""A backend of a few lines that speaks the panel's protocol, and can misbehave."""

from __future__ import annotations

import socket
import threading
import time

import numpy as np

from blender_addon.contract import panel, wire
from blender_addon.contract.scene_graph import to_dict

TOKEN = "a token for the test"
GRAMMAR = {
    "start": "street",
    "symbols": [],
    "rules": [{"expand": "street", "into": [{"class": "car", "count": {"0": 0.5, "9": 0.5}}]}],
    "classes": {
        "street": {"attributes": {}},
        "car": {
            "attributes": {
                "along": {"kind": "continuous", "range": [4, 70], "unit": "m", "mutable": True},
                "yaw": {"kind": "circular", "period": 360, "unit": "deg", "mutable": True},
            }
        },
    },
}


class FakeBackend:
    """Listens on a free port and serves one panel.

    Args:
        scene: what ``sample`` answers; ``transform`` moves its cars by two metres.
        protocol: the version that it claims to speak.
        silent: after the greeting it says nothing any more.
    """

    def __init__(self, scene, protocol: int = panel.PROTOCOL, silent: bool = False) -> None:
        self.scene, self.protocol, self.silent = scene, protocol, silent
        self.asked: list[panel.Request] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connection: wire.Connection | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def say(self, topic: str, picture: np.ndarray | None = None, **body: object) -> None:
        """An event."""
        self._send(panel.event(topic, body, {} if picture is None else {"picture": picture}))

    def hang_up(self) -> None:
        """Drop the connection without a word."""
        assert self.connection is not None
        self.connection.close()

    def close(self) -> None:
        self._over.set()
        self.listener.close()
        if self.connection is not None:
            self.connection.close()
        self._thread.join(5)

    def _send(self, message: wire.Message) -> None:
        with self._lock:
            assert self.connection is not None
            self.connection.send(message)

    def _serve(self) -> None:
        try:
            sock, _ = self.listener.accept()
            self.connection = wire.Connection(sock, TOKEN, server=True)
            self.connection.receive(wait=10)
            hello = {"version": "9.9", "versions": {"torch": "2"}, "capabilities": []}
            self._send(wire.Message("hello", {"protocol": self.protocol, **hello}))
            said = time.monotonic()
            while not self._over.is_set():
                if self.silent:
                    time.sleep(0.05)
                    continue
                if time.monotonic() - said > 0.5:
                    said = time.monotonic()
                    self.say("alive", clock=said)
                try:
                    message = self.connection.receive(wait=0.05)
                except TimeoutError:
                    continue
                self._answer(panel.read_request(message))
        except OSError:  # either side has hung up
            pass

    def _answer(self, request: panel.Request) -> None:
        self.asked.append(request)
        if request.kind == "grammars":
            shipped = {
                "name": "driving",
                "path": "/g.yaml",
                "domain": "driving",
                "title": "A street",
            }
            result: dict = {"grammars": [shipped]}
        elif request.kind in ("grammar", "run"):
            result = {"grammar": GRAMMAR, "domain": "driving"}
        elif request.kind == "sample":
            if request.body["run"] is None and request.body["grammar"] != "/g.yaml":
                sentence = f"{request.body['grammar']}, line 3: 'clases' is no key."
                self._send(panel.error(request.id, sentence))
                return
            result = {"scene": to_dict(self.scene) | {"seed": request.body["seed"]}}
        elif request.kind == "transform":
            scene = dict(request.body["scene"])  # type: ignore[call-overload]
            for node in scene["nodes"]:
                if node["class"] == "car":
                    node["attributes"]["along"] += 2.0
            result = {"scene": scene}
        else:
            self._send(panel.error(request.id, f"The folder for {request.kind} is not writable."))
            return
        self._send(panel.answer(request.id, result))
