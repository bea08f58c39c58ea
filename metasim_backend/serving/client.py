"""One connected panel: its thread reads requests and writes answers and events."""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import threading
from collections.abc import Callable

from blender_addon.contract.panel import (
    HELLO_WITHIN,
    MAX_MESSAGE,
    PROTOCOL,
    error,
    other_version,
)
from blender_addon.contract.wire import HANDSHAKE_WITHIN, Connection, Message, WireError

MOST_WAITING = 256
"""Messages that may wait for a panel; one that does not read is let go."""
MESSAGE_WITHIN = 15.0


class Client:
    """A panel that has dialled in.

    Attributes:
        admitted: it has shown that it knows the token, and there is room for it.
        greeted: both sides know each other; before that it is told nothing.
        unanswered: its requests that wait; the server counts them.

    Args:
        sock: its socket, owned by this object from now on.
        token: what it has to know.
        welcome: the answer to its greeting.
        admit: says whether there is room, once it has shown that it knows the token.
        arrived: called once it has been greeted.
        asked: called with each of its messages.
        gone: called when it has left.
    """

    def __init__(
        self,
        sock: socket.socket,
        token: str,
        welcome: Message,
        *,
        admit: Callable[[Client], bool],
        arrived: Callable[[Client], object],
        asked: Callable[[Client, Message], object],
        gone: Callable[[Client], object],
    ) -> None:
        self.admitted = False
        self.greeted = False
        self.unanswered = 0
        self._socket = sock
        self._token = token
        self._welcome = welcome
        self._admit, self._arrived, self._asked, self._gone = admit, arrived, asked, gone
        self._waiting: queue.Queue[Message | None] = queue.Queue(MOST_WAITING)
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="metasim-panel", daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """Have a message sent; never waits. A panel that does not read is let go."""
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            self._left.set()
        with contextlib.suppress(OSError):  # full: it is awake already
            self._wake.send(b"\0")

    def close(self, within: float = 2.0) -> None:
        """Send what waits, then hang up."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")
        self._thread.join(within)
        self._left.set()

    def hang_up(self) -> None:
        """End the connection at once; whatever waits is lost."""
        self._left.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        try:
            with Connection(
                self._socket,
                self._token,
                server=True,
                timeout=MESSAGE_WITHIN,
                handshake=HANDSHAKE_WITHIN,
                max_message=MAX_MESSAGE,
            ) as connection:
                if not self._admit(self):
                    connection.send(error(None, "Too many panels are connected; close one."))
                elif self._greet(connection):
                    self._arrived(self)
                    self._talk(connection)
        except (WireError, OSError):
            pass  # a stranger, or gone: nobody is left to tell
        finally:
            self._gone(self)
            self._socket.close()
            self._wake.close()
            self._woken.close()

    def _greet(self, connection: Connection) -> bool:
        try:
            message = connection.receive(wait=HELLO_WITHIN)
        except TimeoutError:
            return False
        protocol = message.body.get("protocol")
        if message.kind != "hello":
            connection.send(error(None, "A panel has to greet first; use the same release."))
        elif protocol != PROTOCOL or isinstance(protocol, bool):
            connection.send(error(None, other_version("add-on", protocol)))
        else:
            connection.send(self._welcome)
            return True
        return False

    def _talk(self, connection: Connection) -> None:
        # One thread for both directions: a Connection is not for two.
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ, "message")
            selector.register(self._woken, selectors.EVENT_READ, "wake")
            while not self._left.is_set():
                ready = {key.data for key, _ in selector.select(timeout=1.0)}
                if "wake" in ready:
                    self._woken.recv(4096)
                if "message" in ready:
                    self._asked(self, connection.receive(wait=MESSAGE_WITHIN))
                while not self._waiting.empty() and not self._left.is_set():
                    message = self._waiting.get_nowait()
                    if message is None:
                        return
                    connection.send(message)
