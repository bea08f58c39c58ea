"""The panel's end of the wire: one thread that dials the backend, asks and listens.

Nothing here imports bpy. The main thread puts requests in and takes answers and events out; it
never waits for a socket.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from ..contract import panel, wire
from .backend_process import BackendProcess, LinkError

# Seconds without a word after which the backend counts as dead; told to people within SILENCE.
PATIENCE = panel.SILENCE - panel.ALIVE_EVERY
DIAL = 10.0  # seconds for the handshake
MOST_EVENTS = 4096

OFF, STARTING, CONNECTED, LOST = "off", "starting", "connected", "lost"


class Link:
    """A connection to a backend that may be started, lost and started again.

    Args:
        addon, blender: versions, which the panel says first.

    Attributes:
        state: ``"off"``, ``"starting"``, ``"connected"`` or ``"lost"``.
        sentence: what happened, for people; why it was lost, and the remedy.
        versions: the backend's, package to version, once connected.
        capabilities: the kinds of requests it knows, once connected.
        address: HOST:PORT.
    """

    def __init__(self, addon: str, blender: str) -> None:
        self.state = OFF
        self.sentence = "No backend is running."
        self.versions: Mapping[str, object] = {}
        self.address = ""
        self.capabilities: tuple[str, ...] = ()
        self._hello = panel.hello(addon, blender)
        self._events: deque[panel.Reply] = deque(maxlen=MOST_EVENTS)
        self._talk: _Talk | None = None

    def dial(self, host: str, port: int, token: str) -> None:
        """Connect to a backend that is already running; returns at once."""
        self._begin(lambda stopped: (host, port, token), None)

    def start(self, process: BackendProcess) -> None:
        """Start a backend and connect to it; returns at once."""
        self._begin(process.start, process)

    def ask(self, kind: str, **fields: object) -> Future[Mapping[str, Any]]:
        """Send a request, one of :data:`..contract.panel.REQUESTS`.

        Returns:
            A future that holds the answer's result, or raises :class:`LinkError` with the
            backend's sentence.

        Raises:
            PanelProtocolError: when there is no such request, or a field is wrong.
        """
        if self._talk is None or self.state not in (STARTING, CONNECTED):
            panel.request(kind, 0, **fields)
            future: Future[Mapping[str, Any]] = Future()
            future.set_exception(LinkError(self.sentence))
            return future
        return self._talk.ask(kind, fields)

    def events(self, most: int = 16) -> list[panel.Reply]:
        """Up to so many events, oldest first; they are then gone from here."""
        found: list[panel.Reply] = []
        while self._events and len(found) < most:
            found.append(self._events.popleft())
        return found

    def close(self, sentence: str = "The backend was stopped.", wait: float = 0.0) -> None:
        """Hang up, and end the backend if it was started here.

        Args:
            sentence: what the panel says from now on.
            wait: seconds to wait for the backend's end.
        """
        if self._talk is not None:
            self._talk.stop(sentence, wait)
            self._talk = None
        self.state, self.sentence = OFF, sentence

    def _begin(self, opening: _Opening, process: BackendProcess | None) -> None:
        self.close()
        self._events.clear()
        self.state, self.sentence = STARTING, "The backend is starting."
        self._talk = _Talk(self, opening, process)
        self._talk.thread.start()

    def _changed(self, talk: _Talk, state: str, sentence: str) -> None:
        """Called by a talk's thread; one that was hung up has no say any more."""
        if talk is self._talk:
            self.sentence, self.state = sentence, state

    def _happened(self, talk: _Talk, event: panel.Reply) -> None:
        if talk is self._talk:
            self._events.append(event)


_Opening = Callable[[threading.Event], tuple[str, int, str]]


