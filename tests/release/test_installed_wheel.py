"""The wheel, installed in an environment of its own, runs as a newcomer would run it.

``make test-wheel``. The packages of this set-up serve the new environment, and nothing of the
checkout does. ``make test-wheel CLEAN=1`` downloads all that the wheel asks for instead. The
commands run in a folder in which nothing is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from wheel_building import ROOT, build

from metasim_backend import __version__
from metasim_backend.addon_package.archive import archive_bytes

pytestmark = pytest.mark.slow
CLEAN = os.environ.get("METASIM_WHEEL_CLEAN", "")
PATIENCE = 1800
SMALL = {
    "rendering.width": 96,
    "rendering.height": 64,
    "features.network": "prior",
    "features.scenes": 12,
    "features.epochs": 1,
    "pretrain.steps": 2,
    "pretrain.scenes": 8,
    "match.estimator": "gradient",
    "match.steps": 1,
    "match.batch": 4,
    "match.report_every": 0,
    "evaluation.scenes": 4,
    "evaluation.pictures": 2,
}
SMALL_2D = {
    "features.scenes": 48,
    "features.epochs": 1,
    "features.rounds": 1,
    "pretrain.steps": 2,
    "pretrain.scenes": 8,
    "match.steps": 2,
    "match.batch": 4,
    "match.report_every": 2,
    "task.epochs": 1,
    "task.scenes": 4,
    "task.network_steps": 1,
    "evaluation.scenes": 8,
}


def settings(values: dict[str, object]) -> list[str]:
    return [word for name, value in values.items() for word in ("--set", f"{name}={value}")]


class Installation:
    """The program in its environment, run in an empty folder."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program, self.folder = program, folder

    def start(self, *words: object) -> subprocess.Popen:
        # The checkout must not be found by the way.
        hidden = ("PYTHONPATH", "METASIM_ASSETS", "METASIM_DATA")
        return subprocess.Popen(
            [self.program, *map(str, words)],
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if name not in hidden},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *words: object) -> str:
        process = self.start(*words)
        out, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, (words, errors)
        assert "Traceback" not in errors and str(ROOT) not in out + errors
        return out


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("installed")
    wheel = build("wheel", tmp_path_factory.mktemp("wheel"))
    python = folder / "venv/bin/python"
    subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    if CLEAN:
        subprocess.run([*pip, f"{wheel}[bpy]"], check=True)
    else:
        subprocess.run([*pip, "--no-deps", wheel], check=True)
        # A line in a .pth file lends packages, but not what editable installations add to the path.
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        own = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True)
        lent = Path(own.stdout.strip()) / "lent_packages.pth"
        lent.write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
        assert sysconfig.get_path("purelib") in lent.read_text()
    empty = folder / "empty"
    empty.mkdir()
    return Installation(python.with_name("metasim"), empty)


@pytest.fixture(scope="module")
def scenes(installed: Installation) -> Path:
    """Scenes that the installed program drew from the shipped grammar."""
    installed.run("sample", "driving", "-n", 2, "-o", "scenes")
    return installed.folder / "scenes"


@pytest.fixture(scope="module")
def pictures(installed: Installation) -> Path:
    """A target of the prior's own pictures."""
    installed.run("generate", "driving", "-n", 8, "--size", "96x64", "--samples", 1, "-o", "target")
    return installed.folder / "target/images"


def test_it_says_its_version_and_that_nothing_is_missing(installed: Installation):
    assert installed.run("--version") == f"metasim {__version__}\n"
    assert "To mend" not in installed.run("doctor")


def test_scenes_of_a_shipped_grammar_are_rendered_with_labels(
    installed: Installation, scenes: Path
):
    paths = sorted(scenes.glob("*.json"))
    installed.run("render", *paths, "-o", "frames", "--size", "96x64")
    frames = installed.folder / "frames"
    assert len(list((frames / "images").iterdir())) == len(paths) == 2
    assert json.loads((frames / "annotations.json").read_text())["images"]


def test_galleries_of_worlds_with_and_without_blender(installed: Installation):
    for name in ("driving_photographs", "aerial2d"):
        installed.run("gallery", name, "-n", 1, "-o", f"{name}.png")
        assert (installed.folder / f"{name}.png").stat().st_size > 1000


def test_a_training_ends_with_a_report(installed: Installation, pictures: Path):
    words = ("--target", pictures, "--run", "run", "--phases", "pretrain,match", *settings(SMALL))
    installed.run("train", "driving", *words)
    assert "</html>" in (installed.folder / "run/report.html").read_text()
    installed.run("generate", "run", "-n", 1, "-o", "learned")


def test_commands_that_begin_with_a_reader_or_a_detector_take_a_grammars_name(
    installed: Installation,
):
    """Their first complaint is of something else."""
    for words in (
        "reader driving -o r.pt --run r --set rendering.width=none",
        "detector train driving -o d.pt --streets 2 --weights nowhere.pth",
        "content driving nowhere.pt nowhere -o c.json",
        "camera fit nowhere --grammar driving_photographs",
    ):
        process = installed.start(*words.split())
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 2 and "no grammar" not in errors.lower(), errors
        assert "rendering.width" in errors or "nowhere" in errors, errors


def test_a_small_experiment_writes_its_result_beside_the_run(installed: Installation):
    assert "aerial2d-spread" in installed.run("reproduce", "--list")
    words = ("--seeds", 1, "--run", "runs/a", *settings(SMALL_2D))
    installed.run("reproduce", "aerial2d-spread", *words)
    assert json.loads((installed.folder / "runs/a/aerial2d_spread.json").read_text())["rows"]
    assert not (installed.folder / "docs").exists()


def test_the_add_on_is_the_checkouts_to_the_byte(installed: Installation):
    installed.run("addon", "build", "-o", "metasim.zip")
    built = installed.folder / "metasim.zip"
    assert built.read_bytes() == archive_bytes()
    with zipfile.ZipFile(built) as archive:
        assert "metasim/LICENSE" in archive.namelist()


def test_the_demo_begins_and_can_be_interrupted(installed: Installation):
    process = installed.start("demo", "--workers", 1)
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        while said and not said.startswith("target begins"):
            said = process.stderr.readline()
        assert said.startswith("target begins: 0 of 200"), said
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and "interrupted" in errors
