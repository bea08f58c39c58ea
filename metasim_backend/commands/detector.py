"""``metasim detector``: train one on a generator's streets, and have it look at photographs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from metasim_backend.commands.options import (
    UsageError,
    add_camera_option,
    add_generator_argument,
    add_network_option,
    add_render_options,
    add_skip_option,
    add_worker_options,
    camera_of,
    empty_folder,
    output_file,
    positive,
    print_result,
    render_settings,
    tell_of_skipped,
    worker_settings,
)

OVERLAPS = (0.5, 0.7)
"""At which a detection is right: COCO's lowest, and KITTI's for cars."""
SIZE = (1242, 375)
"""Of streets where no size is asked for: KITTI's."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    train = actions.add_parser("train", help="on streets of a generator, which are rendered for it")
    add_generator_argument(train, "generator")
    train.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    train.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="where streets and states are kept, and gone on with (default: FILE.work)",
    )
    train.add_argument("--streets", type=positive, default=300, help="default: 300")
    train.add_argument("--steps", type=positive, default=750, help="of training (default: 750)")
    train.add_argument(
        "--weights",
        default="DEFAULT",
        help="of the backbone: a file, none, or DEFAULT for torchvision's, which are downloaded",
    )
    train.add_argument(
        "--content", type=Path, metavar="JSON", help="choose streets as metasim content learned"
    )
    train.add_argument("--prior", action="store_true", help="the grammar's scenes, not learned")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--force", action="store_true", help="replace the file if it is there")
    train.add_argument("--json", action="store_true", help="print the result as JSON")
    add_render_options(train)
    add_camera_option(train, "the run's or the grammar's")
    add_network_option(train)
    add_worker_options(train)
    predict = actions.add_parser("predict", help="draw and list what it sees in pictures")
    predict.add_argument("detector", type=Path, help="a file of metasim detector train")
    predict.add_argument("pictures", type=Path, help="a folder of png and jpg pictures")
    predict.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    predict.add_argument(
        "--score",
        type=float,
        metavar="SHARE",
        help="least score (default: from which it counts right in streets)",
    )
    add_network_option(predict)
    add_skip_option(predict)
    predict.add_argument("--force", action="store_true", help="replace files that are there")
    predict.add_argument("--json", action="store_true", help="print the result as JSON")
    score = actions.add_parser("score", help="its average precision on labelled pictures")
    score.add_argument("detector", type=Path, help="a file of metasim detector train")
    score.add_argument("labelled", type=Path, help="a folder in KITTI's or COCO's form")
    score.add_argument(
        "--classes",
        default="",
        metavar="NAME=CLASS,...",
        help="what classes of the labelled files are, such as vehicle=car",
    )
    add_network_option(score)
    add_skip_option(score)
    score.add_argument("--json", action="store_true", help="print the result as JSON")
    export = actions.add_parser("export", help="write it as ONNX, for other programs")
    export.add_argument("detector", type=Path, help="a file of metasim detector train")
    export.add_argument("--onnx", type=Path, required=True, metavar="FILE")
    export.add_argument("--force", action="store_true", help="replace the file if it is there")
    export.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    does = {"train": _train, "predict": _predict, "score": _score, "export": _export}
    return does[arguments.action](arguments)


