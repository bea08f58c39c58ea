"""What a round of matching renders: first scenes from about the prior, later the generator's."""

from __future__ import annotations

from dataclasses import replace

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.features.reader.targets import ReaderNames
from metasim_backend.training.estimators.kept_renders import kept_renders
from metasim_backend.training.estimators.render_archive import RenderArchive
from metasim_backend.training.feature_scenes import widened_scenes
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services
from metasim_backend.training.state import State

PRIOR_SHARE = 0.2
RANGE_SHARE = 0.3
"""Of the first renders: the prior's own, and those with most attributes from their whole range; the
rest has attributes that are shifted all alike."""
BEFORE_ALL = -1
"""The round of those from the whole range."""


def first_renders(
    state: State, services: Services, names: ReaderNames, count: int
) -> RenderArchive:
    """Renders of the prior and of the widened prior, mixed."""
    archive = kept_renders(
        services,
        state.camera_model,
        state.scenes.encoding,
        names,
        count,
        lambda: first_scenes(state, services.settings.seed, count),
        0,
    )
    # What is noise in scenes from all over the range is not noise near the prior.
    rounds = archive.rounds.clone()
    rounds[len(rounds) - round(RANGE_SHARE * count) :] = BEFORE_ALL
    return replace(archive, rounds=rounds)


def later_renders(
    state: State, services: Services, names: ReaderNames, number: int
) -> RenderArchive:
    """Renders of the generator as it is when a later round begins."""
    return kept_renders(
        services,
        state.camera_model,
        state.scenes.encoding,
        names,
        services.settings.surrogate.renders,
        lambda: _generated(state, services, number),
        number,
    )


def first_scenes(state: State, seed: int, count: int) -> list[SceneGraph]:
    """Scenes of the prior, then of the widened prior."""
    prior, ranged = round(PRIOR_SHARE * count), round(RANGE_SHARE * count)
    scenes, shifted = state.scenes, count - prior - ranged
    return [
        *scenes.prior([derive_seed(seed, "surrogate-prior", i) for i in range(prior)]),
        *widened_scenes(scenes, shifted, derive_seed(seed, "surrogate-shift"), "shift").scenes,
        *widened_scenes(scenes, ranged, derive_seed(seed, "surrogate-range"), "range").scenes,
    ]


def _generated(state: State, services: Services, number: int) -> list[SceneGraph]:
    count, seed = services.settings.surrogate.renders, services.settings.seed
    proposed = state.scenes.proposed(
        [derive_seed(seed, "surrogate-round", number, i) for i in range(count)]
    )
    return state.scenes.transform_all(proposed, derive_seed(seed, "surrogate-round", number))
