"""Matching in rounds: render, read, teach a surrogate, descend on it.

The first round's renders are of the widened prior and of the prior. Each later one adds renders of
the generator as it is, on which the *true* distance is measured. The reader goes on learning there
too: it reads best where it was trained, and that is where the target is found to be.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.features.reader.accuracy import accuracy
from metasim_backend.features.reader.reader import Reader
from metasim_backend.features.reader.readings import PLACES, Readings, read_pictures
from metasim_backend.features.reader.targets import ReaderNames
from metasim_backend.features.reader.training import (
    ReaderTraining,
    fit_scales,
    train_reader,
    training_steps,
)
from metasim_backend.grammar.encoded_scenes import encode_scenes
from metasim_backend.models.surrogate import Surrogate
from metasim_backend.training.estimators.evidence import READABLE, evidence
from metasim_backend.training.estimators.kept_reader import new_reader
from metasim_backend.training.estimators.kept_renders import kept_renders
from metasim_backend.training.estimators.pull import PullSettings
from metasim_backend.training.estimators.render_archive import (
    NodeReadings,
    RenderArchive,
    readings_of_nodes,
)
from metasim_backend.training.estimators.surrogate_descent import (
    OBJECTS,
    SCENE,
    DescentSettings,
    ReadingDistances,
    Trust,
    descend,
    predicted_distances,
    reading_distances,
)
from metasim_backend.training.estimators.surrogate_teaching import (
    teach_surrogate,
    teaching_steps,
)
from metasim_backend.training.feature_scenes import widened_scenes
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.services import Services
from metasim_backend.training.state import State

PRIOR_SHARE = 0.2
RANGE_SHARE = 0.3
"""Of the first renders: the prior's own, and those with most attributes from their whole range; the
rest has attributes that are shifted all alike."""
BEFORE_ALL = -1
"""The round of those from the whole range."""
LATER_RATE = 0.5
EVIDENCE_SCENES = 96
FIRST_TRUST = Trust(0.5, 0.5)
LEAST_TRUST = 0.2
TRUSTED_ERROR = 25.0
"""Of a surrogate that is trusted fully, in units of the logarithm of a likelihood."""


@dataclass(eq=False)
class SurrogateSpace:
    """What rounds build upon; made again from the run's folder when a run is resumed.

    Attributes:
        reader: reads pictures.
        archive: all renders so far.
        surrogate: of the last round; None before the first.
    """

    reader: Reader
    archive: RenderArchive
    surrogate: Surrogate | None = None


def open_space(state: State, services: Services, done: int) -> SurrogateSpace:
    """The space as it was after so many rounds."""
    reader = new_reader(services.settings, state.scenes.encoding)
    names = reader.names
    archives = [_renders(state, services, names, number) for number in range(max(done, 1))]
    space = SurrogateSpace(reader, RenderArchive.joined(archives).seen_by(reader))
    if not done:
        fit_scales(reader, space.archive.targets)
    if done:
        reader.load_state_dict(_kept(services, "reader", done - 1))
        space.surrogate = new_surrogate(state, names)
        space.surrogate.load_state_dict(_kept(services, "surrogate", done - 1))
    return space


def take_round(
    state: State, services: Services, space: SurrogateSpace, number: int
) -> dict[str, float]:
    """One round; the state's transformer is changed at its end.

    Returns:
        true distances of the renders that it began with, and what the descent came to, in units
        of the logarithm of a likelihood.
    """
    seed = services.settings.seed
    trust, errors = FIRST_TRUST, {}
    if number:
        fresh = _renders(state, services, space.reader.names, number).seen_by(space.reader)
        errors = _measure(services, space, fresh, number)
        trust = Trust(**{part: _trusted(error) for part, error in errors.items()})
        space.archive = RenderArchive.joined([space.archive, fresh])
    _train_reader(services, space, number)
    target = read_pictures(space.reader, space.reader.see(services.target.matched))
    readings = read_pictures(space.reader, space.archive.seen, space.archive.targets)
    newest = readings.rows((space.archive.rounds == number).nonzero()[:, 0])
    nodes = readings_of_nodes(space.archive, readings)
    distances = reading_distances(target, newest, generator(seed, "slices", number))
    before = distances.of(newest)
    if space.surrogate is None:
        space.surrogate = new_surrogate(state, space.reader.names)
        space.surrogate.fit_inputs(space.archive.scenes)
    _teach(services, space, space.surrogate, readings, nodes, number)
    if number == 0:
        _write_evidence(state, services, space.surrogate, newest, distances)
    loss = _descend(state, services, space.surrogate, distances, number, trust)
    return {
        "distance": float(distances.likelihood(before)),
        "scene_distance": before[None],
        "loss": loss,
        "scene_trust": trust.scene,
        "object_trust": trust.objects,
        "scene_error": errors.get("scene", math.nan),
        "object_error": errors.get("objects", math.nan),
        "pictures": float(len(space.archive)),
    }


def new_surrogate(state: State, names: ReaderNames) -> Surrogate:
    """A surrogate of what a reader reads of the generator's scenes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Surrogate(
            state.scenes.encoding,
            len(names.scene) + len(names.classes),
            names.classes,
            len(names.objects) + PLACES,
        )


