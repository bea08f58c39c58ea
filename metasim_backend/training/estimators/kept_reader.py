"""The reader of a run: new, or as a round has left it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from blender_addon.contract.street_classes import LABELLED
from metasim_backend.features.reader.reader import Reader
from metasim_backend.features.reader.targets import reader_names
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.networks.device import network_device
from metasim_backend.networks.imagenet import imagenet_network
from metasim_backend.run_files.run_folder import RunFolder, RunFolderError
from metasim_backend.settings import TrainSettings
from metasim_backend.training.seeds import derive_seed


def new_reader(settings: TrainSettings, encoding: Encoding) -> Reader:
    """A reader that has learned nothing yet, for the scenes of a run."""
    reader = Reader(
        imagenet_network(settings.surrogate.network),
        reader_names(encoding, LABELLED),
        (settings.rendering.height, settings.rendering.width),
        derive_seed(settings.seed, "reader"),
    )
    return reader.to_device(network_device(settings.networks.device))


def trained_reader(folder: RunFolder, settings: TrainSettings, encoding: Encoding) -> Reader | None:
    """The reader of the last round; None before the first has trained one."""
    rounds = range(settings.surrogate.rounds)
    trained = [number for number in rounds if folder.has_checkpoint(f"reader_{number}")]
    kept = folder.load_checkpoint(f"reader_{trained[-1]}") if trained else None
    if kept is None:
        return None
    reader = new_reader(settings, encoding)
    load_kept(reader, kept, folder)
    return reader


def load_kept(network: nn.Module, kept: Mapping[str, Any], folder: RunFolder) -> None:
    """Make a network what a run has kept of it.

    Raises:
        RunFolderError: an earlier version's networks read other numbers.
    """
    try:
        network.load_state_dict(kept["state"])
    except RuntimeError as error:
        raise RunFolderError(
            f"The networks in {folder.path} were trained by another version of Meta-Sim, which "
            "read other numbers; train the run anew in another folder."
        ) from error
