"""A pool of workers that dial in; jobs go to whichever is free and are retried when it is lost."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from blender_addon.contract.text_files import shown
from blender_addon.contract.version import ADDON_VERSION
from blender_addon.contract.wire import (
    HANDSHAKE_WITHIN,
    PROTOCOL,
    Connection,
    Message,
    WireError,
    address_text,
    encode,
    listen,
)
from metasim_backend.rendering.giving_up import broken_connections, silent_workers
from metasim_backend.rendering.job_feed import Job, JobFeed
from metasim_backend.rendering.renderer import (
    RendererSetupError,
    RenderingError,
    RenderingInputError,
)
from metasim_backend.rendering.worker_process import LOG_BYTES, WorkerProcess, blender_command

MAX_ERRORS = 2
MAX_FAILED_STARTS = 3
MOST_STRANGERS = 64
"""Connections that have not shown the token yet; for one more the oldest is let go."""
MOST_SAID = 2000  # letters of a worker's words
POLL = 0.2
GRACE = 2.0


@dataclass(frozen=True)
class WorkerSettings:
    """How many workers, where from, and how long to wait for them.

    Attributes:
        count: local workers to start and keep running; 0 waits for workers that dial in.
        blender: executable of an installed Blender, or None for the ``bpy`` module.
        threads: render threads of each local worker; 0 shares the cores between them.
        host, port: where to listen; port 0 takes a free one.
        token: the shared secret; None makes one.
        job_timeout: seconds that one job may take before its worker is given up.
        start_timeout: seconds that a local worker may take to dial in.
        recycle_after: jobs after which a local worker is replaced, against slow growth.
    """

    count: int = 2
    blender: str | None = None
    threads: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    token: str | None = None
    job_timeout: float = 600.0
    start_timeout: float = 120.0
    recycle_after: int = 5_000


class WorkerPool:
    """Listen, keep local workers alive, and hand out jobs.

    A job is idempotent: when its worker is lost, does not answer or answers what it was not asked,
    the job goes to another, until it is likely to be the cause itself (:mod:`.giving_up`). A worker
    that reports an error stays; its job is tried once more, then fails with the worker, the scene
    and the end of the worker's log.

    Raises:
        RendererSetupError: when the port is in use or Blender is not there.
    """

    def __init__(self, settings: WorkerSettings | None = None) -> None:
        self.settings = settings or WorkerSettings()
        self.token = self.settings.token or secrets.token_hex(16)
        self._command: list[str] = []
        if self.settings.count:
            self._command = blender_command(self.settings.blender, self._thread_count())
        self._jobs: queue.Queue[Job] = queue.Queue()
        self._open: set[Job] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._processes: dict[int, WorkerProcess] = {}
        self._dialled_in: set[int] = set()
        self._started_at: dict[int, float] = {}
        self._failed_starts = 0
        self._lost = 0
        self._broken, self._silent = broken_connections(), silent_workers()
        self._numbers = itertools.count(1)
        self._strangers: dict[socket.socket, None] = {}
        self._told = False
        self._connections: set[Connection] = set()
        try:
            self._listener = listen(self.settings.host, self.settings.port)
        except OSError as error:
            raise RendererSetupError(
                f"Cannot listen on {address_text((self.settings.host, self.settings.port))} "
                f"({error.strerror}); "
                "choose another address or port, or stop the program that uses it."
            ) from None
        self._listener.settimeout(POLL)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self._threads = [
            threading.Thread(target=self._accept, name="metasim-listener", daemon=True),
            threading.Thread(target=self._keep_alive, name="metasim-keeper", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def lost_workers(self) -> int:
        """How many workers were lost so far."""
        return self._lost

    def worker_pids(self) -> list[int]:
        """Process ids of the local workers that have dialled in."""
        with self._lock:
            return sorted(self._dialled_in & set(self._processes))

    def submit(
        self,
        kind: str,
        body: Mapping[str, object],
        name: str,
        read: Callable[[Message], Any] = lambda answer: answer,
    ) -> Future[Any]:
        """Queue a job; its future gives what is read of the worker's answer.

        Args:
            name: what the job is about (a scene and its seed), for messages.
            read: raises ValueError on an answer that is none; the job then goes to another worker.

        Raises:
            RenderingInputError: when it is too large for a message.
        """
        if self._closing.is_set():
            raise RenderingError("The worker pool is closed.")
        try:
            number = next(self._numbers)
            job = Job(number, encode(Message(kind, {**body, "job": number})), name, read)
        except WireError as error:
            raise RenderingInputError(f"{name}: {error}.") from None
        with self._lock:
            self._open.add(job)
            waits = not (self.settings.count or self._connections or self._told)
            self._told = self._told or waits
        if waits:
            at = address_text(self.address)
            print(
                f"Waiting for workers; start one with: METASIM_TOKEN=... metasim worker --connect "
                f"{at}",
                file=sys.stderr,
                flush=True,
            )
        self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Stop all workers; no process is left behind."""
        self._closing.set()
        self._listener.close()
        self._fail_all(RenderingError("The worker pool was closed."))
        for thread in self._threads:
            thread.join(timeout=10)
        # Idle workers are told to stop by their own thread; one in a job is cut off.
        deadline = time.monotonic() + GRACE
        while self._connections and time.monotonic() < deadline:
            time.sleep(0.02)
        with self._lock:
            connections, processes = list(self._connections), list(self._processes.values())
            self._processes.clear()
        for connection in connections:
            connection.close()
        for process in processes:
            process.kill(grace=max(deadline - time.monotonic(), 0.0))

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Starting workers -----------------------------------------------------------------------

    def _keep_alive(self) -> None:
        while not self._closing.is_set():
            try:
                self._reap()
                while not self._closing.is_set() and len(self._processes) < self.settings.count:
                    self._start()
            except Exception as error:  # without workers every waiting job must hear of it
                self._fail_all(RenderingError(f"Cannot start a worker: {error}"))
                time.sleep(1.0)
            time.sleep(POLL)

    def _start(self) -> None:
        process = WorkerProcess(self._command, self.address, self.token, self._thread_count())
        with self._lock:
            self._processes[process.pid] = process
            self._started_at[process.pid] = time.monotonic()

    def _thread_count(self) -> int:
        if self.settings.threads:
            return self.settings.threads
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        return max(1, cores // max(self.settings.count, 1))

    def _reap(self) -> None:
        now = time.monotonic()
        for pid, process in list(self._processes.items()):
            late = (
                pid not in self._dialled_in
                and now - self._started_at[pid] > self.settings.start_timeout
            )
            if process.running and not late:
                continue
            tail = process.log_tail()
            process.kill()
            with self._lock:
                del self._processes[pid]
                self._started_at.pop(pid, None)
                started = pid in self._dialled_in
                self._dialled_in.discard(pid)
            self._failed_starts = 0 if started else self._failed_starts + 1
            if self._failed_starts >= MAX_FAILED_STARTS:
                why = "did not dial in" if late else "ended before it dialled in"
                self._fail_all(
                    RenderingError(
                        f"{MAX_FAILED_STARTS} workers in a row {why}; the end of the last one's "
                        f"log:\n{tail or '(empty)'}"
                    )
                )
                self._failed_starts = 0

    def _fail_all(self, error: Exception) -> None:
        with self._lock:
            jobs, self._open = self._open, set()
        for job in jobs:
            if not job.future.done():
                job.future.set_exception(error)

    # Serving one worker ---------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                sock, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                if self._closing.wait(POLL):  # else: too many open files, for now
                    return
                continue
            with self._lock:
                self._strangers[sock] = None
                if len(self._strangers) > MOST_STRANGERS:
                    hang_up(next(iter(self._strangers)))
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        # A stranger's broken handshake ends here and touches nothing else.
        with contextlib.suppress(WireError, TimeoutError):
            try:
                connection = Connection(sock, self.token, server=True, handshake=HANDSHAKE_WITHIN)
            finally:
                with self._lock:
                    del self._strangers[sock]
            with self._lock:
                self._connections.add(connection)
            pid = None
            try:
                pid = self._greet(connection)
                self._work(connection, pid)
            finally:
                with self._lock:
                    self._connections.discard(connection)
                connection.close()

    def _greet(self, connection: Connection) -> int:
        hello = connection.receive(wait=self.settings.start_timeout)
        protocol = hello.body.get("protocol")
        version = hello.body.get("addon_version", ADDON_VERSION)
        if hello.kind != "hello" or (protocol, version) != (PROTOCOL, ADDON_VERSION):
            theirs = version if isinstance(version, str) and len(version) < 40 else shown(version)
            reason = (
                f"This backend is version {ADDON_VERSION} and speaks protocol {PROTOCOL}, the "
                f"worker is version {theirs} and speaks protocol {shown(protocol)}; install the "
                "same version on both sides."
            )
            connection.send(Message("refused", {"reason": reason}))
            raise WireError(reason)
        connection.send(Message("welcome"))
        pid = hello.body.get("pid")
        pid = pid if isinstance(pid, int) and not isinstance(pid, bool) else -1
        with self._lock:
            self._dialled_in.add(pid)
        return pid

    def _work(self, connection: Connection, pid: int) -> None:
        feed = JobFeed(connection, self._jobs, self._plenty)
        done = 0
        while not self._closing.is_set():
            with self._lock:
                local = self._processes.get(pid)
            leaves = local is not None and done + len(feed) >= self.settings.recycle_after
            if leaves and not feed:
                connection.send(Message("stop"))
                return
            if not leaves and not feed.take(POLL):
                self._check_alive(connection)
                continue
            try:
                job, answer = feed.next_answer(self.settings.job_timeout)
            except (WireError, TimeoutError) as error:
                self._lose(connection, local, pid, feed.unanswered(), error)
                return
            done += 1
            with self._lock:
                self._broken.attempts += 1
                self._silent.attempts += 1
            if answer.kind == "error" and answer.body.get("input") is True:
                self._fail(job, RenderingInputError(f"{job.name}: {_reason(answer)}"))
            elif answer.kind == "error":
                job.failed += 1
                log = str(answer.body.get("traceback", ""))[-LOG_BYTES:]
                self._again(job, job.failed < MAX_ERRORS, f"worker {pid}: {_reason(answer)}", log)
            else:
                try:
                    result = job.read(answer)
                except ValueError as error:
                    self._lose(connection, local, pid, [job, *feed.unanswered()], error)
                    return
                self._finish(job, result)
        with contextlib.suppress(WireError):
            connection.send(Message("stop"), timeout=1.0)

    def _plenty(self) -> bool:
        """Whether every worker could take two of the jobs that wait."""
        return self._jobs.qsize() >= 2 * len(self._connections)

    def _check_alive(self, connection: Connection) -> None:
        """Between jobs a worker says nothing; a closed socket shows as an end of stream."""
        try:
            connection.receive(wait=0.001)
        except TimeoutError:
            return
        raise WireError("a worker spoke without being asked")

    def _lose(
        self,
        connection: Connection,
        local: WorkerProcess | None,
        pid: int,
        jobs: Sequence[Job],
        error: Exception,
    ) -> None:
        """Let a worker go that is lost or not to be believed; its jobs go to others."""
        tail = local.log_tail() if local else ""
        connection.close()
        if local is not None:
            local.kill()
        first, *others = jobs
        for other in others:  # was not begun
            self._jobs.put(other)
        with self._lock:
            self._lost += 1
            if isinstance(error, TimeoutError):
                rate, first.silent = self._silent, first.silent + 1
                own = first.silent
            else:
                rate, first.broken = self._broken, first.broken + 1
                own = first.broken
            rate.attempts += 1
            rate.losses += 1
            again = own < rate.allowed(own)
        self._again(first, again, f"worker {pid} was lost ({error})", tail)

    def _again(self, job: Job, again: bool, reason: str, log: str) -> None:
        """Have another worker try, or fail with the reason and what was logged."""
        if again:
            self._jobs.put(job)
            return
        text = f"{job.name} failed {job.attempts} times; {reason}"
        if log:
            text += f"\nThe end of the log:\n{log}"
        self._fail(job, RenderingError(text))

    def _fail(self, job: Job, error: Exception) -> None:
        with self._lock:
            self._open.discard(job)
        if not job.future.done():
            job.future.set_exception(error)

    def _finish(self, job: Job, result: object) -> None:
        with self._lock:
            self._open.discard(job)
        if not job.future.done():
            job.future.set_result(result)


def hang_up(sock: socket.socket) -> None:
    """End a connection whose thread waits for it."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _reason(answer: Message) -> str:
    return str(answer.body.get("reason"))[:MOST_SAID]
