"""The server that Blender's panel talks to; :mod:`blender_addon.contract.panel` has the protocol.

It imports torch only for a request that needs it. Scenes are worked on in one thread, trainings and
datasets are children of this process and are seen to from another, and a third tells every second
that the server is alive. The token is all that keeps others out, so it is never sent, and a panel
is given nothing that it could not have with the user's own rights on this machine.
"""

from __future__ import annotations

import contextlib
import errno
import platform
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from blender_addon.contract.panel import (
    ALIVE_EVERY,
    PROTOCOL,
    REQUESTS,
    STOP_WITHIN,
    PanelProtocolError,
    Request,
    answer,
    error,
    event,
    read_request,
)
from blender_addon.contract.wire import Message, address_text, listen
from metasim_backend import __version__
from metasim_backend.cli import NO_ROOM, USERS_ERRORS, is_users_mistake
from metasim_backend.serving.client import Client
from metasim_backend.serving.dataset_job import DatasetJob, dataset_arguments
from metasim_backend.serving.job import Job
from metasim_backend.serving.run_state import describe_run
from metasim_backend.serving.scenes import Scenes
from metasim_backend.serving.training_job import TrainingJob, train_arguments
from metasim_backend.serving.users_paths import RequestError

MOST_CLIENTS = 8
MOST_STRANGERS = 32
"""Connections that have not shown the token yet; for one more the oldest is let go."""
MOST_ASKED = 64
"""Requests of one panel that may wait; what one asks too much is no other's harm."""

Handler = Callable[[Mapping[str, object]], dict]


@dataclass(frozen=True)
class _Asked:
    client: Client
    request: Request
    handler: Handler


