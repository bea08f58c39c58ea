"""The smallest run in a 2-D world, and what is compared of two runs or data sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from forked_commands import ROOT

from metasim_backend.run_files.metrics import read_metrics

FLAT = ROOT / "scenes/aerial2d.yaml"
SETTINGS = {
    "features.scenes": 12,
    "features.epochs": 1,
    "pretrain.steps": 4,
    "pretrain.scenes": 6,
    "match.steps": 3,
    "match.batch": 2,
    "match.report_every": 2,
    "evaluation.scenes": 2,
    "evaluation.pictures": 1,
}


def training(target: Path, run: Path) -> list[object]:
    options = [word for k, v in SETTINGS.items() for word in ("--set", f"{k}={v}")]
    return ["train", FLAT, "--target", target, "--run", run, *options]


def everything(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """All that a checkpoint holds, but for the time that it took."""
    if isinstance(value, dict):
        for key in value:
            if (path, key) != ("", "seconds"):
                yield from everything(value[key], f"{path}/{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from everything(item, f"{path}/{number}")
    else:
        yield path, value


def same_parameters(run: Path, other: Path) -> None:
    """Of every checkpoint of two runs, bit for bit."""
    names = sorted(path.name for path in (run / "checkpoints").glob("*.pt"))
    assert names == sorted(path.name for path in (other / "checkpoints").glob("*.pt"))
    assert "last.pt" in names
    for name in names:
        one, two = (
            dict(everything(torch.load(folder / "checkpoints" / name, weights_only=True)))
            for folder in (run, other)
        )
        assert one.keys() == two.keys()
        for path, value in one.items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value.nan_to_num(7.0), two[path].nan_to_num(7.0)), (name, path)
            else:
                assert value == two[path] or value != value, (name, path)


def same_measurements(run: Path, other: Path) -> None:
    """Of every step of two runs, in their order, but for the time that they took."""
    one, two = (
        [
            {name: value for name, value in entry.items() if name != "seconds"}
            for entry in read_metrics(folder / "metrics.jsonl")
        ]
        for folder in (run, other)
    )
    assert one and one == two


def no_waste(folder: Path) -> None:
    """Nothing that was begun to be written is left in the end."""
    hidden = [path for path in folder.rglob(".*") if path.name != ".metasim"]
    assert hidden == [], hidden


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
