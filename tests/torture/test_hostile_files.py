"""No file harms: of a damaged one there is a sentence or a result, never a traceback, never more
than ten seconds of a processor or 2 GiB of memory."""

from __future__ import annotations

import collections
import json
import os
import random
import resource
import shutil
import signal
import sys
import traceback
import warnings
from pathlib import Path

import damaged_runs
import hostile_files
import numpy as np
import pytest
import torch
from damaged_runs import Damaged
from hostile_files import Kind, kinds
from hostile_pictures import good_picture

from metasim_backend.cli import USERS_ERRORS, is_users_mistake

SECONDS = 10
MEMORY = 2 * 2**30
QUICK = 6
"""Files of each kind in the quick form, which leaves out what needs a run first."""


class TooLong(BaseException):
    """A file took longer than any may."""


def too_long(*_: object) -> None:
    raise TooLong


def data_bytes() -> int:
    """What this process has asked the system for."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    return pages * resource.getpagesize()


def outcome(kind: Kind, folder: Path) -> str:
    """``result``, ``sentence``, or what went wrong with a file."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    free, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (data_bytes() + MEMORY, hard))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        kind.read(folder)
        said = "result"
    except TooLong:
        said = f"took longer than {SECONDS} s\n{traceback.format_exc()[-1500:]}"
    except Exception as error:
        ours = isinstance(error, ValueError) and is_users_mistake(error)
        ours = ours or isinstance(error, OSError) and error.errno in USERS_ERRORS
        ours = ours or type(error).__name__ == "RenderingError"
        said = "sentence" if ours else traceback.format_exc()[-2500:]
        if ours and (not str(error).strip() or "Traceback" in str(error) or len(str(error)) > 8000):
            said = f"no sentence: {str(error)[:500]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_DATA, (free, hard))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    return said if grown < MEMORY else f"took {grown / 2**30:.1f} GiB"


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    """Files of a small run and of an untrained detector."""
    from PIL import Image

    from metasim_backend.cli import main
    from metasim_backend.tasks.backbones import NONE_AS_TENSORFLOW
    from metasim_backend.tasks.detector import Detector
    from metasim_backend.tasks.detector_settings import DetectorSettings
    from metasim_backend.training.detector_file import TrainedDetector, save_detector

    assert NONE_AS_TENSORFLOW
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "target").mkdir()
    source = np.random.default_rng(0)
    for number in range(8):
        pixels = source.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"target/{number}.png")
    settings = ["features.scenes=8", "features.epochs=1", "pretrain.steps=1", "pretrain.scenes=4",
                "match.steps=1", "match.batch=2", "match.report_every=1",
                "evaluation.scenes=2", "evaluation.pictures=1"]  # fmt: skip
    options = [word for setting in settings for word in ("--set", setting)]
    grammar = Path(__file__).parents[2] / "scenes/aerial2d.yaml"
    run = folder / "run"
    target = folder / "target"
    code = main(["train", str(grammar), "--target", str(target), "--run", str(run), *options])
    assert code == 0
    detector = Detector(DetectorSettings.for_cpu(weights="none"), torch.Generator().manual_seed(0))
    save_detector(folder / "d.pt", TrainedDetector(detector, (48, 32), 0.5))
    return Damaged(run, torch.load(folder / "d.pt", weights_only=True))


UNHARMED = {
    "odd_json": lambda value, _: json.dumps(value).encode(),
    "odd_bytes": lambda text, _: text.encode(),
    "odd_picture": lambda _: good_picture(),
    "odd_png": lambda data, _: data,
    "odd_tensors": lambda value, _: value,
    "flipped": lambda data, _: data,
    "mutated": lambda value, _: value,
}


@pytest.mark.parametrize("of_a_run", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_whole_file_gives_a_result(request, tmp_path, monkeypatch, of_a_run):
    """What is mutated is good before: else each would be refused for the same reason."""
    made = request.getfixturevalue("damaged").kinds() if of_a_run else kinds()
    for module in (hostile_files, damaged_runs):
        for name in UNHARMED.keys() & vars(module).keys():
            monkeypatch.setattr(module, name, UNHARMED[name])
    for name, kind in made.items():
        folder = tmp_path / name
        folder.mkdir()
        kind.mutate(folder, random.Random(1))
        kind.read(folder)


def test_no_file_harms(request, tmp_path, how_many, record, seed, capfd):
    """A file that does harm is kept, and named by its kind and number."""
    whole = bool({"METASIM_TORTURE", "METASIM_TORTURE_FILES"} & set(os.environ))
    made = kinds() | (request.getfixturevalue("damaged").kinds() if whole else {})
    count = how_many("files", QUICK * len(made), 20_000)
    chosen = os.environ.get("METASIM_TORTURE_KINDS", ",".join(made)).split(",")
    signal.signal(signal.SIGPROF, too_long)
    outcomes = {name: collections.Counter() for name in chosen}
    harm: dict[str, list[str]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # of overflows and the like
        for number in range(count):
            name = chosen[number % len(chosen)]
            folder = tmp_path / "case"
            folder.mkdir()
            made[name].mutate(folder, random.Random(f"{seed}/{name}/{number}"))
            said = outcome(made[name], folder)
            if said in ("result", "sentence"):
                outcomes[name][said] += 1
                shutil.rmtree(folder)
                continue
            kept = tmp_path / f"harm_{name}_{number}".replace(" ", "_")
            folder.rename(kept)
            harm.setdefault(said.strip().splitlines()[-1][:200], []).append(f"{kept}\n{said}")
    capfd.readouterr()
    for line, cases in harm.items():
        print(f"\n=== {len(cases)} times: {line}\n{cases[0]}", file=sys.stderr)
    assert not harm, f"{sum(map(len, harm.values()))} of {count} files did harm"
    record("files", count, outcomes={name: dict(told) for name, told in outcomes.items()})
