"""Does the task loss do anything? A matched generator is displaced, MMD is switched off, and
REINFORCE alone has to bring it back.

Three rewards start from the same generator and the same task network and render as many pictures:
``score`` (the paper's: one score for all scenes of a meta-epoch), ``influence`` (each scene's own
gain in validation loss) and ``noise`` (a control whose reward says nothing).
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from blender_addon.contract.frames import RenderSettings
from metasim_backend.experiments.benches import DigitBench, labels_of, pictures_of
from metasim_backend.experiments.definitions.mnist import ROTATION
from metasim_backend.experiments.experiment import Experiment, Measurement, Options, Tell
from metasim_backend.experiments.generator_experiment import GeneratorExperiment
from metasim_backend.experiments.record import direction
from metasim_backend.experiments.seed_result import SeedResult, open_or_begin, trained
from metasim_backend.experiments.table import summary_text
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.settings import REWARDS, TaskSettings
from metasim_backend.tasks.classifier import Classifier, ClassifierSettings
from metasim_backend.training.reward import MovingAverage
from metasim_backend.training.run_config import resolve_settings
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.services import Services
from metasim_backend.training.state import State
from metasim_backend.training.task_optimisation import optimise_task

SLOT = ("digit", "yaw")
YAW_ERROR, HALVED = "yaw error, °", "pictures to halve it"
Point = tuple[int, float, float | None]
"""Pictures rendered, yaw error, score."""


@dataclass(frozen=True, kw_only=True)
class RewardExperiment(Experiment):
    """Rows are the displaced generator and what each reward makes of it.

    Attributes:
        generator: whose matched generator is displaced.
        shift, spread: degrees that it is turned by, and its new standard deviation, without
            which nothing would be explored.
        task: of the task phase; the reward is set by the row.
        begin_pictures: of the displaced generator, that the task network has seen before.
        report_pictures: that a fresh task network is trained on to score a generator.
    """

    generator: GeneratorExperiment = ROTATION
    shift: float = 30.0
    spread: float = 10.0
    task: TaskSettings = TaskSettings(
        epochs=300, scenes=8, network_steps=4, learning_rate=2e-3, momentum=0.8
    )
    begin_pictures: int = 4000
    report_pictures: int = 10_000

    def depends_on(self, options: Options) -> dict[str, Any]:
        names = ("shift", "spread", "begin_pictures", "report_pictures")
        settings = {name: getattr(self, name) for name in names} | {"task": asdict(self.task)}
        return {"generator": self.generator.key(options), "settings": settings}

    def measure(self, seed: int, folder: Path, options: Options, tell: Tell) -> dict[str, Any]:
        """``start`` and each reward's name: ``accuracy`` on the report's digits of a fresh network
        (in per cent), ``yaw_error`` in degrees; rewards also have ``seconds`` and ``curve``, a
        :data:`Point` every ten meta-epochs."""
        kept = SeedResult(folder / "arms.json")
        done = kept.content
        grammar, hidden = self.generator.grammars()
        matching = {**self.generator.settings, "phases": ["pretrain", "match"]}
        config = replace(self.generator, settings=matching).run_config(seed, options)
        task = resolve_settings(grammar, options.overrides, {"task": asdict(self.task)}).task
        if {"start", *REWARDS} <= done.keys():
            if RunFolder.exists(folder):
                open_or_begin(folder, config)  # refuses what was begun otherwise
            return done
        shape = RenderSettings(grammar.render.width, grammar.render.height)
        bench = DigitBench(hidden, shape, seed, options.data)
        run = open_or_begin(folder, config)
        tell(f"seed {seed}: matching")
        services, state = trained(run, config, bench.target, bench.renderer)
        scenes = state.scenes
        displace(scenes, self.shift, self.spread)
        start = copy.deepcopy(scenes.transformer.state_dict())
        network = _new_network(bench, seed)
        network.fit(
            *_pictures(bench, scenes, self.begin_pictures, seed),
            *(2.0, generator(seed, "reward-begin")),
        )
        taught = copy.deepcopy(network.state_dict())
        if "start" not in done:
            kept.put("start", self._measured(bench, scenes, seed))
        for reward in (reward for reward in REWARDS if reward not in done):
            started = time.monotonic()
            scenes.transformer.load_state_dict(start)
            network = _new_network(bench, seed)
            network.load_state_dict(taught)
            curve = _optimised(services, state, network, replace(task, reward=reward), seed)
            seconds = round(time.monotonic() - started, 1)
            after = self._measured(bench, scenes, seed)
            kept.put(reward, {**after, "curve": curve, "seconds": seconds})
            before = done["start"]
            tell(
                f"seed {seed}: {reward}: accuracy {before['accuracy']:.2f} → "
                f"{after['accuracy']:.2f}, yaw off by {before['yaw_error']:.1f}° → "
                f"{after['yaw_error']:.1f}°"
            )
        return done

    def measurement(self, content: Mapping[str, Any]) -> Measurement:
        rows: dict[str, dict[str, float | None]] = {
            row: {"accuracy": content[row]["accuracy"], YAW_ERROR: content[row]["yaw_error"]}
            for row in self.rows
        }
        for reward in REWARDS:
            rows[reward][HALVED] = _halved(content[reward]["curve"])
        seconds = {str(reward): content[reward].get("seconds", 0.0) for reward in REWARDS}
        return Measurement(rows=rows, seconds=seconds)

    def more(
        self, contents: Sequence[Mapping[str, Any]], record: dict[str, Any], options: Options
    ) -> dict[str, Any]:
        halved = {row: record["rows"][row][HALVED]["values"] for row in REWARDS}
        points = {row: [[p[:2] for p in c[row]["curve"]] for c in contents] for row in REWARDS}
        return {
            "curves": {"yaw error in degrees by pictures rendered": points},
            "notes": [
                f"{row} halved the yaw error in {sum(v is not None for v in values)} of "
                f"{len(values)} seeds"
                for row, values in halved.items()
            ],
        }

    def highlights(self, record: Mapping[str, Any]) -> str:
        """A gain is significant when the 95 % interval of its mean lies above 0."""
        gains = {row: record["differences"][f"{row} - start"]["accuracy"] for row in REWARDS}
        words = [
            f"{row} gains {summary_text(gain, 2, '+')} points "
            f"({'significant' if direction(gain) > 0 else 'not significant'})"
            for row, gain in gains.items()
        ]
        return ", ".join(words)

    def _measured(self, bench: DigitBench, scenes: SceneGenerator, seed: int) -> dict[str, float]:
        network = _new_network(bench, seed)
        shown = _pictures(bench, scenes, self.report_pictures, seed)
        network.fit(*shown, 3.0, generator(seed, "reward-report"))
        accuracy = 100 * network.score_arrays(*bench.report).value
        return {"accuracy": accuracy, "yaw_error": yaw_error(scenes, seed)}


@torch.no_grad()
def displace(scenes: SceneGenerator, shift: float, spread: float) -> None:
    """Turn the generator's digits by `shift` degrees and spread them by `spread` degrees."""
    slot = scenes.encoding.slot(*SLOT)
    transformer = scenes.transformer
    proposal = scenes.propose([derive_seed(0, "displace", i) for i in range(100)])
    drawn = scenes.distribution(proposal)
    rows = drawn.circular[:, slot.index]
    log_before = float(drawn.spread[rows, slot.index].log().mean())
    span = slot.attribute.span
    transformer.move_all(slot.index, shift / span)
    log_spread = 2 * len(transformer.numeric) + transformer.numeric.index(slot.index)
    transformer.head.bias[log_spread] += math.log(spread / span) - log_before


