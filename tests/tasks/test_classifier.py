"""The classifier learns digits, goes on exactly where it was, and its influence is the gradient."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional

from blender_addon.contract.frames import Frame, ObjectLabel
from metasim_backend.tasks.classifier import Classifier, ClassifierError, ClassifierSettings
from metasim_backend.tasks.detection_training import NonFiniteLossError
from metasim_backend.tasks.image_training import ImageTaskError, one_cycle

BARS = ("flat", "upright", "rising", "falling")
TINY = ClassifierSettings(
    width=20,
    height=16,
    classes=BARS,
    filters=(4, 6),
    kernels=(3, 3),
    hidden=(12, 8),
    batch_size=16,
    dropout=0.25,
)

LEARNER = replace(TINY, filters=(8, 16), hidden=(32, 32), dropout=0.0)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw_bars(count: int, seed: int, width: int = 20, height: int = 16):
    """uint8 [count, height, width] pictures of one bright line each, and its direction."""
    rng = np.random.default_rng(seed)
    answers = rng.integers(0, 4, count)
    rows, columns = np.mgrid[:height, :width]
    angle = np.array([0, np.pi / 2, -np.pi / 4, np.pi / 4])[answers] + rng.normal(0, 0.15, count)
    x, y = width / 2 + rng.normal(0, 2, count), height / 2 + rng.normal(0, 2, count)
    across = (rows - y[:, None, None]) * np.cos(angle)[:, None, None] - (
        columns - x[:, None, None]
    ) * np.sin(angle)[:, None, None]
    images = 220 * np.exp(-(across**2) / 2) + rng.normal(0, 12, (count, height, width))
    return torch.from_numpy(np.clip(images, 0, 255).astype(np.uint8)), torch.from_numpy(answers)


def as_frames(images, answers, classes=BARS) -> list[Frame]:
    def label(name: str) -> ObjectLabel:
        return ObjectLabel("d", name, 1, 9, None, None, 1.0, 0.0, 0)

    return [
        Frame(
            image=image.numpy()[..., None].repeat(3, 2),
            index=np.zeros(image.shape, np.uint16),
            depth=np.full(image.shape, np.inf, np.float32),
            labels=(label(classes[int(answer)]), label("something_else")),
            intrinsics=np.eye(3),
            pose=np.eye(4),
        )
        for image, answer in zip(images, answers, strict=True)
    ]


def equal(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    return a == b


@pytest.fixture(scope="module")
def bars():
    return as_frames(*draw_bars(40, seed=1))


def test_a_fit_learns_directions_that_it_has_not_seen():
    classifier = Classifier(LEARNER, generator(0))
    before = classifier.score_arrays(*draw_bars(200, seed=2))
    classifier.fit(*draw_bars(600, seed=1), 4, generator(1))
    after = classifier.score_arrays(*draw_bars(200, seed=2))
    assert before.value < 0.6
    assert after.value > 0.97


def test_training_on_frames_learns_too_and_lowers_the_loss(bars):
    classifier = Classifier(replace(LEARNER, learning_rate=3e-3), generator(0))
    first = classifier.train(bars, 10, generator(1))
    last = classifier.train(bars, 80, generator(2))
    assert last["total"] < first["total"]
    assert classifier.score(as_frames(*draw_bars(200, seed=2))).value > 0.9


def test_four_times_the_pixels_make_less_than_twice_the_network():
    small, large = (
        sum(p.numel() for p in Classifier(settings, generator(0)).model.parameters())
        for settings in (ClassifierSettings.short(32, 32), ClassifierSettings.short(64, 64))
    )
    assert small < large < 2 * small


def test_a_corner_pixel_of_a_large_picture_is_seen():
    classifier = Classifier(ClassifierSettings.short(64, 64), generator(0))
    for row, column in ((0, 0), (0, 63), (63, 0), (63, 63)):
        images = torch.zeros(2, 1, 64, 64, dtype=torch.uint8)
        images[1, 0, row, column] = 255
        with torch.no_grad():
            output = classifier.average(classifier.pictures(images))
        assert not torch.equal(output[0], output[1])


@pytest.mark.parametrize("width, height", [(16, 16), (20, 36), (64, 64), (100, 60)])
def test_pictures_may_have_any_multiple_of_four(width, height):
    classifier = Classifier(replace(TINY, width=width, height=height), generator(0))
    images, answers = draw_bars(6, 1, width, height)
    classifier.train_arrays(images, answers, 1, generator(1))
    assert classifier.score_arrays(images, answers).images == 6


def test_two_calls_of_n_steps_are_one_of_2n_steps_bit_for_bit(bars):
    once, twice = (Classifier(TINY, generator(0)) for _ in range(2))
    g, h = generator(1), generator(1)
    once.train(bars, 6, g)
    twice.train(bars, 3, h)
    twice.train(bars, 3, h)
    assert equal(once.state_dict(), twice.state_dict())
    assert once.steps == 6
    assert torch.equal(g.get_state(), h.get_state())


@pytest.mark.parametrize("fitted", [False, True])
def test_a_saved_state_goes_on_bit_for_bit(bars, tmp_path, fitted):
    straight = Classifier(TINY, generator(0))
    g = generator(1)
    if fitted:
        straight.fit(*draw_bars(40, seed=3), 1, g)
    straight.train(bars, 2, g)
    torch.save({"state": straight.state_dict(), "generator": g.get_state()}, tmp_path / "c.pt")
    straight.train(bars, 3, g)

    saved = torch.load(tmp_path / "c.pt", weights_only=True)
    resumed = Classifier(TINY, generator(99))
    resumed.load_state_dict(saved["state"])
    h = torch.Generator()
    h.set_state(saved["generator"])
    resumed.train(bars, 3, h)
    assert equal(straight.state_dict(), resumed.state_dict())


def test_a_state_of_another_network_is_refused(bars):
    state = Classifier(TINY, generator(0)).state_dict()
    with pytest.raises(ClassifierError, match="does not fit"):
        Classifier(replace(TINY, hidden=(8, 8)), generator(0)).load_state_dict(state)


def test_everything_depends_on_the_generators_only(bars):
    results = []
    for seed in (3, 4):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        classifier = Classifier(replace(TINY, dropout=0.5), generator(0))
        classifier.train(bars, 2, generator(1))
        classifier.fit(*draw_bars(40, seed=3), 1.5, generator(2))
        results.append(classifier.state_dict())
        assert torch.equal(torch.get_rng_state(), before)
    assert equal(*results)


def test_scoring_and_influence_change_nothing(bars):
    classifier = Classifier(TINY, generator(0))
    classifier.train(bars, 2, generator(1))
    before = classifier.state_dict()
    first = classifier.score(bars)
    classifier.influence(bars[:5], bars)
    assert classifier.score(bars) == first
    assert equal(classifier.state_dict(), before)


def test_the_score_is_the_accuracy_of_the_predicted_classes(bars):
    classifier = Classifier(TINY, generator(0))
    images, answers = draw_bars(100, seed=5)
    classifier.train_arrays(images, answers, 3, generator(1))
    score = classifier.score_arrays(images, answers)
    with torch.no_grad():
        found = classifier.average(classifier.pictures(images[:, None])).argmax(1)
    assert score.value == float((found == answers).double().mean())
    confusion = np.array(score.confusion)
    for truth in range(4):
        for answer in range(4):
            assert confusion[truth, answer] == ((answers == truth) & (found == answer)).sum()
    assert score.per_class["flat"] == confusion[0, 0] / confusion[0].sum()
    assert score.to_dict()["value"] == score.value


def test_labelled_pictures_score_as_frames_do(bars):
    labelled = [SimpleNamespace(image=f.image, classes=(f.labels[0].class_name,)) for f in bars]
    classifier = Classifier(TINY, generator(0))
    classifier.train(bars, 3, generator(1))
    assert classifier.score(labelled) == classifier.score(bars)


def test_a_class_that_no_picture_shows_has_no_accuracy():
    classifier = Classifier(TINY, generator(0))
    images, answers = draw_bars(50, seed=5)
    shown = answers != 2
    score = classifier.score_arrays(images[shown], answers[shown])
    assert score.per_class["rising"] is None


def test_influence_is_the_inner_product_with_each_picture_s_own_gradient(bars):
    classifier = Classifier(TINY, generator(0))
    classifier.train(bars, 10, generator(1))
    frames, labelled = as_frames(*draw_bars(30, seed=6)), as_frames(*draw_bars(50, seed=7))
    found = classifier.influence(frames, labelled).double()

    model = classifier.average.requires_grad_(True)

    def gradient(chosen: list[Frame]) -> torch.Tensor:
        images, answers = classifier.arrays(chosen)
        loss = functional.cross_entropy(model(classifier.pictures(images)), answers)
        slopes = torch.autograd.grad(loss, list(model.parameters()))
        return torch.cat([slope.flatten() for slope in slopes]).double()

    whole = gradient(labelled)
    exact = torch.stack([gradient([frame]) @ whole for frame in frames])
    assert float((found - exact).norm() / exact.norm()) < 1e-4
    assert float(torch.corrcoef(torch.stack([found, exact]))[0, 1]) > 0.9999


def test_a_step_on_a_picture_lowers_the_validation_loss_by_its_influence(bars):
    classifier = Classifier(TINY, generator(0))
    classifier.train(bars, 10, generator(1))
    images, answers = draw_bars(8, seed=6)
    validation = draw_bars(60, seed=7)
    gains = classifier.influence_arrays(images, answers, *validation)
    model = classifier.average.double().requires_grad_(True)

    def loss_of(pictures, classes):
        pictures = classifier.pictures(pictures[:, None]).double()
        return functional.cross_entropy(model(pictures), classes)

    rate = 1e-4 / float(gains.abs().max())
    for i in range(8):
        before = loss_of(*validation)
        slopes = torch.autograd.grad(
            loss_of(images[i : i + 1], answers[i : i + 1]), list(model.parameters())
        )
        with torch.no_grad():
            for p, slope in zip(model.parameters(), slopes, strict=True):
                p -= rate * slope
        after = loss_of(*validation)
        with torch.no_grad():
            for p, slope in zip(model.parameters(), slopes, strict=True):
                p += rate * slope
        gain = (before - after).item() / rate
        assert abs(gain - float(gains[i])) < 0.03 * float(gains.abs().max())


def test_wrongly_labelled_pictures_have_a_lower_influence_than_right_ones(bars):
    classifier = Classifier(LEARNER, generator(0))
    classifier.train(bars, 20, generator(1))
    images, answers = draw_bars(40, seed=6)
    right = classifier.influence_arrays(images, answers, *draw_bars(100, seed=7))
    wrong = classifier.influence_arrays(images, (answers + 1) % 4, *draw_bars(100, seed=7))
    assert right.mean() > 0 > wrong.mean()


def test_a_fit_may_draw_new_pictures_for_each_epoch():
    asked = []

    def draw(epoch: int):
        asked.append(epoch)
        return draw_bars(150, seed=10 + epoch)

    classifier = Classifier(LEARNER, generator(0))
    classifier.fit_drawn(draw, 3.5, generator(1))
    assert asked == [0, 1, 2, 3]
    assert classifier.score_arrays(*draw_bars(200, seed=2)).value > 0.9


def test_the_rate_rises_to_its_peak_once_and_ends_at_zero():
    rates = [one_cycle(i / 100, 0.2) for i in range(101)]
    assert rates[0] == rates[-1] == 0
    assert max(rates) == rates[20] == 1
    assert all(a < b for a, b in zip(rates[:20], rates[1:21], strict=True))
    assert all(a > b for a, b in zip(rates[20:], rates[21:], strict=False))


def test_progress_counts_the_steps(bars):
    told = []
    classifier = Classifier(TINY, generator(0))
    classifier.train(bars, 3, generator(1), lambda done, of, losses: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_training_that_diverges_says_so(bars):
    classifier = Classifier(TINY, generator(0))
    with torch.no_grad():
        classifier.model[-1].bias.fill_(float("nan"))
    with pytest.raises(NonFiniteLossError, match="lower its learning rate"):
        classifier.train(bars, 1, generator(1))


def test_what_does_not_fit_is_refused_in_one_sentence(bars):
    classifier = Classifier(TINY, generator(0))
    images, answers = draw_bars(4, seed=1)
    for call in (
        lambda: classifier.train([], 1, generator(1)),
        lambda: classifier.train(bars[:1], 1, generator(1)),
        lambda: classifier.score([]),
        lambda: classifier.score([replace(bars[0], labels=())]),
        lambda: classifier.score([replace(bars[0], image=np.zeros((8, 8, 3), np.uint8))]),
        lambda: classifier.score_arrays(images.float(), answers),
        lambda: classifier.score_arrays(images, answers[:3]),
        lambda: classifier.score_arrays(images, answers + 9),
        lambda: ClassifierSettings(width=30),
        lambda: ClassifierSettings(classes=("one",)),
        lambda: ClassifierSettings(dropout=1.0),
        lambda: ClassifierSettings(batch_size=1),
    ):
        with pytest.raises(ImageTaskError) as caught:
            call()
        assert str(caught.value).endswith(".")


@pytest.mark.slow
def test_real_digits_turned_by_90_degrees_are_read_in_one_epoch():
    folder = Path(os.environ.get("METASIM_DATA", "../shared/data")) / "mnist"
    if not (folder / "train-images-idx3-ubyte.gz").is_file():
        pytest.skip(f"MNIST is not in {folder}; set METASIM_DATA to the folder that holds mnist/")
    train, test = _digits(folder, "train", 20_000), _digits(folder, "t10k", 2_000)
    classifier = Classifier(ClassifierSettings.short(), generator(0))
    classifier.fit(*train, 1, generator(1))
    assert classifier.score_arrays(*test).value > 0.97


def _digits(folder: Path, part: str, count: int):
    import gzip

    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)[:count]
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        answers = np.frombuffer(file.read(), np.uint8, offset=8)[:count]
    turned = np.pad(np.rot90(images, axes=(1, 2)), ((0, 0), (2, 2), (2, 2)))
    return torch.from_numpy(turned.copy()), torch.from_numpy(answers.astype(np.int64))
