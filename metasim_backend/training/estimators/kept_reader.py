"""The reader of a run: new, or as a round has left it."""

from __future__ import annotations

from blender_addon.contract.street_classes import LABELLED
from metasim_backend.features.reader.reader import Reader
from metasim_backend.features.reader.targets import reader_names
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.networks.imagenet import imagenet_network
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.settings import TrainSettings
from metasim_backend.training.seeds import derive_seed


def new_reader(settings: TrainSettings, encoding: Encoding) -> Reader:
    """A reader that has learned nothing yet, for the scenes of a run."""
    return Reader(
        imagenet_network(settings.surrogate.network),
        reader_names(encoding, LABELLED),
        (settings.rendering.height, settings.rendering.width),
        derive_seed(settings.seed, "reader"),
    )


def trained_reader(folder: RunFolder, settings: TrainSettings, encoding: Encoding) -> Reader | None:
    """The reader of the last round; None before the first has trained one."""
    rounds = range(settings.surrogate.rounds)
    trained = [number for number in rounds if folder.has_checkpoint(f"reader_{number}")]
    kept = folder.load_checkpoint(f"reader_{trained[-1]}") if trained else None
    if kept is None:
        return None
    reader = new_reader(settings, encoding)
    reader.load_state_dict(kept["state"])
    return reader
