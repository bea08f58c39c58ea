"""A cable between a panel and a backend that can be pulled: nobody hangs up, nothing passes."""

from __future__ import annotations

import select
import socket
import threading
from pathlib import Path


class Relay:
    """Passes what one connection says to another port, until a file appears.

    Args:
        port: where the backend listens on this machine.
        pulled: the file.

    Attributes:
        port: where the panel may connect instead.
    """

    def __init__(self, port: int, pulled: Path) -> None:
        self._target, self._pulled = port, pulled
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._pass, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._listener.close()
        self._thread.join(5)

    def _pass(self) -> None:
        try:
            near, _ = self._listener.accept()
            with near, socket.create_connection(("127.0.0.1", self._target)) as far:
                other = {near: far, far: near}
                while not self._over.is_set():
                    if self._pulled.exists():
                        self._over.wait(0.05)
                        continue
                    readable, _, _ = select.select([near, far], [], [], 0.05)
                    for end in readable:
                        said = end.recv(65536)
                        if not said:
                            return
                        other[end].sendall(said)
        except OSError:  # either side has hung up, or nobody came
            pass
