"""Matching in rounds: render, read, teach a surrogate, descend on it.

The first round's renders are of the widened prior and of the prior. Each later one adds renders of
the generator as it is, on which the *true* distance is measured. The reader goes on learning there
too: it reads best where it was trained, and that is where the target is found to be.

Reader and surrogate of the first round may come from a file; see :mod:`pretrained_reader`.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor

from metasim_backend.features.reader.accuracy import accuracy
from metasim_backend.features.reader.reader import Reader
from metasim_backend.features.reader.readings import Readings, read_pictures
from metasim_backend.features.reader.targets import COMPARED
from metasim_backend.features.reader.training import fit_scales
from metasim_backend.grammar.encoded_scenes import encode_scenes
from metasim_backend.models.surrogate import Surrogate
from metasim_backend.settings import TrainSettings
from metasim_backend.training.estimators.confounding import confounded
from metasim_backend.training.estimators.evidence import READABLE, evidence
from metasim_backend.training.estimators.kept_reader import new_reader
from metasim_backend.training.estimators.pretrained_reader import PretrainedReader, chosen_file
from metasim_backend.training.estimators.pull import PullSettings, prior_deviations
from metasim_backend.training.estimators.reading_distances import (
    OBJECTS,
    SCENE,
    ReadingDistances,
    Trust,
    reading_distances,
    trusted,
)
from metasim_backend.training.estimators.render_archive import (
    RenderArchive,
    readings_of_nodes,
)
from metasim_backend.training.estimators.round_networks import (
    LATER_RATE,
    NEAR,
    load_network,
    new_surrogate,
    reader_goes_on,
    teach_round_surrogate,
    train_round_reader,
)
from metasim_backend.training.estimators.round_renders import first_renders, later_renders
from metasim_backend.training.estimators.support import leave_unsupported
from metasim_backend.training.estimators.surrogate_descent import (
    DescentSettings,
    descend,
    predicted_distances,
)
from metasim_backend.training.fixed_attributes import fixed_slots
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.services import Services
from metasim_backend.training.state import State

EVIDENCE_SCENES = 300
FIRST_TRUST = Trust(0.5, 0.5)
REFINING_CONTEXT = 0.0
"""In the last of several rounds all nodes of a class are changed alike. What depends on a node's
neighbours walks at random there: the target's objects become less probable in scenes that were not
descended on. Before, it must be free, or what the first large moves made of it stays."""


@dataclass(eq=False)
class SurrogateSpace:
    """What rounds build upon; made again from the run's folder when a run is resumed.

    Attributes:
        reader: reads pictures.
        archives: the renders of each round so far.
        pretrained: whether the reader came from a file, so that no render of this run is its own
            before it goes on learning.
        surrogate: of the last round; None before the first.
        readings: what the reader as it is reads in the renders of each round.
        target_readings: the same of the target's pictures; None: not read yet.
    """

    reader: Reader
    archives: list[RenderArchive]
    pretrained: bool
    surrogate: Surrogate | None = None
    readings: dict[int, Readings] = field(default_factory=dict)
    target_readings: Readings | None = None

    def read(self, target: Tensor) -> tuple[Readings, Readings]:
        """The readings of the target's pictures [N, 3, H, W] uint8, and of all renders."""
        if self.target_readings is None:
            self.target_readings = read_pictures(self.reader, self.reader.see(target))
        return self.target_readings, Readings.joined(
            [self.read_round(number) for number in range(len(self.archives))]
        )

    def read_round(self, number: int) -> Readings:
        """The readings of a round's renders."""
        if number not in self.readings:
            archive = self.archives[number]
            self.readings[number] = read_pictures(self.reader, archive.seen, archive.targets)
        return self.readings[number]

    def forget_readings(self) -> None:
        """The reader has changed."""
        self.readings, self.target_readings = {}, None


def open_space(state: State, services: Services, done: int) -> SurrogateSpace:
    """The space as it was after so many rounds."""
    settings = services.settings
    reader = new_reader(settings, state.scenes.encoding)
    begun = _begin_pretrained(state, services)
    count = settings.surrogate.replay if begun else settings.surrogate.scenes
    archives = [first_renders(state, services, reader.names, count)]
    archives += [later_renders(state, services, reader.names, n) for n in range(1, done)]
    space = SurrogateSpace(reader, [archive.seen_by(reader) for archive in archives], begun)
    if done:
        load_network(services, reader, "reader", done - 1)
        space.surrogate = new_surrogate(state.scenes.encoding, reader.names)
        load_network(services, space.surrogate, "surrogate", done - 1)
    else:
        fit_scales(reader, space.archives[0].targets)
    return space


