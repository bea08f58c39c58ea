"""The run's feature space φ, made once and kept in its folder."""

from __future__ import annotations

import torch
from torch import Tensor

from blender_addon.contract.frames import Frame
from metasim_backend.features.extractor import FeatureExtractor, build_features
from metasim_backend.features.prior_network import PriorNetwork
from metasim_backend.features.prior_training import PriorTraining, train_prior_network
from metasim_backend.networks.device import network_device
from metasim_backend.training.evaluation import images_of
from metasim_backend.training.feature_answers import answers
from metasim_backend.training.feature_scenes import scenes_near, widened_scenes
from metasim_backend.training.scene_generator import Proposal, noise_seeds
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services
from metasim_backend.training.state import State

SCALE_SCENES = 48


def prepare(state: State, services: Services, turn: int) -> FeatureExtractor:
    """φ of a round with its scale, from the run's folder or made anew and kept there.

    The scale comes from target pictures that training may see, and as many renders. The networks of
    later rounds are trained on scenes near what the generator makes now, and go on from the one
    before.

    Raises:
        FeaturesError: when the network that was asked for cannot be had.
    """
    folder, scenes = services.folder, state.scenes
    settings, seed = services.settings.features, services.settings.seed
    device = network_device(services.settings.networks.device)
    suffix = f"_{turn}" if turn else ""
    kept = folder.load_checkpoint(f"features{suffix}")
    network_file = folder.checkpoints / f"prior_network{suffix}.pt"
    if kept is not None:
        choice = str(network_file) if network_file.exists() else settings.network
        features = build_features(choice).to(device)
        with folder.used(f"features{suffix}"):
            features.load_state_dict(kept["state"])
            features.name = str(kept["name"])
        return features

    rendered: list[Tensor] = []
    before = state.matcher.features.network if state.matchers else None
    earlier = before if isinstance(before, PriorNetwork) else None

    def render(proposal: Proposal) -> list[Frame]:
        renderer = services.renderer(state.camera_model)
        with services.work("features", "Feature scenes", len(proposal.scenes)) as shown:
            wanted = noise_seeds(services.render_settings, proposal.scenes)
            frames = renderer.render(proposal.scenes, wanted, shown.update)
        rendered.append((images_of(frames) * 255).round().to(torch.uint8))
        return frames

    def train() -> PriorNetwork:
        if turn:
            explained = state.visibility.explained
            proposal = scenes_near(scenes, settings.scenes, seed, turn, settings.near, explained)
        else:
            proposal = widened_scenes(scenes, settings.scenes, seed, settings.widen)
        frames = render(proposal)
        with services.work("features", "Feature network", settings.epochs) as shown:
            network = train_prior_network(
                rendered[0],
                answers(scenes.encoding, proposal, frames, settings.harmonics),
                derive_seed(seed, "feature-network", *([turn] if turn else [])),
                PriorTraining(epochs=settings.epochs),
                progress=lambda *_: shown.update(),
                begin=earlier,
                parts=settings.parts,
                device=device,
            )
        network.save(network_file)
        return network

    features = build_features(settings.network, prior=train).to(device)
    if not rendered:
        render(scenes.propose([derive_seed(seed, "feature-scale", i) for i in range(SCALE_SCENES)]))
    target = services.target.matched
    features.fit_scale(torch.cat([target[:SCALE_SCENES], rendered[0][: len(target)]]))
    folder.save_checkpoint(
        {"state": features.state_dict(), "name": features.name}, f"features{suffix}"
    )
    return features