def _kept(services: Services, what: str, number: int) -> dict[str, Tensor]:
    """A network as it was at the end of a round."""
    kept = services.folder.load_checkpoint(f"{what}_{number}")
    assert kept is not None, f"a finished round has left no {what}"
    return kept["state"]


def _keep(services: Services, network: nn.Module, name: str, train: Callable[[], None]) -> None:
    """Train a network, or take it as an earlier call has left it."""
    kept = services.folder.load_checkpoint(name)
    if kept is not None:
        network.load_state_dict(kept["state"])
        return
    train()
    services.folder.save_checkpoint({"state": network.state_dict()}, name)


def _renders(state: State, services: Services, names: ReaderNames, number: int) -> RenderArchive:
    """A round's renders."""
    settings = services.settings.surrogate
    make = _generated if number else _first
    archive = kept_renders(
        services,
        state.camera_model,
        state.scenes.encoding,
        names,
        settings.renders if number else settings.scenes,
        lambda: make(state, services, number),
        number,
    )
    if number:
        return archive
    # What is noise in scenes from all over the range is not noise near the prior.
    rounds = archive.rounds.clone()
    rounds[len(rounds) - round(RANGE_SHARE * settings.scenes) :] = BEFORE_ALL
    return replace(archive, rounds=rounds)


def _first(state: State, services: Services, number: int) -> list[SceneGraph]:
    """Scenes of the prior and of the widened prior, mixed."""
    settings, seed, scenes = services.settings.surrogate, services.settings.seed, state.scenes
    prior = round(PRIOR_SHARE * settings.scenes)
    ranged = round(RANGE_SHARE * settings.scenes)
    shifted = settings.scenes - prior - ranged
    return [
        *scenes.prior([derive_seed(seed, "surrogate-prior", i) for i in range(prior)]),
        *widened_scenes(scenes, shifted, derive_seed(seed, "surrogate-shift"), "shift").scenes,
        *widened_scenes(scenes, ranged, derive_seed(seed, "surrogate-range"), "range").scenes,
    ]


def _generated(state: State, services: Services, number: int) -> list[SceneGraph]:
    """Scenes of the generator as it is."""
    count, seed = services.settings.surrogate.renders, services.settings.seed
    proposed = state.scenes.proposed(
        [derive_seed(seed, "surrogate-round", number, i) for i in range(count)]
    )
    return state.scenes.transform_all(proposed, derive_seed(seed, "surrogate-round", number))


def _train_reader(services: Services, space: SurrogateSpace, number: int) -> None:
    """In the first round on all renders, later on the newest and as many older ones."""
    settings, seed = services.settings.surrogate, services.settings.seed
    rounds = space.archive.rounds
    rows = torch.arange(len(rounds))
    training = ReaderTraining(epochs=settings.reader_epochs)
    if number:
        older = rows[rounds < number]
        source = generator(seed, "reader-rows", number)
        drawn = older[torch.randperm(len(older), generator=source)[: int((rounds == number).sum())]]
        rows = torch.cat([rows[rounds == number], drawn])
        training = replace(
            training,
            epochs=settings.reader_goes_on,
            learning_rate=LATER_RATE * training.learning_rate,
        )

    def train() -> None:
        seen, targets = space.archive.rows(rows)
        with services.work("match", "Reader", training_steps(targets, training)) as work:
            train_reader(
                space.reader,
                seen,
                targets,
                derive_seed(seed, "reader", number),
                training,
                space.archive.weights[rows],
                lambda *_: work.update(),
            )

    _keep(services, space.reader, f"reader_{number}", train)


