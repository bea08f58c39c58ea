"""The feature space in which structures are compared, made once and kept in the run's folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import Frame
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.features.count_network import (
    CountAnswers,
    CountNetwork,
    CountTraining,
    densities,
    train_count_network,
)
from metasim_backend.features.pretrained_cells import PretrainedCells
from metasim_backend.grammar.derivation import Productions
from metasim_backend.networks.device import network_device
from metasim_backend.networks.imagenet import imagenet_network
from metasim_backend.settings import StructureSettings
from metasim_backend.training.evaluation import images_of
from metasim_backend.training.feature_scenes import widened
from metasim_backend.training.scene_generator import SceneGenerator, noise_seeds
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.services import Services
from metasim_backend.training.state import State
from metasim_backend.training.structure_draws import attributed
from metasim_backend.training.structure_pretraining import prior_derivations

KEPT = "count_network"
BATCH = 64


def counting(state: State, services: Services) -> CountNetwork:
    """The run's count network, which is made when it is first asked for."""
    if state.counts is None:
        state.counts = count_network(state, services)
        services.folder.write_json("structure_readings.json", state.counts.explained())
    return state.counts


def count_network(state: State, services: Services) -> CountNetwork:
    """The run's count network, from its folder or trained on renders of the prior."""
    assert state.structure is not None
    settings, seed = services.settings.structure, services.settings.seed
    productions = state.structure.productions
    kept = services.folder.load_checkpoint(KEPT)
    device = network_device(services.settings.networks.device)
    cells = None
    if settings.network != "own":
        cells = PretrainedCells(imagenet_network(settings.network))
    if kept is not None:
        with services.folder.used(KEPT):
            network = CountNetwork(tuple(kept["classes"]), tuple(kept["choices"]), cells=cells)
            network.load_state_dict(kept["state"])
        return network.to(device).eval().requires_grad_(False)
    widen = services.settings.features.widen
    tokens, drawn = counted_scenes(state.scenes, productions, settings, widen, seed)
    renderer = services.renderer(state.camera_model)
    images: list[Tensor] = []
    with services.work("structure", "Structure scenes", len(drawn)) as shown:
        # In parts, and pictures as bytes: frames of thousands of scenes are large.
        parts: list[CountAnswers] = []
        labelled: set[str] = set()
        for start in range(0, len(drawn), BATCH):
            some = drawn[start : start + BATCH]
            wanted = noise_seeds(services.render_settings, some)
            frames = renderer.render(some, wanted, shown.update)
            images.append((images_of(frames) * 255).round().to(torch.uint8))
            parts.append(_seen(some, frames))
            labelled |= {
                scene.node(label.node).class_name
                for scene, frame in zip(some, frames, strict=True)
                for label in frame.labels
            }
    answers = _whole_answers(parts, labelled, productions, tokens)
    with services.work("structure", "Count network", settings.feature_epochs) as shown:
        network = train_count_network(
            torch.cat(images),
            answers,
            derive_seed(seed, "count-network"),
            CountTraining(epochs=settings.feature_epochs, disturbed=settings.disturbed),
            progress=lambda *_: shown.update(),
            cells=cells,
            device=device,
        )
    saved = {"classes": network.classes, "choices": network.choices, "state": network.state_dict()}
    services.folder.save_checkpoint(saved, KEPT)
    return network


def counted_scenes(
    scenes: SceneGenerator,
    productions: Productions,
    settings: StructureSettings,
    widen: str,
    seed: int,
) -> tuple[np.ndarray, list[SceneGraph]]:
    """[N, T] derivations of the prior, and scenes of them with attributes spread wider."""
    wanted = settings.feature_scenes
    tokens = prior_derivations(
        productions, 2 * wanted, settings.longest, derive_seed(seed, "structure-feature-scenes")
    )
    kept: list[int] = []
    out: list[SceneGraph] = []
    for i, row in enumerate(tokens):
        if len(out) == wanted:
            break
        own = derive_seed(seed, "structure-feature-scene", i)
        nodes = attributed(scenes.grammar, productions, row, own, 0)
        if nodes is None:
            continue  # too crowded for its attributes to meet the conditions
        scene = SceneGraph(nodes, scenes.grammar.domain, own)
        source = generator(seed, "structure-feature-shift", i)
        out.append(widened(scenes, scene, source, widen) if scenes.changes_attributes else scene)
        kept.append(i)
    return tokens[kept].numpy(), out


def _seen(scenes: Sequence[SceneGraph], frames: Sequence[Frame]) -> CountAnswers:
    """What is to be counted in some frames: their labelled objects as far as they show."""
    names = sorted({label.class_name for frame in frames for label in frame.labels})
    most = max((label.index for frame in frames for label in frame.labels), default=0) + 1
    units = torch.full((len(frames), most), -1, dtype=torch.long)
    for n, frame in enumerate(frames):
        for label in frame.labels:
            units[n, label.index] = names.index(label.class_name)
    index = torch.from_numpy(np.stack([frame.index for frame in frames]).astype(np.int64))
    return CountAnswers(tuple(names), densities(index, units), (), torch.zeros(len(frames), 0))


def _whole_answers(
    parts: Sequence[CountAnswers], labelled: set[str], productions: Productions, tokens: np.ndarray
) -> CountAnswers:
    """The parts joined, with what can only be read off a picture as a whole: rules that are chosen
    once a scene, and how many there are of classes without labels."""
    names = sorted({name for part in parts for name in part.classes})
    density = []
    for part in parts:
        own = part.density.new_zeros(len(part.density), len(names), *part.density.shape[2:])
        for k, name in enumerate(part.classes):
            own[:, names.index(name)] = part.density[:, k]
        density.append(own)
    used = productions.token_counts(tokens)
    single = {
        decision
        for decision in range(productions.decision_count)
        if used[:, productions.valid[decision]].sum(1).max(initial=0) == 1
    }
    columns: dict[str, np.ndarray] = {
        token.name: used[:, v]
        for v, token in enumerate(productions.tokens)
        if token.item is None and token.decision in single
    }
    counts = productions.class_counts(tokens)
    for k, spec in enumerate(productions.grammar.classes):
        if spec.name not in labelled:
            columns[f"number of {spec.name}"] = counts[:, k]
    columns = {name: values for name, values in columns.items() if np.ptp(values) > 0}
    table = np.stack(list(columns.values()), 1) if columns else np.zeros((len(tokens), 0))
    return CountAnswers(
        tuple(names), torch.cat(density), tuple(columns), torch.from_numpy(table).float()
    )
