"""A dataset for the panel: ``metasim generate`` as a child."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from blender_addon.contract.panel import FORMATS
from blender_addon.contract.presets import PRESETS
from metasim_backend.grammar import load_grammar
from metasim_backend.serving.job import Job, Tell
from metasim_backend.serving.training_job import worker_arguments
from metasim_backend.serving.users_paths import (
    RequestError,
    existing_file,
    existing_run,
    whole_path,
    writable_folder,
)


class DatasetJob(Job):
    """A dataset under way.

    Args:
        folder: where it is written.
        count: frames it will have.
        arguments, log, tell: see :class:`Job`.
    """

    topic, what, interrupted = "dataset", "dataset", "cancelled"

    def __init__(
        self, folder: Path, count: int, arguments: list[str], log: Path, tell: Tell
    ) -> None:
        self.folder = folder
        self.count = count
        super().__init__(arguments, log, tell)

    def body(self) -> dict[str, object]:
        with self._lock:
            done = self.progress.step if self.progress else 0
            return {
                "folder": str(self.folder),
                "state": self.state,
                "done": self.count if self.state == "finished" else done,
                "count": self.count,
                "seconds": self.seconds,
                "sentence": self.sentence,
            }


def dataset_arguments(body: Mapping[str, object]) -> tuple[Path, list[str]]:
    """Check a request ``dataset_start``.

    Returns:
        The dataset's folder, and the arguments of ``metasim``.

    Raises:
        RequestError, GrammarError: the user's mistakes.
    """
    if (body["run"] is None) == (body["grammar"] is None):
        raise RequestError("A dataset is made of a run or of a grammar; choose one of them.")
    folder = writable_folder(whole_path(body["folder"], "dataset folder"), "dataset folder")
    _choice(body["format"], FORMATS, "format of datasets")
    arguments = ["--count", str(body["count"]), "--format", str(body["format"])]
    arguments += ["--output", str(folder), f"--seed={body['seed']}"]
    if body["run"] is not None:
        source = existing_run(body["run"])
        if not (source / "checkpoints" / "last.pt").is_file():
            raise RequestError(f"{source} has learned nothing yet; train it first.")
        arguments += ["--prior"] if body["prior"] else []
    else:
        source = existing_file(body["grammar"], "grammar file")
        load_grammar(source)
    if body["size"] is not None:
        size = body["size"]
        assert isinstance(size, (list, tuple))
        arguments += ["--size", f"{size[0]}x{size[1]}"]
    if body["preset"] is not None:
        arguments += ["--preset", _choice(body["preset"], tuple(PRESETS), "preset of rendering")]
    return folder, ["generate", *arguments, *worker_arguments(body), str(source)]


def _choice(value: object, known: tuple[str, ...], what: str) -> str:
    if value not in known:
        raise RequestError(f"There is no {what} {value!r}; choose from {', '.join(known)}.")
    return str(value)