def _measure(
    services: Services, space: SurrogateSpace, fresh: RenderArchive, number: int
) -> dict[str, float]:
    """How well the reader reads the generator's renders before it has been trained on them, for
    the report; and how far the surrogate is wrong about them.

    Returns:
        for scenes and for objects the distance of what it predicts from what is read, in units of
        the logarithm of a likelihood for as many pictures as the target has, less chance.
    """
    assert space.surrogate is not None
    readings = read_pictures(space.reader, fresh.seen, fresh.targets)
    read = accuracy(space.reader, readings, fresh.targets)
    services.folder.write_json(
        "reader.json",
        {"round": number, "numbers": {name: asdict(one) for name, one in read.items()}},
    )
    source = generator(services.settings.seed, "surrogate-error", number)
    true = reading_distances(readings, readings, source)
    whole = fresh.scenes.batch(torch.arange(len(fresh)))
    with torch.no_grad():
        predicted = predicted_distances(space.surrogate, whole, whole.values, true)
    pictures = len(services.target.matched) / len(fresh)
    return {
        name: pictures * max(float(true.likelihood(predicted, part)) - true.by_chance(part), 0.0)
        for name, part in (("scene", SCENE), ("objects", OBJECTS))
    }


def _trusted(error: float) -> float:
    return min(max(TRUSTED_ERROR / max(error, 1e-9), LEAST_TRUST), 1.0)


def _teach(
    services: Services,
    space: SurrogateSpace,
    surrogate: Surrogate,
    readings: Readings,
    nodes: NodeReadings,
    number: int,
) -> None:
    settings, seed = services.settings.surrogate, services.settings.seed
    epochs = settings.goes_on if number else settings.epochs

    def teach() -> None:
        steps = teaching_steps(len(space.archive), epochs)
        with services.work("match", "Surrogate", steps) as work:
            teach_surrogate(
                surrogate,
                space.archive,
                readings,
                nodes,
                derive_seed(seed, "surrogate", number),
                epochs=epochs,
                learning_rate=(LATER_RATE if number else 1.0) * 2e-3,
                progress=lambda *_: work.update(),
            )

    _keep(services, surrogate, f"surrogate_{number}", teach)


def _write_evidence(
    state: State,
    services: Services,
    surrogate: Surrogate,
    prior: Readings,
    target: ReadingDistances,
) -> None:
    """What as many pictures as the target has can say of each attribute."""
    seed = services.settings.seed
    source = generator(seed, "evidence")
    own = reading_distances(prior, prior, source)
    seeds = [derive_seed(seed, "surrogate-proposal", i) for i in range(EVIDENCE_SCENES)]
    scenes = encode_scenes(state.scenes.encoding, state.scenes.proposed(seeds))
    found = evidence(
        state.scenes.transformer,
        surrogate,
        scenes.batch(torch.arange(len(scenes))),
        own.for_counts(target.counts),
    )
    services.folder.write_json("evidence.json", {"readable_from": READABLE, "attributes": found})


def _readable(state: State, services: Services) -> Tensor:
    """[numeric slots] bool: those that the target's pictures can say something of."""
    found = services.folder.read_json("evidence.json")["attributes"]
    transformer = state.scenes.transformer
    names = [state.scenes.encoding.slots[slot].name for slot in transformer.numeric]
    return torch.tensor([found.get(name, 0.0) >= READABLE for name in names])


def _descend(
    state: State,
    services: Services,
    surrogate: Surrogate,
    distances: ReadingDistances,
    number: int,
    trust: Trust,
) -> float:
    settings, seed = services.settings.surrogate, services.settings.seed
    proposals = state.scenes.proposed(
        [derive_seed(seed, "surrogate-proposal", i) for i in range(settings.proposals)]
    )
    losses: list[float] = []
    with services.work("match", "Descent", settings.steps) as work:

        def step(_: int, loss: float) -> None:
            losses.append(loss)
            work.update()

        descend(
            state.scenes.transformer,
            surrogate,
            encode_scenes(state.scenes.encoding, proposals),
            distances,
            PullSettings(strength=settings.hold),
            DescentSettings(
                settings.steps,
                settings.batch,
                (LATER_RATE if number else 1.0) * settings.learning_rate,
                trust,
            ),
            seed,
            number,
            step,
            _readable(state, services),
        )
    last = losses[-max(1, len(losses) // 20) :]
    return sum(last) / len(last)
