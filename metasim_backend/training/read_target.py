"""What a run's reader reads in unseen target pictures, and a street like each of them."""

from __future__ import annotations

from metasim_backend.features.reader.description import described
from metasim_backend.features.reader.readings import read_pictures
from metasim_backend.features.reader.twin import twin
from metasim_backend.models.street_view import has_streets
from metasim_backend.training.estimators.kept_reader import trained_reader
from metasim_backend.training.evaluation import pictures_of, sample, write_pictures
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services
from metasim_backend.training.state import State

SHOWN = 4
DRAWN = 200
"""Streets of the generator, of which the nearest gives what is not read."""


def write_read_target(state: State, services: Services) -> None:
    """Write ``report_data/read_target.json`` and the streets' pictures, where there is a reader."""
    scenes = state.scenes
    reader = trained_reader(services.folder, services.settings, scenes.encoding)
    images = services.target.unseen[:SHOWN]
    if reader is None or not len(images) or not has_streets(scenes.encoding):
        return
    read = described(reader, read_pictures(reader, reader.see(images)), scenes.encoding)
    seeds = [derive_seed(services.settings.seed, "read", i) for i in range(DRAWN)]
    drawn = scenes.learned(seeds)
    streets = [twin(picture, drawn, scenes.encoding) for picture in read]
    renderer = services.renderer(state.camera_model)
    frames = sample(renderer, services.render_settings, streets).frames
    write_pictures(services.folder.report_data / "pictures" / "twin", pictures_of(frames))
    found = [
        {
            "lines": picture.lines,
            "objects": [{"box": one.box, "words": one.words} for one in picture.objects],
        }
        for picture in read
    ]
    services.folder.write_json("read_target.json", {"pictures": found})
