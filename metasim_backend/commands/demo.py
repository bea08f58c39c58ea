"""``metasim demo``: the main job with targets rendered from a hidden grammar, so that the truth
is known."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from metasim_backend.commands.options import UsageError, add_worker_options, worker_settings

SCENES = Path(__file__).parents[2] / "scenes"
TARGETS = 160
LABELLED = 40
DATASET = 50
SETTINGS: dict[str, object] = {
    "seed": 1,
    "features": {"network": "prior", "scenes": 800, "epochs": 12},
    "pretrain": {"steps": 250, "scenes": 120},
    "match": {"steps": 40, "batch": 16, "fraction": 0.4, "learning_rate": 0.012},
    "task": {"epochs": 3, "scenes": 16, "detector_steps": 20},
    "detector": {"compare_steps": 80, "compare_scenes": 60},
    "evaluation": {"scenes": 60, "unseen": 0.4, "pictures": 6},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=Path, default=Path("runs/demo"), metavar="DIR")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted demo")
    parser.add_argument("--force", action="store_true", help="replace a run that is there")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="overrides"
    )
    add_worker_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from tqdm import tqdm

    from blender_addon.contract.frames import RenderSettings
    from metasim_backend.datasets.writers import open_writer
    from metasim_backend.grammar import attribute_samples, load_grammar, sample_scene
    from metasim_backend.rendering.blender import BlenderRenderer
    from metasim_backend.reporting.attributes import attribute_table
    from metasim_backend.training.dataset_generation import generate
    from metasim_backend.training.loop import Run
    from metasim_backend.training.run_config import new_run, open_run, read_target
    from metasim_backend.training.seeds import derive_seed

    if not SCENES.is_dir():
        raise UsageError("The demo needs the project's folder 'scenes'; run it from a checkout.")
    started = time.monotonic()
    run_folder: Path = arguments.run
    inputs = run_folder.parent / f"{run_folder.name}-input"
    hidden = load_grammar(SCENES / "demo_target.yaml")
    with BlenderRenderer(worker_settings(arguments)) as renderer:
        print("The hidden truth: pictures of a street whose settings the learner is not told.")
        for name, count in (("target", TARGETS), ("labelled", LABELLED)):
            writer = open_writer("coco", inputs / name, job={"hidden": name})
            missing = writer.missing(count)
            scenes = [sample_scene(hidden, derive_seed(7, name, i)) for i in missing]
            with tqdm(total=len(missing), desc=f"{name:>16}") as bar:
                frames = renderer.render(
                    scenes,
                    [replace(RenderSettings(), seed=s.seed % 2**31) for s in scenes],
                    bar.update,
                )
            for index, frame in zip(missing, frames, strict=True):
                writer.write(index, frame)
            writer.finish()

        if arguments.resume:
            folder, config = open_run(run_folder)
        else:
            folder, config = new_run(
                run_folder,
                grammar=SCENES / "driving.yaml",
                target=inputs / "target" / "images",
                validation=inputs / "labelled",
                overrides=arguments.overrides,
                defaults=SETTINGS,
                command=["metasim", *sys.argv[1:]],
                force=arguments.force,
            )
        truth = attribute_samples(
            hidden, [sample_scene(hidden, derive_seed(7, "truth", i)) for i in range(200)]
        )
        training = Run(
            folder,
            config.grammar,
            config.settings,
            replace(read_target(config), truth=truth),
            renderer,
            command=config.command,
        )
        training.train()
        dataset = folder.path / "dataset"
        with tqdm(total=DATASET, desc=f"{'dataset':>16}") as bar:
            generate(
                training.scenes,
                renderer,
                replace(training.render_settings, float_image=False),
                open_writer("coco", dataset, job={"demo": folder.path.name}),
                DATASET,
                config.settings.seed,
                progress=bar.update,
            )
    summary = folder.read_json("summary.json")
    distances = summary["mmd2"]
    print(
        f"\nMMD² to unseen target pictures: prior {distances['prior']['unseen']:.4f}, "
        f"learned {distances['learned']['unseen']:.4f}"
    )
    rows = attribute_table(folder.read_json("attributes.json"))
    closer = [row for row in rows if row.mean_closer and row.spread_closer]
    print(f"{len(closer)} attributes came nearer to the truth in mean and spread:")
    for row in closer:
        prior, learned, target = (
            f"{m.mean:.2f} ± {m.spread:.2f}" if m else "unknown"
            for m in (row.prior, row.learned, row.target)
        )
        print(f"  {row.name:20} prior {prior:>16}   learned {learned:>16}   truth {target:>16}")
    if summary["detector"]:
        prior_ap, learned_ap = (summary["detector"][w]["ap50"] for w in ("prior", "learned"))
        print(f"Detector, AP@0.5: trained on prior {prior_ap:.3f}, on learned {learned_ap:.3f}")
    print(
        f"Took {(time.monotonic() - started) / 60:.1f} minutes. Look at "
        f"{folder.path / 'report.html'}\nand at {DATASET} labelled images in {dataset}."
    )
    return 0
