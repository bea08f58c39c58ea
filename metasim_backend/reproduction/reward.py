"""Does the task loss do anything? A matched generator is displaced, MMD is switched off, and
REINFORCE alone has to bring it back.

Three arms start from the same generator and the same task network and render as many pictures:
``score`` (the paper's: one score for all scenes of a meta-epoch), ``influence`` (each scene's own
gain in validation loss) and ``noise`` (a control whose reward says nothing).
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from blender_addon.contract.frames import RenderSettings
from metasim_backend.grammar import load_grammar
from metasim_backend.reproduction.benches import DigitBench
from metasim_backend.reproduction.digits import answers_of, pictures_of
from metasim_backend.reproduction.experiments import EXPERIMENTS
from metasim_backend.run_files.atomic_files import write_text
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.settings import REWARDS, TaskSettings
from metasim_backend.statistics.intervals import mean_interval
from metasim_backend.tasks.classifier import Classifier, ClassifierSettings
from metasim_backend.training.loop import train
from metasim_backend.training.reward import MovingAverage
from metasim_backend.training.run_config import RunConfig, open_run, resolve_settings
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.services import Services
from metasim_backend.training.state import State
from metasim_backend.training.task_optimisation import optimise_task

NAME = "mnist-reward"
BASE = "mnist-rotation"
SLOT = ("digit", "yaw")
Point = tuple[int, float, float | None]


@dataclass(frozen=True)
class RewardSettings:
    """The experiment's sizes.

    Attributes:
        shift, spread: degrees that the matched generator is turned by, and its new spread, without
            which nothing would be explored.
        task: of the task phase; the reward is set by the arm.
        begin_pictures: of the displaced generator, that the task network has seen before.
        report_pictures: that a fresh task network is trained on to score a generator.
    """

    shift: float = 30.0
    spread: float = 10.0
    task: TaskSettings = TaskSettings(
        epochs=300, scenes=8, network_steps=4, learning_rate=2e-3, momentum=0.8
    )
    begin_pictures: int = 4000
    report_pictures: int = 10_000


def run_reward_seed(
    seed: int,
    folder: Path,
    settings: RewardSettings,
    *,
    data: Path | None = None,
    command: Sequence[str] = (),
    tell: Callable[[str], object] = lambda text: None,
) -> dict:
    """All arms of one seed; arms that an earlier call finished are read and not run again.

    Returns:
        ``start`` and each arm's name: ``accuracy`` on the report's digits of a fresh network (in
        per cent), ``yaw_error`` in degrees; arms also have ``curve``: (pictures rendered, yaw
        error, score) every ten meta-epochs.
    """
    path = folder / "arms.json"
    done: dict = json.loads(path.read_text()) if path.exists() else {}
    if {"start", *REWARDS} <= done.keys():
        return done
    experiment = EXPERIMENTS[BASE]
    grammar, hidden = load_grammar(experiment.grammar_file), load_grammar(experiment.target_file)
    base = {**experiment.settings, "seed": seed, "phases": ["pretrain", "match"]}
    shape = RenderSettings(grammar.render.width, grammar.render.height)
    bench = DigitBench(hidden, shape, seed, data)
    if RunFolder.exists(folder):
        run_folder, config = open_run(folder)
    else:
        config = RunConfig(grammar, resolve_settings(grammar, (), base), None, None, tuple(command))
        run_folder = RunFolder.create(folder, config.to_dict())
    tell(f"seed {seed}: matching")
    services = Services(
        run_folder, grammar, config.settings, bench.target, bench.renderer,
        command=tuple(command), quiet=True,
    )  # fmt: skip
    state = train(services)
    scenes = state.scenes
    displace(scenes, settings.shift, settings.spread)
    start = copy.deepcopy(scenes.transformer.state_dict())
    network = _new_network(bench, seed)
    shown = _pictures(bench, scenes, settings.begin_pictures, seed)
    network.fit(*shown, 2.0, generator(seed, "reward-begin"))
    known = copy.deepcopy(network.state_dict())
    if "start" not in done:
        done["start"] = _measured(bench, scenes, settings, seed)
        write_text(path, json.dumps(done, indent=1))
    for reward in REWARDS:
        if reward in done:
            continue
        started = time.monotonic()
        scenes.transformer.load_state_dict(start)
        network = _new_network(bench, seed)
        network.load_state_dict(known)
        curve = _optimised(services, state, network, replace(settings.task, reward=reward), seed)
        seconds = round(time.monotonic() - started, 1)
        done[reward] = _measured(bench, scenes, settings, seed)
        done[reward] |= {"curve": curve, "seconds": seconds}
        write_text(path, json.dumps(done, indent=1))
        tell(
            f"seed {seed}: {reward}: accuracy {done['start']['accuracy']:.2f} → "
            f"{done[reward]['accuracy']:.2f}, yaw off by {done['start']['yaw_error']:.1f}° → "
            f"{done[reward]['yaw_error']:.1f}°"
        )
    return done


@torch.no_grad()
def displace(scenes: SceneGenerator, shift: float, spread: float) -> None:
    """Turn the generator's digits by `shift` degrees and spread them by `spread` degrees."""
    slot = scenes.encoding.slot(*SLOT)
    transformer = scenes.transformer
    proposal = scenes.propose([derive_seed(0, "displace", i) for i in range(100)])
    found = scenes.distribution(proposal)
    rows = found.circular[:, slot.index]
    own = float(found.spread[rows, slot.index].log().mean())
    span = slot.attribute.span
    transformer.move_all(slot.index, shift / span)
    log_spread = 2 * len(transformer.numeric) + transformer.numeric.index(slot.index)
    transformer.head.bias[log_spread] += math.log(spread / span) - own


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
        scenes,
        services.renderer(state.camera_model),
        state.matcher,
        network,
        services.target.validation,
        settings,
        settings.scenes,
        seed,
        optimiser=torch.optim.Adam(parameters, lr=settings.learning_rate),
        baseline=MovingAverage(settings.momentum),
        first_epoch=0,
        clip=1.0,
    ):
        if (epoch + 1) % 10 == 0:
            images = (epoch + 1) * settings.scenes
            curve.append((images, yaw_error(scenes, seed), values["score"]))
    return curve