class PanelServer:
    """Listens from its making on; :meth:`serve` works until it is told to stop.

    Args:
        host, port: where to listen; port 0 takes a free one.
        token: what a panel has to know.

    Raises:
        RequestError: when nothing can listen there.
    """

    def __init__(self, host: str, port: int, token: str) -> None:
        try:
            self._listener = listen(host, port)
        except OSError as failure:
            raise RequestError(
                f"Cannot listen at {address_text((host, port))} ({failure.strerror}); choose "
                "another port, or 0 for a free one."
            ) from None
        self.host, self.port = self._listener.getsockname()[:2]
        try:
            self.logs = Path(tempfile.mkdtemp(prefix="metasim-serve-"))
        except OSError as failure:
            raise RequestError(
                f"Nothing can be written into the folder for temporary files ({failure.strerror}: "
                f"{failure.filename}); make room there, or name another in TMPDIR."
            ) from None
        self.clients: list[Client] = []
        self._token = token
        self._greeting = greeting()
        self._began = time.monotonic()
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._training: TrainingJob | None = None
        self._dataset: DatasetJob | None = None
        self._keep_logs = False
        scenes = Scenes()
        scene_lane = ThreadPoolExecutor(1, "metasim-scenes")
        work_lane = ThreadPoolExecutor(1, "metasim-work")
        self._lanes = (scene_lane, work_lane)
        self._handlers: dict[str, tuple[ThreadPoolExecutor, Handler]] = {
            "grammars": (scene_lane, scenes.grammars),
            "grammar": (scene_lane, scenes.grammar),
            "sample": (scene_lane, scenes.sample),
            "transform": (scene_lane, scenes.transform),
            "run": (scene_lane, describe_run),
            "train_start": (work_lane, self._train_start),
            "train_pause": (work_lane, self._train_pause),
            "train_resume": (work_lane, self._train_resume),
            "train_stop": (work_lane, self._train_stop),
            "dataset_start": (work_lane, self._dataset_start),
            "dataset_cancel": (work_lane, self._dataset_cancel),
            "status": (work_lane, self._status),
            "shutdown": (work_lane, self._shutdown),
        }
        assert self._handlers.keys() == REQUESTS.keys()

    def serve(self) -> None:
        """Take panels in until :meth:`stop`; then end all work and leave."""
        for work in (self._accept, self._beat):
            threading.Thread(target=work, name="metasim-serve", daemon=True).start()
        try:
            while not self._end.wait(0.5):
                pass
        finally:
            self._close()

    def stop(self) -> None:
        """Let :meth:`serve` end; may be called from anywhere."""
        self._end.set()

    # Panels ---------------------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._end.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                if self._end.wait(0.1):
                    return
                continue
            with self._lock:
                strangers = [client for client in self.clients if not client.admitted]
                if len(strangers) >= MOST_STRANGERS:
                    strangers[0].hang_up()
                self.clients.append(
                    Client(
                        sock,
                        self._token,
                        Message("hello", self._greeting),
                        admit=self._admit,
                        arrived=self._arrived,
                        asked=self._ask,
                        gone=self._forget,
                    )
                )

    def _admit(self, client: Client) -> bool:
        with self._lock:
            there = sum(other.admitted for other in self.clients)
            client.admitted = there < MOST_CLIENTS
        return client.admitted

    def _arrived(self, client: Client) -> None:
        client.greeted = True
        for job in (self._training, self._dataset):
            if job is not None:
                client.send(job.snapshot())

    def _forget(self, client: Client) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self.clients.remove(client)

    def _tell(self, message: Message) -> None:
        with self._lock:
            clients = [client for client in self.clients if client.greeted]
        for client in clients:
            client.send(message)

    def _beat(self) -> None:
        while not self._end.wait(ALIVE_EVERY):
            clock = round(time.monotonic() - self._began, 3)
            self._tell(event("alive", {"clock": clock}))

    # Requests -------------------------------------------------------------------------------

    def _ask(self, client: Client, message: Message) -> None:
        number = message.body.get("id")
        known = number if isinstance(number, int) and not isinstance(number, bool) else None
        try:
            request = read_request(message)
        except PanelProtocolError as mistake:
            client.send(error(known, str(mistake)))
            return
        with self._lock:
            busy = client.unanswered >= MOST_ASKED
            client.unanswered += not busy
        if busy:
            client.send(error(known, "The backend has too much to do; wait for its answers."))
            return
        lane, handler = self._handlers[request.kind]
        lane.submit(self._work, _Asked(client, request, handler))

    def _work(self, asked: _Asked) -> None:
        number = asked.request.id
        try:
            reply = answer(number, asked.handler(asked.request.body))
        except Exception as failure:
            sentence = users_sentence(failure)
            if sentence is None:
                reply = error(number, self._defect(asked.request.kind, failure), ours=True)
            else:
                reply = error(number, sentence)
        finally:
            with self._lock:
                asked.client.unanswered -= 1
        asked.client.send(reply)

    def _defect(self, kind: str, failure: Exception) -> str:
        self._keep_logs = True
        log = self.logs / "server.log"
        with log.open("a", encoding="utf-8") as file:
            file.write(f"Request {kind}:\n")
            traceback.print_exception(failure, file=file)
        return (
            f"The backend failed with {type(failure).__name__}, which is a defect of its own; "
            f"the traceback is in {log}."
        )

    # Work -----------------------------------------------------------------------------------

    def _train_start(self, body: Mapping[str, object]) -> dict:
        if self._training is not None and not self._training.ended:
            raise RequestError(
                f"A training of {self._training.run} is {self._training.state}; stop it first."
            )
        run, arguments = train_arguments(body)
        if self._training is not None:
            self._training.retire()
        self._training = TrainingJob(run, arguments, self.logs / "training.log", self._tell)
        self._training.start()
        return {"run": str(run)}

    def _train_pause(self, body: Mapping[str, object]) -> dict:
        return _state_after(self._trained().pause, self._trained())

    def _train_resume(self, body: Mapping[str, object]) -> dict:
        return _state_after(self._trained().resume, self._trained())

    def _train_stop(self, body: Mapping[str, object]) -> dict:
        return _state_after(self._trained().stop, self._trained())

    def _trained(self) -> TrainingJob:
        if self._training is None or self._training.ended:
            raise RequestError("No training is under way; start one.")
        return self._training

    def _dataset_start(self, body: Mapping[str, object]) -> dict:
        if self._dataset is not None and not self._dataset.ended:
            raise RequestError(
                f"The dataset {self._dataset.folder} is being written; cancel it first."
            )
        folder, arguments = dataset_arguments(body)
        if self._dataset is not None:
            self._dataset.retire()
        count = body["count"]
        assert isinstance(count, int)
        log = self.logs / "dataset.log"
        self._dataset = DatasetJob(folder, count, arguments, log, self._tell)
        self._dataset.start()
        return {"folder": str(folder)}

    def _dataset_cancel(self, body: Mapping[str, object]) -> dict:
        if self._dataset is None or self._dataset.ended:
            raise RequestError("No dataset is being written; start one.")
        return _state_after(self._dataset.stop, self._dataset)

    def _status(self, body: Mapping[str, object]) -> dict:
        return {
            "train": self._training.body() if self._training else None,
            "dataset": self._dataset.body() if self._dataset else None,
        }

    def _shutdown(self, body: Mapping[str, object]) -> dict:
        # The answer goes out first: closing a client sends what waits for it.
        threading.Timer(0.1, self.stop).start()
        return {}

    def _close(self) -> None:
        self._end.set()
        self._listener.close()
        jobs = [job for job in (self._training, self._dataset) if job is not None]
        for job in jobs:
            job.stop()
        deadline = time.monotonic() + STOP_WITHIN
        for job in jobs:
            job.wait(max(deadline - time.monotonic(), 0.1))
        with self._lock:
            clients = list(self.clients)
        for client in clients:
            client.close()
        for lane in self._lanes:
            lane.shutdown(wait=False, cancel_futures=True)
        self._remove_logs(jobs)

    def _remove_logs(self, jobs: Sequence[Job]) -> None:
        if self._keep_logs or any(job.state == "failed" for job in jobs):
            return
        with contextlib.suppress(OSError):
            for log in self.logs.iterdir():
                log.unlink()
            self.logs.rmdir()


def greeting() -> dict[str, object]:
    """The body of the answer to a panel's greeting."""
    versions = {"python": platform.python_version()}
    for package in ("metasim-blender", "torch", "torch-geometric", "numpy", "bpy"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return {
        "protocol": PROTOCOL,
        "version": __version__,
        "versions": versions,
        "capabilities": list(REQUESTS),
    }


def users_sentence(failure: Exception) -> str | None:
    """The sentence of a user's mistake, or None for a defect of ours."""
    if isinstance(failure, ValueError) and is_users_mistake(failure):
        return str(failure)
    if isinstance(failure, OSError) and failure.errno in USERS_ERRORS | NO_ROOM | {errno.ENOENT}:
        where = f" ({failure.filename})" if failure.filename else ""
        return f"{failure.strerror}{where}."
    return None


def _state_after(action: Callable[[], object], job: Job) -> dict:
    action()
    return {"state": job.state}
