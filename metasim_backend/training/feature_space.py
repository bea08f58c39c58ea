"""The run's feature space φ, made once and kept in its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from blender_addon.contract.frames import Frame, RenderSettings
from metasim_backend.matching.features import FeatureExtractor, build_features
from metasim_backend.matching.prior_network import PriorNetwork
from metasim_backend.matching.prior_training import PriorTraining, train_prior_network
from metasim_backend.rendering.renderer import Renderer
from metasim_backend.run_files.progress import Progress
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.settings import FeatureSettings
from metasim_backend.training.evaluation import images_of
from metasim_backend.training.feature_answers import answers
from metasim_backend.training.feature_scenes import scenes_near, widened_scenes
from metasim_backend.training.scene_generator import Proposal, SceneGenerator, noise_seeds
from metasim_backend.training.seeds import derive_seed

SCALE_SCENES = 48

Bar = Callable[[str, int], AbstractContextManager[Progress]]


def prepare(
    folder: RunFolder,
    scenes: SceneGenerator,
    renderer: Renderer,
    render_settings: RenderSettings,
    settings: FeatureSettings,
    seed: int,
    target: Tensor,
    bar: Bar,
    turn: int = 0,
    before: FeatureExtractor | None = None,
    explained: Mapping[str, float] | None = None,
) -> FeatureExtractor:
    """φ with its scale, from the run's folder or made anew and kept there.

    Args:
        target: [N, 3, H, W] uint8, the target pictures that training may see; with as many
            renders they give the scale.
        bar: makes a progress bar, given its name and total.
        turn: which of the run's networks; those after the first are trained on scenes near what
            the generator makes now.
        before: φ of the turn before, from whose network a later one goes on.
        explained: what networks before could read, by slot.

    Raises:
        FeaturesError: when the network that was asked for cannot be had.
    """
    suffix = f"_{turn}" if turn else ""
    kept = folder.load_checkpoint(f"features{suffix}")
    network_file = folder.checkpoints / f"prior_network{suffix}.pt"
    if kept is not None:
        choice = str(network_file) if network_file.exists() else settings.network
        features = build_features(choice)
        features.load_state_dict(kept["state"])
        features.name = kept["name"]
        return features

    rendered: list[Tensor] = []
    known = before.network if before is not None else None
    earlier = known if isinstance(known, PriorNetwork) else None

    def render(proposal: Proposal) -> list[Frame]:
        with bar("feature scenes", len(proposal.scenes)) as shown:
            wanted = noise_seeds(render_settings, proposal.scenes)
            frames = renderer.render(proposal.scenes, wanted, shown.update)
        rendered.append((images_of(frames) * 255).round().to(torch.uint8))
        return frames

    def train() -> PriorNetwork:
        if turn:
            proposal = scenes_near(scenes, settings.scenes, seed, turn, settings.near, explained)
        else:
            proposal = widened_scenes(scenes, settings.scenes, seed, settings.widen)
        frames = render(proposal)
        with bar("feature network", settings.epochs) as shown:
            network = train_prior_network(
                rendered[0],
                answers(scenes.encoding, proposal, frames, settings.harmonics),
                derive_seed(seed, "feature-network", *([turn] if turn else [])),
                PriorTraining(epochs=settings.epochs),
                progress=lambda *_: shown.update(),
                begin=earlier,
                parts=settings.parts,
            )
        network.save(network_file)
        return network

    features = build_features(settings.network, prior=train)
    if not rendered:
        render(scenes.propose([derive_seed(seed, "feature-scale", i) for i in range(SCALE_SCENES)]))
    features.fit_scale(torch.cat([target[:SCALE_SCENES], rendered[0][: len(target)]]))
    folder.save_checkpoint(
        {"state": features.state_dict(), "name": features.name}, f"features{suffix}"
    )
    return features
