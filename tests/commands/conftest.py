"""Small inputs for the commands: pictures made of a few numbers, and a run without training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_inputs import GRAMMAR, street_picture
from PIL import Image


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A folder of ten pictures."""
    folder = tmp_path / "target"
    folder.mkdir()
    for i in range(10):
        Image.fromarray(street_picture(i)).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Two pictures in COCO form, with a car each."""
    folder = tmp_path / "labelled"
    (folder / "images").mkdir(parents=True)
    for i in range(2):
        Image.fromarray(street_picture(100 + i)).save(folder / f"images/{i}.png")
    content = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 96, "height": 64} for i in range(2)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [20, 30, 30, 20]} for i in range(2)
        ],
        "categories": [{"id": 1, "name": "car"}],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def begun_run(tmp_path: Path, target: Path) -> Path:
    """A run's folder as it is before the first checkpoint, with measurements to lose."""
    from metasim_backend.run_files.run_folder import RunFolder
    from metasim_backend.training.run_config import plan_run

    path = tmp_path / "run"
    config, _ = plan_run(path, grammar=GRAMMAR, target=target, validation=None)
    folder = RunFolder.create(path, config.to_dict())
    folder.metrics.write_text('{"phase": "match", "step": 0}\n')
    return path


@pytest.fixture
def finished_run(begun_run: Path) -> Path:
    """A run's folder with a checkpoint, untrained."""
    from metasim_backend.models.distribution_transformer import TransformerSettings
    from metasim_backend.run_files.run_folder import RunFolder
    from metasim_backend.training.run_config import open_run
    from metasim_backend.training.scene_generator import SceneGenerator

    folder, config = open_run(begun_run)
    settings = config.settings
    scenes = SceneGenerator(
        config.grammar,
        TransformerSettings(settings.hidden, settings.latent, settings.spread),
        settings.seed,
    )
    RunFolder(begun_run).save_checkpoint({"transformer": scenes.transformer.state_dict()})
    return folder.path