class _Talk:
    """One connection from dialling to hanging up, in a thread of its own."""

    def __init__(self, link: Link, opening: _Opening, process: BackendProcess | None) -> None:
        self._link = link
        self._opening = opening
        self._process = process
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._outbox: deque[wire.Message] = deque()
        self._pending: dict[int, Future[Mapping[str, Any]]] = {}
        self._last_id = 0
        self._over = ""
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self.thread = threading.Thread(target=self._work, name="metasim link", daemon=True)

    def ask(self, kind: str, fields: Mapping[str, object]) -> Future[Mapping[str, Any]]:
        future: Future[Mapping[str, Any]] = Future()
        with self._lock:
            message = panel.request(kind, self._last_id + 1, **fields)
            if self._over:
                future.set_exception(LinkError(self._over))
                return future
            self._last_id += 1
            self._pending[self._last_id] = future
            self._outbox.append(message)
        self._ring()
        return future

    def stop(self, sentence: str, wait: float) -> None:
        self._stopped.set()
        self._ring()
        self._end(sentence)
        if wait:
            self.thread.join(timeout=wait)

    def _ring(self) -> None:
        with contextlib.suppress(OSError):
            self._bell.send(b"!")

    def _work(self) -> None:
        sentence = "The backend was stopped."
        try:
            host, port, token = self._opening(self._stopped)
            self._link.address = f"{host}:{port}"
            with _dial(host, port, token) as connection:
                self._greet(connection)
                self._listen(connection)
        except (LinkError, panel.PanelProtocolError) as error:
            sentence = str(error)
        except wire.WireError as error:
            sentence = self._why_lost(error)
        except Exception as error:  # a mistake of ours must not leave the panel waiting
            sentence = f"The link to the backend failed: {type(error).__name__}: {error}."
        finally:
            if self._process is not None:
                self._process.stop()
            self._end(sentence)
            self._link._changed(self, LOST, sentence)
            for end in (self._bell, self._ear):
                end.close()

    def _greet(self, connection: wire.Connection) -> None:
        connection.send(self._link._hello)
        try:
            welcome = panel.read_welcome(connection.receive(wait=DIAL))
        except TimeoutError:
            raise LinkError(
                f"What listens at {self._link.address} does not answer; is it `metasim serve`?"
            ) from None
        versions = welcome["versions"]
        self._link.versions = {"metasim": welcome["version"], **versions}  # type: ignore[dict-item]
        self._link.capabilities = tuple(welcome["capabilities"])  # type: ignore[arg-type]
        self._link._changed(self, CONNECTED, f"Connected to {self._link.address}.")

    def _listen(self, connection: wire.Connection) -> None:
        heard = time.monotonic()
        while not self._stopped.is_set():
            readable, _, _ = select.select([connection.fileno(), self._ear.fileno()], [], [], 0.25)
            if self._ear.fileno() in readable:
                self._ear.recv(4096)
            if connection.fileno() in readable:
                self._take(connection.receive(wait=PATIENCE))
                heard = time.monotonic()
            elif time.monotonic() - heard > PATIENCE:
                raise wire.WireError(f"it has said nothing for {PATIENCE:.0f} s")
            while self._outbox:
                connection.send(self._outbox.popleft())

    def _take(self, message: wire.Message) -> None:
        reply = panel.read_answer(message)
        if reply.topic is not None:
            if reply.topic != "alive":
                self._link._happened(self, reply)
            return
        if reply.id is None:
            raise LinkError(reply.sentence or "The backend hung up.")
        with self._lock:
            future = self._pending.pop(reply.id, None)
        if future is None:
            return
        if reply.sentence is None:
            future.set_result(reply.body)
        else:
            future.set_exception(LinkError(reply.sentence))

    def _why_lost(self, error: wire.WireError) -> str:
        if self._process is not None:
            return self._process.obituary(str(error))
        if isinstance(error, wire.AuthenticationError):
            return (
                f"The backend at {self._link.address} refused the token; put the one that "
                "`metasim serve` printed into the add-on's preferences."
            )
        return (
            f"The connection to the backend at {self._link.address} is lost: {error}. Press "
            "Connect when it can be reached again; the scene is kept."
        )

    def _end(self, sentence: str) -> None:
        with self._lock:
            self._over = self._over or sentence
            pending, self._pending = list(self._pending.values()), {}
        for future in pending:
            with contextlib.suppress(Exception):  # answered in this moment
                future.set_exception(LinkError(sentence))


def _dial(host: str, port: int, token: str) -> wire.Connection:
    try:
        sock = socket.create_connection((host, port), DIAL)
    except OSError as error:
        raise LinkError(
            f"No backend answers at {host}:{port} ({error.strerror or error}); start it, or "
            "mend host and port in the add-on's preferences."
        ) from None
    return wire.Connection(sock, token, server=False, timeout=DIAL, max_message=panel.MAX_MESSAGE)
