"""The reader and the surrogate of a round: trained, or taken as an earlier call has left them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from metasim_backend.camera.any_camera import taken_by_any
from metasim_backend.features.reader.reader import Reader
from metasim_backend.features.reader.readings import PLACES, Readings
from metasim_backend.features.reader.targets import ReaderNames
from metasim_backend.features.reader.training import (
    ReaderTraining,
    train_reader,
    training_steps,
)
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.models.surrogate import Surrogate
from metasim_backend.settings import TrainSettings
from metasim_backend.training.estimators.kept_reader import load_kept
from metasim_backend.training.estimators.render_archive import NodeReadings, RenderArchive
from metasim_backend.training.estimators.surrogate_teaching import (
    teach_surrogate,
    teaching_steps,
)
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services

LATER_RATE = 0.5
"""Of learning, where a network goes on from an earlier round."""
TEACHING_RATE = 2e-3
NEAR = 2
"""The round from which the generator is near the target."""
NEAR_FOLDS = 4
"""Near the target, where deviations are read off: a part held out of the newest is small."""


def new_surrogate(encoding: Encoding, names: ReaderNames) -> Surrogate:
    """A surrogate of what a reader reads of scenes; it has learned nothing yet."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Surrogate(
            encoding,
            len(names.scene) + len(names.classes),
            names.classes,
            len(names.objects) + PLACES,
        )


def load_network(services: Services, network: nn.Module, what: str, number: int) -> None:
    """Make a network what it was at the end of a round."""
    kept = services.folder.load_checkpoint(f"{what}_{number}")
    assert kept is not None, f"a finished round has left no {what}"
    load_kept(network, kept, services.folder)


def reader_goes_on(settings: TrainSettings, number: int) -> bool:
    """Whether the reader is trained again in a round after the first."""
    return number >= NEAR and settings.surrogate.reader_goes_on > 0


def train_round_reader(
    services: Services, reader: Reader, archive: RenderArchive, number: int
) -> bool:
    """In the first round on all renders that are its own. Near the target it goes on with those of
    the generator alone: there it reads small differences several times better then. False where it
    stays as it was."""
    settings, seed = services.settings.surrogate, services.settings.seed
    rows = archive.readers
    training = ReaderTraining(epochs=settings.reader_epochs)
    if number and not reader_goes_on(services.settings, number):
        services.folder.save_checkpoint({"state": reader.state_dict()}, f"reader_{number}")
        return False
    if number:
        rows = rows & (archive.rounds > 0)
        training = replace(
            training,
            epochs=settings.reader_goes_on,
            learning_rate=LATER_RATE * training.learning_rate,
        )

    def train() -> None:
        seen, targets = archive.rows(rows.nonzero()[:, 0])
        with services.work("match", "Reader", training_steps(targets, training)) as work:
            train_reader(
                reader,
                seen,
                targets,
                derive_seed(seed, "reader", number),
                training,
                archive.weights[rows],
                lambda *_: work.update(),
                taken_by_any if settings.cameras == "any" else None,
            )

    _once(services, reader, f"reader_{number}", train)
    return True


def teach_round_surrogate(
    services: Services,
    surrogate: Surrogate,
    archive: RenderArchive,
    readings: Readings,
    nodes: NodeReadings,
    rows: Tensor,
    number: int,
    near: bool = False,
) -> None:
    """On renders that the reader was not trained on, of which the newest count most.

    Args:
        rows: [n] long, these renders.
        near: whether the generator is near the target.
    """
    settings, seed = services.settings.surrogate, services.settings.seed
    epochs = settings.goes_on if number else settings.epochs
    folds = NEAR_FOLDS if near else 1

    def teach() -> None:
        steps = teaching_steps(len(rows), epochs, folds)
        with services.work("match", "Surrogate", steps) as work:
            teach_surrogate(
                surrogate,
                archive,
                readings,
                nodes,
                rows,
                derive_seed(seed, "surrogate", number),
                epochs=epochs,
                learning_rate=(LATER_RATE if number else 1.0) * TEACHING_RATE,
                folds=folds,
                measured_from=NEAR if near else None,
                progress=lambda *_: work.update(),
            )

    _once(services, surrogate, f"surrogate_{number}", teach)


def _once(services: Services, network: nn.Module, name: str, train: Callable[[], None]) -> None:
    kept: dict[str, dict[str, Tensor]] | None = services.folder.load_checkpoint(name)
    if kept is not None:
        load_kept(network, kept, services.folder)
        return
    train()
    services.folder.save_checkpoint({"state": network.state_dict()}, name)
