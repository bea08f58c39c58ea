import pytest
import torch

from metasim_backend.features.extractor import build_features
from metasim_backend.features.prior_network import CELL, PriorNetwork, Sizes
from metasim_backend.features.prior_training import (
    Answers,
    PriorTraining,
    PriorTrainingError,
    disturb,
    train_prior_network,
)


def boxes(count, height=48, width=80, seed=0):
    """Bright boxes on a grey ground, and what a scene graph would know of them."""
    generator = torch.Generator().manual_seed(seed)
    images = 0.3 + 0.1 * torch.rand(count, 3, height, width, generator=generator)
    mask = torch.zeros(count, 1, height, width)
    shade = torch.full((count, 1, height, width), torch.nan)
    scene = torch.zeros(count, 4)
    for i in range(count):
        number = int(torch.randint(1, 4, (1,), generator=generator))
        places = torch.rand(number, 2, generator=generator)
        for x, y in places:
            column, row = int(x * (width - 12)), int(y * (height - 8))
            tone = 0.5 + 0.5 * float(torch.rand(1, generator=generator))
            images[i, :, row : row + 8, column : column + 12] = tone
            mask[i, :, row : row + 8, column : column + 12] = 1
            shade[i, :, row : row + 8, column : column + 12] = tone
        scene[i] = torch.tensor([*(100 * places.mean(0)).tolist(), number, 7.0])
    scene[::7, 0] = torch.nan  # not known everywhere
    cover = torch.nn.functional.avg_pool2d(mask, CELL)
    known = torch.nn.functional.avg_pool2d((~shade.isnan()).float(), CELL)
    total = torch.nn.functional.avg_pool2d(shade.nan_to_num(), CELL)
    tones = torch.where(known > 0.3, total / known, torch.nan)
    return (images * 255).to(torch.uint8), Answers(scene, cover, tones)


SHORT = PriorTraining(epochs=3)


def test_learns_what_scenes_differ_in_and_where_things_are():
    images, answers = boxes(400)
    network = train_prior_network(images, answers, settings=PriorTraining(epochs=20))
    assert all(float(e) > 0.5 for e in network.explained[:3])
    assert bool(network.explained[3].isnan())  # it never varies
    assert float(network.explained[4]) > 0.5  # the tone of the box in a cell
    unseen, truth = boxes(50, seed=1)
    with torch.no_grad():
        _, classes, _ = network.readings(unseen.float() / 255)
    covered, clear = truth.cover > 0.9, truth.cover == 0
    assert float(classes[covered].mean()) > 1 and float(classes[clear].mean()) < -1


def test_features_have_the_documented_shapes_and_a_gradient_to_the_picture():
    network = PriorNetwork(Sizes(scene=5, classes=2, attributes=3))
    picture = torch.rand(2, 3, 96, 160, generator=torch.Generator().manual_seed(0))
    picture.requires_grad_()
    stages = network.stages(picture)
    assert [tuple(stage.shape) for stage in stages] == [(2, 5), (2, 14), (2, 75), (2, 72)]
    for stage in stages:
        (gradient,) = torch.autograd.grad(stage.sum(), picture, retain_graph=True)
        assert torch.isfinite(gradient).all() and gradient.abs().max() > 0


def test_features_have_the_chosen_parts_alone_and_a_file_keeps_the_choice(tmp_path):
    whole = PriorNetwork(Sizes(scene=5, classes=2, attributes=3))
    chosen = PriorNetwork(whole.sizes, parts=("layout", "scene"))
    picture = torch.rand(2, 3, 96, 160, generator=torch.Generator().manual_seed(0))
    scene, _, layout, _ = whole.stages(picture)
    chosen.save(tmp_path / "network.pt")
    again = PriorNetwork.from_saved(torch.load(tmp_path / "network.pt"))
    for network in (chosen, again):
        first, second = network.stages(picture)
        assert torch.equal(first, scene) and torch.equal(second, layout)
    extractor = build_features(tmp_path / "network.pt")
    assert extractor.stage_dimensions == (5, 75)


def test_same_seed_same_bits_and_no_global_random_numbers():
    images, answers = boxes(64)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = train_prior_network(images, answers, seed=3, settings=SHORT)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    second = train_prior_network(images, answers, seed=3, settings=SHORT)
    other = train_prior_network(images, answers, seed=4, settings=SHORT)
    for key, value in first.state_dict().items():
        assert torch.equal(value.nan_to_num(), second.state_dict()[key].nan_to_num())
    assert not torch.equal(first.cells.weight, other.cells.weight)


def test_state_dict_and_file_keep_every_bit(tmp_path):
    images, answers = boxes(32)
    network = train_prior_network(images, answers, settings=SHORT)
    network.save(tmp_path / "prior.pt")
    again = PriorNetwork.from_saved(torch.load(tmp_path / "prior.pt", weights_only=True))
    x = images[:4].float() / 255
    for one, other in zip(again.stages(x), network.stages(x), strict=True):
        assert torch.equal(one, other)
    assert [p.name for p in tmp_path.iterdir()] == ["prior.pt"]


def test_disturbed_pictures_stay_in_range_and_keep_their_layout():
    images, _ = boxes(50)
    images = images.float() / 255
    other = disturb(images, torch.Generator().manual_seed(0))
    assert float(other.min()) >= 0 and float(other.max()) <= 1
    a, b = images.mean(1).flatten(1), other.mean(1).flatten(1)
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    correlation = (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
    assert float(correlation.min()) > 0.5


def test_unusable_training_data_give_one_sentence():
    images, answers = boxes(16)
    few = Answers(answers.scene[:3], answers.cover, answers.attributes)
    with pytest.raises(PriorTrainingError, match="16 pictures .* with 3 answers"):
        train_prior_network(images, few)
    alike = Answers(torch.ones(16, 2), answers.cover, answers.attributes)
    with pytest.raises(PriorTrainingError, match="do not differ"):
        train_prior_network(images, alike)
    with pytest.raises(PriorTrainingError, match="cannot be trained on"):
        train_prior_network(images[0], answers)
