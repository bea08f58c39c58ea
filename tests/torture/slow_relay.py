"""A network that takes its time: bytes arrive after a delay, in both directions, in order."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time


class SlowRelay:
    """Passes connections on to an address; each byte takes so long on its way.

    Args:
        target: where to pass them on to.
        delay: seconds, one way.
    """

    def __init__(self, target: tuple[str, int], delay: float) -> None:
        self._target, self._delay = target, delay
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                for source, sink in ((near, far), (far, near)):
                    waiting: queue.Queue[tuple[float, bytes]] = queue.Queue()
                    for work in (self._take, self._give):
                        threading.Thread(
                            target=work, args=(source, sink, waiting), daemon=True
                        ).start()

    def _take(self, source: socket.socket, _: socket.socket, waiting: queue.Queue) -> None:
        data = b"x"
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            waiting.put((time.monotonic() + self._delay, data))

    def _give(self, _: socket.socket, sink: socket.socket, waiting: queue.Queue) -> None:
        with contextlib.suppress(OSError):
            while True:
                due, data = waiting.get()
                time.sleep(max(due - time.monotonic(), 0))
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
