"""A run from start to finish: pre-training, structure, matching, task optimisation, report.

Every random draw is named by the run's seed, the phase and the step (see ``seeds``), so a
checkpoint is the parameters, the optimiser's state and how far each phase has come; a run that
is interrupted and resumed does the very same arithmetic as one that is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.frames import RenderSettings
from metasim_backend.camera.renderer import with_camera
from metasim_backend.grammar import Grammar
from metasim_backend.matching.features import FeatureExtractor, counting_features
from metasim_backend.matching.mmd import MMD
from metasim_backend.matching.prior_network import PriorNetwork
from metasim_backend.models.distribution_transformer import TransformerSettings
from metasim_backend.rendering.renderer import DifferenceRenderer
from metasim_backend.reporting.report import write_report
from metasim_backend.run_files.metrics import Metrics
from metasim_backend.run_files.progress import Progress
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.settings import TrainSettings
from metasim_backend.tasks.task import TaskNetwork
from metasim_backend.training import evaluation, feature_space
from metasim_backend.training.checkpoint import keep_generator, restore_run, save_run
from metasim_backend.training.feature_answers import explained_by_slot
from metasim_backend.training.matching import Matcher, match
from metasim_backend.training.pretraining import identity_error, pretrain
from metasim_backend.training.results import write_results
from metasim_backend.training.reward import MovingAverage
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.shift_search import most_trials, search_shifts
from metasim_backend.training.structure_phase import LEARN, PRETRAIN, StructurePhase
from metasim_backend.training.task_network import new_task_network
from metasim_backend.training.task_optimisation import optimise_task
from metasim_backend.training.visibility import Visibility


@dataclass(frozen=True, eq=False)
class Target:
    """The user's real images, split so that no picture serves two purposes.

    Attributes:
        matched: [N, 3, H, W] uint8, compared with in training.
        unseen: [M, 3, H, W] uint8, for the report alone.
        validation: what the task network is scored on (labelled images or frames), or None.
        truth: the target's true attribute values where they are known (the demo), else None.
    """

    matched: Tensor
    unseen: Tensor
    validation: Sequence[Any] | None = None
    truth: Mapping[str, np.ndarray] | None = None


class Run:
    """The state of one run, and its phases.

    Args:
        folder: where settings, measurements and checkpoints are.
        grammar: proposes scenes.
        settings: everything else.
        target: what to learn.
        renderer: makes pictures.
        command: the command line, for the report.
        quiet: say nothing of the progress.
        clock: gives the seconds that phases are timed by.
    """

    def __init__(
        self,
        folder: RunFolder,
        grammar: Grammar,
        settings: TrainSettings,
        target: Target,
        renderer: DifferenceRenderer,
        *,
        command: Sequence[str] = (),
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.command = tuple(command)
        self.folder = folder
        self.settings = settings
        self.target = target
        self._source = renderer
        self.use_camera(settings.camera_model)
        self.quiet = quiet
        self.clock = clock
        self.scenes = SceneGenerator(
            grammar,
            TransformerSettings(settings.hidden, settings.latent, settings.spread),
            settings.seed,
        )
        self.done: dict[str, int] = dict.fromkeys(settings.phases, 0)
        self.structure: StructurePhase | None = None
        if LEARN in settings.phases:
            self.done[PRETRAIN] = 0
            self.scenes.changes_attributes = changes_attributes(settings.phases)
            self.structure = StructurePhase(self)
        self.seconds = dict.fromkeys(("features", *settings.phases, "report"), 0.0)
        self.baseline = MovingAverage(settings.task.momentum)
        self.task_network: TaskNetwork | None = None
        self.optimiser: torch.optim.Optimizer | None = None
        self.optimiser_phase = ""
        self.turn = -1
        self.visibility = Visibility(
            [slot.name for slot in self.scenes.encoding.slots],
            settings.features.rounds,
            settings.features.least_explained,
            settings.match.hold_spread,
            settings.match.hold_until,
        )
        self._features: FeatureExtractor | None = None
        self.metrics = Metrics(folder.metrics, folder.tensorboard)

    def use_camera(self, camera: CameraModel) -> None:
        """Take all pictures from now on by this camera."""
        self.camera_model = camera
        self.renderer = with_camera(self._source, camera)

    @property
    def render_settings(self) -> RenderSettings:
        wanted = self.settings.rendering
        return replace(wanted.render_settings(), float_image=True)

    @property
    def turns(self) -> int:
        """Rounds of matching; structure and matching take turns, in the order they are named in."""
        return self.settings.features.rounds

    @property
    def features(self) -> FeatureExtractor:
        """φ of the round that matching is in."""
        assert self._features is not None, "made by train()"
        return self._features

    def train(self) -> None:
        """All phases that are switched on, from where the last checkpoint left off."""
        resumed = restore_run(self)
        if not resumed:
            seeds = [derive_seed(self.settings.seed, "prior", i) for i in range(200)]
            self.scenes.transformer.fit_prior(self.scenes.propose(seeds).batch)
        self._use_features(self._first_features())
        self._phase("pretrain", self._pretrain)
        for turn in range(self.turns):
            for phase in self._alternating():
                learn = self._structure if phase == LEARN else self._match
                self._phase(phase, partial(learn, turn))
        self._phase("task", self._task)
        self._use_features(self._turn())
        self._report()
        self.metrics.close()

    def _phase(self, phase: str, run: Callable[[], object]) -> None:
        if phase in self.settings.phases:
            self.timed(phase, run)
            self.save()
            self.keep(phase)

    # The phases -----------------------------------------------------------------------------

    def _pretrain(self) -> None:
        settings = self.settings.pretrain
        if self.done["pretrain"] >= settings.steps:
            return
        with self.bar("auto-encoder", settings.steps, "pretrain") as bar:

            def after_step(step: int, values: dict[str, float]) -> None:
                self.metrics.log("pretrain", step, **values)
                self.done["pretrain"] = step + 1
                bar.show(l1=f"{values['l1']:.4f}")
                bar.update()

            pretrain(
                self.scenes,
                settings,
                self.settings.seed,
                optimiser=self.transformer_optimiser("pretrain", settings.learning_rate),
                first_step=self.done["pretrain"],
                after_step=after_step,
            )
        seeds = [derive_seed(self.settings.seed, "identity", i) for i in range(50)]
        errors = identity_error(self.scenes, self.scenes.propose(seeds))
        self.folder.write_json("identity_error.json", errors)

    def _structure(self, turn: int) -> None:
        assert self.structure is not None
        if turn < len(self.structure.parts()):
            self.structure.train(turn)

    def _match(self, turn: int) -> None:
        settings = self.settings.match
        part = self._parts()[turn]
        last = turn == self.turns - 1
        if turn < self._turn() or (self.done["match"] >= part[1] and not last):
            return
        self.freeze()
        self._use_features(turn)
        with self.bar("matching", settings.steps, "match") as bar:

            def after_step(step: int, values: dict[str, float]) -> None:
                self.metrics.log("match", step, **values)
                self.done["match"] = step + 1
                self.save()
                if settings.report_every and (step + 1) % settings.report_every == 0:
                    self._progress_picture(step + 1)
                bar.show(mmd2=f"{values['mmd2']:.4f}")
                bar.update()

            if settings.search and self.done["match"] == part[0]:
                self._search(turn)
            match(
                self.scenes,
                self.matcher,
                settings,
                self.settings.seed,
                optimiser=self.transformer_optimiser("match", settings.learning_rate),
                first_step=self.done["match"],
                part=part,
                after_step=after_step,
            )

    def _search(self, turn: int) -> None:
        settings = self.settings.match
        with self.bar("search", most_trials(self.scenes, self.matcher, settings.search)) as bar:
            moved = search_shifts(
                self.scenes,
                self.matcher,
                settings.search,
                settings.batch,
                self.settings.seed,
                turn,
                bar.update,
            )
        self.folder.write_json(f"shifts_{turn}.json", moved)

    def _task(self) -> None:
        settings = self.settings.task
        if self.target.validation is None or self.done["task"] >= settings.epochs:
            return
        self.freeze()
        validation = self.target.validation
        with self.bar("task", settings.epochs * settings.scenes, "task") as bar:

            def after_epoch(epoch: int, values: dict[str, float], baseline: MovingAverage) -> None:
                self.metrics.log("task", epoch, **values)
                self.done["task"] = epoch + 1
                self.baseline = baseline
                self.save()
                bar.show(score=f"{values['score']:.3f}")

            optimise_task(
                self.scenes,
                self.renderer,
                self.matcher,
                self.known_task_network(),
                validation,
                settings,
                self.settings.match.batch,
                self.settings.seed,
                optimiser=self.transformer_optimiser("task", settings.learning_rate),
                baseline=self.baseline,
                first_epoch=self.done["task"],
                clip=self.settings.match.clip,
                after_epoch=after_epoch,
                progress=bar.update,
            )

    # Their parts ----------------------------------------------------------------------------

    def _parts(self) -> list[tuple[int, int]]:
        """First step, and the step after the last, of each round of matching."""
        rounds, steps = self.settings.features.rounds, self.settings.match.steps
        return [(steps * i // rounds, steps * (i + 1) // rounds) for i in range(rounds)]

    def _turn(self) -> int:
        """The round that matching is in; the last when it is through, the first when it is off."""
        done = self.done.get("match", 0)
        return next(
            (i for i, (_, end) in enumerate(self._parts()) if done < end),
            self.settings.features.rounds - 1,
        )

    def _alternating(self) -> list[str]:
        """The phases of a round, in their order."""
        return [phase for phase in self.settings.phases if phase in (LEARN, "match")]

    def _first_features(self) -> int:
        """The round whose feature space is needed first. Structure is learned in that of the
        matching before it, and a round's network is taught only when its matching begins."""
        turn = self._turn()
        if self.structure is None or "match" not in self.settings.phases:
            return turn
        ends = [end for _, end in self.structure.parts()]
        if self._alternating()[0] == LEARN:
            waiting = self.done[LEARN] < ends[turn]
            return max(turn - 1, 0) if waiting else turn
        return min([turn, *(i for i, end in enumerate(ends) if self.done[LEARN] < end)])

    def _use_features(self, turn: int) -> None:
        """Compare in the feature space of a round of matching."""
        if turn != self.turn:
            if turn > 0 and self.turn != turn - 1:
                # A resumed run goes on from the same networks as one that was not interrupted.
                self._use_features(turn - 1)
            self._features = self.timed("features", lambda: self._feature_space(turn))
            self._note_explained(turn)
            self.matcher = self._matcher(turn)
            self.turn = turn

    def _feature_space(self, turn: int) -> FeatureExtractor:
        structure = None if self.scenes.changes_attributes else self.structure
        if structure is not None and self.settings.features.network == "prior":
            # No attribute is to be told apart, so there is none to be taught.
            return counting_features(structure.counting())
        return feature_space.prepare(
            self.folder,
            self.scenes,
            self.renderer,
            self.render_settings,
            self.settings.features,
            self.settings.seed,
            self.target.matched,
            self.bar,
            turn,
            self._features,
            self.visibility.explained,
        )

    def _note_explained(self, turn: int) -> None:
        network = self.features.network
        if isinstance(network, PriorNetwork):
            found = explained_by_slot(
                self.scenes.encoding, network, self.settings.features.harmonics
            )
            self.visibility.note(found, turn)

    def _matcher(self, turn: int) -> Matcher:
        target = evaluation.features_in_batches(self.features, self.target.matched.float() / 255)
        return Matcher(
            self.renderer,
            self.render_settings,
            self.settings.rendering.differences,
            self.features,
            MMD(target),
            self._behind_features(),
            self.visibility.seen(),
            self.visibility.held(turn),
        )

    def _behind_features(self) -> bool:
        wanted = self.settings.match.behind_features
        if wanted == "auto":
            return not isinstance(self.features.network, PriorNetwork)
        return wanted == "yes"

    def known_task_network(self) -> TaskNetwork:
        if self.task_network is None:
            self.task_network = new_task_network(self.settings, self.scenes.grammar.domain)
        return self.task_network

    def freeze(self) -> None:
        self.scenes.transformer.freeze_encoder(self.settings.freeze_encoder)

    def transformer_optimiser(self, phase: str, rate: float) -> torch.optim.Optimizer:
        parameters = [p for p in self.scenes.transformer.parameters() if p.requires_grad]
        return self.optimiser_of(phase, parameters, rate)

    def optimiser_of(
        self, phase: str, parameters: Sequence[torch.nn.Parameter], rate: float
    ) -> torch.optim.Optimizer:
        """The phase's optimiser: the one restored from a checkpoint, or a fresh one."""
        if self.optimiser is None or self.optimiser_phase != phase:
            self.optimiser = torch.optim.Adam(parameters, lr=rate)
            self.optimiser_phase = phase
        return self.optimiser

    def _progress_picture(self, step: int) -> None:
        """The first pictures of the report as the generator makes them now."""
        count = self.settings.evaluation.followed
        seeds = [derive_seed(self.settings.seed, "report", i) for i in range(count)]
        shown = evaluation.sample(self.renderer, self.render_settings, self.scenes.learned(seeds))
        folder = self.folder.report_data / "pictures" / "progress"
        folder.mkdir(parents=True, exist_ok=True)
        for i, picture in enumerate(evaluation.pictures_of(shown.frames)):
            evaluation.write_picture(folder / f"{step:05d}_{i:02d}.png", picture)

    def _report(self) -> None:
        write_results(self)
        self.save()
        write_report(self.folder.path)

    def save(self) -> None:
        """Write a checkpoint."""
        save_run(self)

    def keep(self, phase: str) -> None:
        """Keep the generator as it is after a phase."""
        keep_generator(self, phase)

    def timed(self, name: str, action: Callable):
        """Do it, and count its time, without that of what is timed within, under a name."""
        started, counted = self.clock(), sum(self.seconds.values())
        result = action()
        within = sum(self.seconds.values()) - counted
        self.seconds[name] += self.clock() - started - within
        return result

    def bar(self, name: str, total: int, phase: str | None = None) -> Progress:
        done = self.done[phase] if phase else 0
        if phase == "task":
            done *= self.settings.task.scenes
        return Progress(name, total, done, quiet=self.quiet)


def changes_attributes(phases: Sequence[str]) -> bool:
    """Whether a run with these phases uses the transformer: not when only structure is learned."""
    return tuple(phases) != (LEARN,)
