"""A real server, a panel that speaks to it over the real wire, and what they work on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from panel_client import Panel, Server, start_server
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = start_server(tmp_path_factory.mktemp("server"), "--with-parent", str(os.getpid()))
    yield started
    started.process.terminate()
    assert started.process.wait(40) == 0


@pytest.fixture
def dialled(server: Server) -> Iterator[Panel]:
    """A panel that does not know of earlier work."""
    found = Panel.dial(server.address)
    found.ask("status")
    found.forget()
    yield found
    found.connection.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve target pictures."""
    folder = tmp_path_factory.mktemp("pictures")
    source = np.random.default_rng(0)
    for i in range(12):
        picture = source.normal(110, 30, (64, 64, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def untrained_run(tmp_path: Path, pictures: Path) -> Path:
    """A driving run with a checkpoint that learned nothing, and two measurements."""
    from metasim_backend.models.distribution_transformer import TransformerSettings
    from metasim_backend.run_files.run_folder import RunFolder
    from metasim_backend.training.run_config import plan_run
    from metasim_backend.training.scene_generator import SceneGenerator

    path = tmp_path / "run"
    config, _ = plan_run(
        path,
        grammar=ROOT / "scenes/driving.yaml",
        target=pictures,
        validation=None,
        overrides=["match.estimator=gradient"],
    )
    folder = RunFolder.create(path, config.to_dict())
    settings = config.settings
    scenes = SceneGenerator(
        config.grammar,
        TransformerSettings(settings.hidden, settings.latent, settings.spread),
        settings.seed,
    )
    folder.save_checkpoint({"transformer": scenes.transformer.state_dict(), "done": {}})
    folder.metrics.write_text(
        '{"phase": "match", "step": 0, "mmd2": 0.5}\n{"phase": "match", "step": 1, "mmd2": 0.25}\n'
    )
    return path
