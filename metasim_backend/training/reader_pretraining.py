"""Training of a reader, and of a surrogate of it, for a grammar; no target is needed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from metasim_backend.features.reader.accuracy import accuracy
from metasim_backend.features.reader.reader import Reader
from metasim_backend.features.reader.readings import read_pictures
from metasim_backend.features.reader.training import fit_scales
from metasim_backend.training.estimators.kept_reader import new_reader
from metasim_backend.training.estimators.kept_renders import kept_renders
from metasim_backend.training.estimators.pretrained_reader import (
    PretrainedReader,
    fingerprint,
)
from metasim_backend.training.estimators.render_archive import readings_of_nodes
from metasim_backend.training.estimators.round_networks import (
    new_surrogate,
    teach_round_surrogate,
    train_round_reader,
)
from metasim_backend.training.estimators.round_renders import first_renders, first_scenes
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services
from metasim_backend.training.state import State, new_state

HELD_OUT = 1
"""Where renders are kept that nothing is trained on, as the number of a round."""


def pretrain_reader(services: Services) -> PretrainedReader:
    """Render, train and measure, or go on where an earlier call stopped.

    The services' target is not looked at. As many renders as ``surrogate.scenes`` are trained on,
    as many as ``surrogate.renders`` are held out.
    """
    with services.folder.owned():
        return _pretrained(services)


def _pretrained(services: Services) -> PretrainedReader:
    settings = services.settings
    state = new_state(services, ())
    encoding = state.scenes.encoding
    reader = new_reader(settings, encoding)
    archive = first_renders(state, services, reader.names, settings.surrogate.scenes)
    archive = archive.seen_by(reader)
    fit_scales(reader, archive.targets)
    train_round_reader(services, reader, archive, 0)
    surrogate = new_surrogate(encoding, reader.names)
    surrogate.fit_inputs(archive.scenes)
    readings = read_pictures(reader, archive.seen, archive.targets)
    nodes = readings_of_nodes(archive, readings)
    rows = (~archive.readers).nonzero()[:, 0]
    teach_round_surrogate(services, surrogate, archive, readings, nodes, rows, 0)
    others = _held_out(state, services, reader)
    made: dict[str, Any] = {
        "grammar": Path(services.grammar.source).name,
        "renders": len(archive),
        "epochs": settings.surrogate.reader_epochs,
        "seed": settings.seed,
        "held_out": others,
    }
    return PretrainedReader(
        fingerprint(settings, encoding), reader.state_dict(), surrogate.state_dict(), made
    )


def _held_out(state: State, services: Services, reader: Reader) -> dict[str, dict[str, float]]:
    """How well the reader reads pictures that it was not trained on, by number."""
    count = services.settings.surrogate.renders
    seed = derive_seed(services.settings.seed, "held-out")
    archive = kept_renders(
        services,
        state.camera_model,
        state.scenes.encoding,
        reader.names,
        count,
        lambda: first_scenes(state, seed, count),
        HELD_OUT,
    ).seen_by(reader)
    readings = read_pictures(reader, archive.seen, archive.targets)
    read = accuracy(reader, readings, archive.targets)
    return {name: asdict(one) for name, one in read.items()}