@torch.no_grad()
def yaw_error(scenes: SceneGenerator, seed: int, truth: float = 90.0) -> float:
    """|mean yaw - truth| in degrees, of the distributions' means over 100 scenes."""
    slot = scenes.encoding.slot(*SLOT)
    drawn = scenes.distribution(
        scenes.propose([derive_seed(seed, "yaw-error", i) for i in range(100)])
    )
    means = drawn.mean[drawn.circular[:, slot.index], slot.index]
    off = means - truth / slot.attribute.span
    return float((off - off.round()).mean().abs()) * slot.attribute.span


def _optimised(
    services: Services, state: State, network: Classifier, settings: TaskSettings, seed: int
) -> list[Point]:
    """The task phase alone; how far the yaw was off along the way."""
    assert services.target.validation is not None
    scenes, transformer = state.scenes, state.scenes.transformer
    transformer.freeze_encoder()
    parameters = [p for p in transformer.parameters() if p.requires_grad]
    curve: list[Point] = [(0, yaw_error(scenes, seed), None)]
    for epoch, values, _ in optimise_task(
        *(scenes, services.renderer(state.camera_model), state.matcher, network),
        *(services.target.validation, settings, settings.scenes, seed),
        optimiser=torch.optim.Adam(parameters, lr=settings.learning_rate),
        baseline=MovingAverage(settings.momentum),
        first_epoch=0,
        clip=1.0,
    ):
        if (epoch + 1) % 10 == 0:
            images = (epoch + 1) * settings.scenes
            curve.append((images, yaw_error(scenes, seed), values["score"]))
    return curve


def _pictures(
    bench: DigitBench, scenes: SceneGenerator, count: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = scenes.transform_all(
        bench.scenes(scenes.grammar, count), derive_seed(seed, "reward-pictures")
    )
    return pictures_of(bench.renderer, drawn, bench.settings), labels_of(drawn)


def _new_network(bench: DigitBench, seed: int) -> Classifier:
    # The score is that of the last step: an average would answer to earlier meta-epochs.
    settings = ClassifierSettings.short(
        bench.settings.width, bench.settings.height, average_steps=1
    )
    return Classifier(settings, generator(seed, "reward-network"))


def _halved(curve: Sequence[Point]) -> float | None:
    """Pictures rendered until the yaw error was first at most half of the first; None: never."""
    first = curve[0][1]
    return next((images for images, error, _ in curve if error <= first / 2), None)


EXPERIMENTS = (
    RewardExperiment(
        name="mnist-reward",
        title="MNIST: the task loss alone, from 30° off",
        about="Does the task loss by itself, without MMD, bring a displaced generator back?",
        metric="accuracy in %, yaw error in degrees",
        rows={
            "start": "displaced by 30°",
            "score": "score (the paper's reward)",
            "influence": "influence (each scene's own)",
            "noise": "noise (control)",
        },
        differences=tuple((reward, "start") for reward in REWARDS),
    ),
)