@torch.no_grad()
def yaw_error(scenes: SceneGenerator, seed: int, truth: float = 90.0) -> float:
    """|mean yaw - truth| in degrees, of the distributions' means over 100 scenes."""
    slot = scenes.encoding.slot(*SLOT)
    found = scenes.distribution(
        scenes.propose([derive_seed(seed, "yaw-error", i) for i in range(100)])
    )
    means = found.mean[found.circular[:, slot.index], slot.index]
    off = means - truth / slot.attribute.span
    return float((off - off.round()).mean().abs()) * slot.attribute.span


def _measured(
    bench: DigitBench, scenes: SceneGenerator, settings: RewardSettings, seed: int
) -> dict:
    network = _new_network(bench, seed)
    shown = _pictures(bench, scenes, settings.report_pictures, seed)
    network.fit(*shown, 3.0, generator(seed, "reward-report"))
    accuracy = 100 * network.score_arrays(*bench.report).value
    return {"accuracy": accuracy, "yaw_error": yaw_error(scenes, seed)}


def _pictures(
    bench: DigitBench, scenes: SceneGenerator, count: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = scenes.transform_all(
        bench.scenes(scenes.grammar, count), derive_seed(seed, "reward-pictures")
    )
    return pictures_of(bench.renderer, drawn, bench.settings), answers_of(drawn)


def _new_network(bench: DigitBench, seed: int) -> Classifier:
    # The score is that of the last step: an average would answer to earlier meta-epochs.
    settings = ClassifierSettings.short(
        bench.settings.width, bench.settings.height, average_steps=1
    )
    return Classifier(settings, generator(seed, "reward-network"))


def reward_record(seeds: Mapping[int, Mapping], settings: RewardSettings) -> dict:
    """Over seeds: what each arm gained in accuracy, paired with its own start, and how fast.

    An arm's gain is significant when the 95 % interval of its mean (paired, Student's t) lies
    above 0.
    """
    arms = {}
    for reward in REWARDS:
        gains = [s[reward]["accuracy"] - s["start"]["accuracy"] for s in seeds.values()]
        nearer = [s["start"]["yaw_error"] - s[reward]["yaw_error"] for s in seeds.values()]
        gain, half = mean_interval(gains)
        turned, turned_half = mean_interval(nearer)
        arms[reward] = {
            "gain": gain,
            "gain_half_width": half,
            "gain_each_seed": gains,
            "significant": half is not None and gain - half > 0,
            "degrees_nearer": turned,
            "degrees_nearer_half_width": turned_half,
            "accuracy": [s[reward]["accuracy"] for s in seeds.values()],
            "yaw_error": [s[reward]["yaw_error"] for s in seeds.values()],
            "pictures_to_halve_the_error": [_halved(s[reward]["curve"]) for s in seeds.values()],
            "curves": [s[reward]["curve"] for s in seeds.values()],
        }
    return {
        "start": {
            "accuracy": [s["start"]["accuracy"] for s in seeds.values()],
            "yaw_error": [s["start"]["yaw_error"] for s in seeds.values()],
        },
        "arms": arms,
        "pictures_rendered": settings.task.epochs * settings.task.scenes,
    }


def _halved(curve: Sequence[Point]) -> float | None:
    """Pictures rendered until the yaw error was first at most half of the first; None: never."""
    first = curve[0][1]
    return next((images for images, error, _ in curve if error <= first / 2), None)


def reward_table(record: Mapping) -> str:
    """For the terminal."""
    lines = [
        f"Task loss alone, {record['pictures_rendered']} pictures an arm, "
        f"{len(record['start']['accuracy'])} seeds",
        "",
        f"{'reward':12}{'gain in accuracy':>22}{'degrees nearer':>20}{'pictures to halve':>20}",
    ]
    for name, arm in record["arms"].items():
        halved = [n for n in arm["pictures_to_halve_the_error"] if n is not None]
        reached = f"{sum(halved) / len(halved):.0f} ({len(halved)} seeds)" if halved else "never"
        gain = f"{arm['gain']:+.2f} ± {arm['gain_half_width'] or math.nan:.2f}"
        near = f"{arm['degrees_nearer']:+.1f} ± {arm['degrees_nearer_half_width'] or math.nan:.1f}"
        mark = "significant" if arm["significant"] else "not significant"
        lines.append(f"{name:12}{gain:>22}{near:>20}{reached:>20}  {mark}")
    return "\n".join(lines)
