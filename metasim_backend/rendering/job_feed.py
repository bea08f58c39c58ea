"""What one worker is given to do: the job that it works at, and the next one, sent ahead.

A worker that finds its next job in its socket does not wait for the backend between two. Only a
job that fits the socket's own buffer is sent ahead: its sending ends although nobody reads, so
both sides can never wait for each other to read.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from blender_addon.contract.wire import Connection, EncodedMessage, Message, WireError

AHEAD_BYTES = 128 * 2**10  # the largest job that is sent ahead; most scenes take a tenth of it


@dataclass(eq=False)
class Job:
    """One job and who waits for it.

    Attributes:
        number: of the job; its answer has it too.
        message: as it goes over the wire.
        name: what it is about, for messages.
        read: makes the result of the answer; raises ValueError when that is none.
        attempts: how often a worker began it.
        broken, silent, failed: how often its worker was lost, did not answer, or reported an error.
    """

    number: int
    message: EncodedMessage
    name: str
    read: Callable[[Message], Any]
    future: Future[Any] = field(default_factory=Future)
    attempts: int = 0
    broken: int = 0
    silent: int = 0
    failed: int = 0


class JobFeed:
    """The jobs of one worker, at most two, in the order in which it does them.

    Args:
        connection: to the worker.
        jobs: where all workers' jobs wait.
        plenty: says whether so many wait that taking two leaves no other worker without.
    """

    def __init__(
        self, connection: Connection, jobs: queue.Queue[Job], plenty: Callable[[], bool]
    ) -> None:
        connection.buffer_sending(2 * AHEAD_BYTES)
        self._connection, self._jobs, self._plenty = connection, jobs, plenty
        self._held: deque[Job] = deque()
        self._sent = 0

    def __len__(self) -> int:
        return len(self._held)

    def take(self, wait: float) -> bool:
        """Take what can be taken; whether there is anything to do.

        Args:
            wait: seconds to wait for a job when there is none.
        """
        if not self._held:
            self._hold(wait)
        if len(self._held) == 1 and self._plenty():
            self._hold(None)
        return bool(self._held)

    def next_answer(self, timeout: float) -> tuple[Job, Message]:
        """Send what can be sent, and wait for the first job's answer.

        Raises:
            WireError, TimeoutError: the worker is lost, or answers what it was not asked;
                :meth:`unanswered` has its jobs.
        """
        self._held[0].attempts += 1
        while self._sent < len(self._held) and (
            self._sent == 0 or self._held[self._sent].message.size <= AHEAD_BYTES
        ):
            self._connection.send_encoded(self._held[self._sent].message)
            self._sent += 1
        answer = self._connection.receive(wait=timeout)
        if answer.body.get("job") != self._held[0].number:
            raise WireError("it answered a job that it was not given")
        self._sent -= 1
        return self._held.popleft(), answer

    def unanswered(self) -> list[Job]:
        """The jobs that it still holds, the one that the worker was at first."""
        return list(self._held)

    def _hold(self, wait: float | None) -> None:
        try:
            job = self._jobs.get(wait is not None, wait)
        except queue.Empty:
            return
        if not job.future.done():
            self._held.append(job)