def _begin_pretrained(state: State, services: Services) -> bool:
    """Whether the first round's networks come from a file; put them there in a new run."""
    folder = services.folder
    kept = folder.load_checkpoint("reader_0")
    if kept is not None:
        return "pretrained" in kept
    if (folder.renders / "round_0").exists():
        return False
    path = chosen_file(services.settings, state.scenes.encoding)
    if path is None:
        return False
    content = PretrainedReader.load(path)
    folder.save_checkpoint({"state": content.surrogate}, "surrogate_0")
    folder.save_checkpoint({"state": content.reader, "pretrained": content.made}, "reader_0")
    return True


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
        fresh = later_renders(state, services, space.reader.names, number).seen_by(space.reader)
        space.archives.append(fresh)
        errors = _measure(services, space, number)
        trust = Trust(**{part: trusted(error) for part, error in errors.items()})
    archive = RenderArchive.joined(space.archives)
    if train_round_reader(services, space.reader, archive, number):
        space.forget_readings()
    target, readings = space.read(services.target.matched)
    # What the reader was trained on it reads too well to stand for the target's pictures.
    unseen = ~trained_on(services.settings, space.pretrained, archive, number)
    newest = readings.rows(((archive.rounds == number) & unseen).nonzero()[:, 0])
    nodes = readings_of_nodes(archive, readings)
    distances = reading_distances(target, newest, generator(seed, "slices", number), COMPARED)
    before = distances.of(newest)
    if space.surrogate is None:
        space.surrogate = new_surrogate(state.scenes.encoding, space.reader.names)
        space.surrogate.fit_inputs(archive.scenes)
    rows = unseen.nonzero()[:, 0]
    near = number >= NEAR
    teach_round_surrogate(services, space.surrogate, archive, readings, nodes, rows, number, near)
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
        "pictures": float(len(archive)),
    }


def trained_on(
    settings: TrainSettings, pretrained: bool, archive: RenderArchive, number: int
) -> Tensor:
    """[N] bool: the renders that the reader has been trained on in this round or before."""
    of_first = (archive.rounds <= 0) & (not pretrained)
    of_later = (archive.rounds > 0) & reader_goes_on(settings, number)
    return archive.readers & (of_first | of_later)


def _measure(services: Services, space: SurrogateSpace, number: int) -> dict[str, float]:
    """How well the reader reads the newest renders before it has been trained on them, for
    the report; and how far the surrogate is wrong about them.

    Returns:
        for scenes and for objects the distance of what it predicts from what is read, in units of
        the logarithm of a likelihood for as many pictures as the target has, less chance.
    """
    assert space.surrogate is not None
    fresh, readings = space.archives[number], space.read_round(number)
    read = accuracy(space.reader, readings, fresh.targets)
    services.folder.write_json(
        "reader.json",
        {"round": number, "numbers": {name: asdict(one) for name, one in read.items()}},
    )
    source = generator(services.settings.seed, "surrogate-error", number)
    true = reading_distances(readings, readings, source, COMPARED)
    whole = fresh.scenes.batch(torch.arange(len(fresh)))
    with torch.no_grad():
        predicted = predicted_distances(space.surrogate, whole, whole.values, true)
    pictures = len(services.target.matched) / len(fresh)
    return {
        name: pictures * max(float(true.likelihood(predicted, part)) - true.by_chance(part), 0.0)
        for name, part in (("scene", SCENE), ("objects", OBJECTS))
    }


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
    own = reading_distances(prior, prior, source, COMPARED)
    seeds = [derive_seed(seed, "surrogate-proposal", i) for i in range(EVIDENCE_SCENES)]
    scenes = encode_scenes(state.scenes.encoding, state.scenes.proposed(seeds))
    transformer, batch = state.scenes.transformer, scenes.batch(torch.arange(len(scenes)))
    found = evidence(transformer, surrogate, batch, own.for_counts(target.counts))
    deviations = prior_deviations(transformer, scenes)
    stands_in = {
        name: asdict(one)
        for name, one in confounded(
            transformer, surrogate, batch, deviations, target.counts[None]
        ).items()
        if found[name] >= READABLE and one.partners
    }
    services.folder.write_json(
        "evidence.json",
        {"readable_from": READABLE, "attributes": found, "confounded": stands_in},
    )


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
    scenes = encode_scenes(state.scenes.encoding, proposals)
    last = number == settings.rounds - 1
    near, refining = number >= NEAR, last and number > 0
    losses: list[float] = []
    with services.work("match", "Descent", settings.steps) as work:

        def step(_: int, loss: float) -> None:
            losses.append(loss)
            work.update()

        descend(
            state.scenes.transformer,
            surrogate,
            scenes,
            distances,
            PullSettings(strength=settings.hold),
            DescentSettings(
                settings.steps,
                settings.batch,
                (LATER_RATE if number else 1.0) * settings.learning_rate,
                trust,
                near,
                fixed_slots(state.scenes.encoding, settings.fixed),
                REFINING_CONTEXT if refining else 1.0,
            ),
            seed,
            number,
            step,
        )
    if last:
        leave_unsupported(state, services, surrogate, distances, trust, number, near)
    ended = losses[-max(1, len(losses) // 20) :]
    return sum(ended) / len(ended)