def _train(arguments: argparse.Namespace) -> int:
    import contextlib
    from dataclasses import replace

    from metasim_backend.camera.renderer import with_camera
    from metasim_backend.commands.generate import dataset_job, open_generator
    from metasim_backend.networks.device import network_device
    from metasim_backend.run_files.progress import Progress
    from metasim_backend.tasks.detector import Detector
    from metasim_backend.tasks.detector_settings import DetectorSettings
    from metasim_backend.training.content.content_choice import read_choice
    from metasim_backend.training.dataset_generation import draw
    from metasim_backend.training.detector_file import save_detector
    from metasim_backend.training.seeds import derive_seed, generator
    from metasim_backend.training.street_detector import (
        CALIBRATING,
        labelled_streets,
        train_on_streets,
    )
    from metasim_backend.training.task_network import task_of
    from metasim_backend.worlds.registry import open_renderer

    scenes, trained_with, own_camera = open_generator(arguments.generator)
    domain = scenes.grammar.domain
    if task_of(domain) != "detector":
        raise UsageError(
            f"{arguments.generator} is of the world {domain!r}, in which nothing is detected; give "
            "a generator of streets."
        )
    output = output_file(arguments.output, force=arguments.force)
    settings = DetectorSettings.for_photographs(weights=arguments.weights)
    device = network_device(arguments.network_device)
    detector = Detector(settings, generator(arguments.seed, "detector"), device)
    camera = camera_of(arguments, domain, own_camera)
    render = render_settings(arguments, replace(trained_with, width=SIZE[0], height=SIZE[1]))
    choice = None if arguments.content is None else read_choice(arguments.content)
    learned = not arguments.prior and not arguments.generator.is_file()
    job = dataset_job(scenes, render, arguments.seed, learned=learned, camera=camera, choice=choice)
    work = arguments.work or output.with_name(f"{output.name}.work")
    _claim(work, job | {"streets": arguments.streets, "detector": settings.to_dict()})

    def drawn(name: str, count: int):
        seeds = [derive_seed(arguments.seed, "detector", name, i) for i in range(count)]
        return draw(scenes, seeds, learned=learned, choice=choice)

    total = arguments.streets + CALIBRATING
    with (
        contextlib.closing(open_renderer(domain, workers=worker_settings(arguments))) as renderer,
        Progress("streets", total, quiet=arguments.json) as progress,
    ):
        streets = labelled_streets(
            work,
            drawn,
            with_camera(renderer, camera),
            render,
            settings,
            arguments.streets,
            progress.reach,
        )
    with Progress("detector", arguments.steps, quiet=arguments.json) as progress:
        trained = train_on_streets(
            detector, streets, work, arguments.steps, arguments.seed, progress.reach
        )
    save_detector(output, trained)
    result = {
        "detector": str(output),
        "weights": trained.detector.weights,
        "streets": arguments.streets,
        "steps": trained.detector.steps,
        "least_score": trained.least_score,
    }
    print_result(
        arguments,
        result,
        f"{output}: trained on {arguments.streets} streets, backbone {trained.detector.weights}. "
        f"In further streets it counts right from a score of {trained.least_score:.2f}.",
    )
    return 0


def _claim(work: Path, job: dict[str, object]) -> None:
    """The folder is begun with this work, or was.

    Raises:
        UsageError: it was begun with other work, or holds other things.
    """
    from metasim_backend.run_files.atomic_files import write_text

    path, text = work / "job.json", json.dumps(job, indent=1)
    if path.exists():
        if path.read_text(encoding="utf-8") != text:
            raise UsageError(
                f"{work} was begun with another generator or other settings; remove it, or choose "
                "another with --work."
            )
        return
    write_text(empty_folder(work) / "job.json", text)


def _predict(arguments: argparse.Namespace) -> int:
    from functools import partial

    import numpy as np

    from metasim_backend.datasets.bad_files import read_all
    from metasim_backend.datasets.readers.pictures import list_pictures, read_picture
    from metasim_backend.datasets.sample_files import distinct_stems
    from metasim_backend.networks.device import network_device
    from metasim_backend.reporting.read_picture import with_readings
    from metasim_backend.run_files.atomic_files import write_atomically, write_text
    from metasim_backend.training.detector_file import load_detector

    trained = load_detector(arguments.detector, network_device(arguments.network_device))
    least = trained.least_score if arguments.score is None else arguments.score
    if not 0 <= least <= 1:
        raise UsageError(f"--score {least} is not a share from 0 to 1.")
    output = empty_folder(arguments.output, force=arguments.force)
    images = read_all(
        list_pictures(arguments.pictures, "folder of pictures"),
        lambda path: (path.name, np.array(read_picture(path))),
        arguments.skipped,
    )
    tell_of_skipped(arguments.skipped)
    (output / "pictures").mkdir(exist_ok=True)
    classes = list(trained.detector.settings.classes)
    listed: list[dict[str, object]] = []
    pictures: list[dict[str, object]] = []
    stems = distinct_stems([Path(name).stem for name, _ in images])
    for number, ((name, image), stem) in enumerate(zip(images, stems, strict=True), 1):
        (found,) = trained.detector.predict([image])
        kept = np.flatnonzero(found["scores"] >= least)
        height, width = image.shape[:2]
        pictures.append({"id": number, "file_name": name, "width": width, "height": height})
        objects = []
        for row in kept:
            x0, y0, x1, y1 = (float(v) for v in found["boxes"][row])
            score, label = float(found["scores"][row]), found["labels"][row]
            listed.append(
                {
                    "image_id": number,
                    "category_id": classes.index(label) + 1,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "score": score,
                }
            )
            box = (x0 / width, y0 / height, x1 / width, y1 / height)
            objects.append((box, f"{label} {score:.2f}"))
        sheet = with_readings(image, [name], objects)
        path = output / "pictures" / f"{stem}.png"
        write_atomically(path, partial(sheet.save, format="PNG"))
    content = {
        "images": pictures,
        "categories": [{"id": i, "name": name} for i, name in enumerate(classes, 1)],
        "annotations": listed,
    }
    write_text(output / "detections.json", json.dumps(content, indent=1) + "\n")
    print_result(
        arguments,
        {"pictures": len(pictures), "objects": len(listed), "least_score": least,
         "folder": str(output)},
        f"{len(listed)} objects from a score of {least:.2f} in {len(pictures)} pictures: "
        f"{output / 'pictures'}; as COCO has it: {output / 'detections.json'}.",
    )  # fmt: skip
    return 0


def _score(arguments: argparse.Namespace) -> int:
    from metasim_backend.datasets.class_names import parse_names
    from metasim_backend.datasets.readers.labelled import check_cars, read_labelled
    from metasim_backend.networks.device import network_device
    from metasim_backend.tasks.average_precision import LEVELS, RECALLS, average_precision
    from metasim_backend.training.detector_file import load_detector

    trained = load_detector(arguments.detector, network_device(arguments.network_device))
    names = parse_names(arguments.classes)
    labelled = read_labelled(arguments.labelled, names=names, skipped=arguments.skipped)
    tell_of_skipped(arguments.skipped)
    check_cars(arguments.labelled, labelled, names)
    found = trained.detector.predict([one.image for one in labelled])
    result: dict[str, dict[str, float | None]] = {}
    for level in (None, *LEVELS):
        result[level or "all"] = {
            f"AP@{overlap}, {recalls} recalls": average_precision(
                labelled, found, overlap=overlap, recalls=recalls, level=level
            )
            for overlap in OVERLAPS
            for recalls in RECALLS
        }
    shown = {level: values for level, values in result.items() if None not in values.values()}
    columns = list(result["all"])
    lines = [f"{'':>10}" + "".join(f"{name:>20}" for name in columns)]
    lines += [
        f"{level:>10}" + "".join(f"{100 * (values[name] or 0):>20.1f}" for name in columns)
        for level, values in shown.items()
    ]
    print_result(arguments, result | {"pictures": len(labelled)}, "\n".join(lines))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from metasim_backend.training.detector_export import export_onnx
    from metasim_backend.training.detector_file import load_detector

    trained = load_detector(arguments.detector)
    output = output_file(arguments.onnx, force=arguments.force)
    export_onnx(trained, output)
    print_result(
        arguments,
        {"onnx": str(output), "classes": list(trained.detector.settings.classes)},
        f"{output}: a picture [3, H, W] of floats in [0, 1] in; boxes, scores and labels out. "
        f"Believe it from a score of {trained.least_score:.2f}.",
    )
    return 0
