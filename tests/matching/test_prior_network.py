import time

import pytest
import torch

from metasim_backend.matching.prior_network import (
    PriorNetwork,
    PriorTraining,
    PriorTrainingError,
    disturb,
    train_prior_network,
)


def boxes(count, height=48, width=80, seed=0):
    """Bright boxes on a grey ground, and what a scene graph would know: x, y, number."""
    generator = torch.Generator().manual_seed(seed)
    images = 0.3 + 0.1 * torch.rand(count, 3, height, width, generator=generator)
    targets = torch.zeros(count, 4)
    for i in range(count):
        number = int(torch.randint(1, 4, (1,), generator=generator))
        places = torch.rand(number, 2, generator=generator)
        for x, y in places:
            column, row = int(x * (width - 12)), int(y * (height - 8))
            images[i, :, row : row + 8, column : column + 12] = 0.9
        targets[i] = torch.tensor([*(100 * places.mean(0)).tolist(), number, 7.0])
    return (images * 255).to(torch.uint8), targets


SHORT = PriorTraining(epochs=3)


def test_learns_what_scenes_differ_in():
    images, targets = boxes(400)
    network = train_prior_network(images, targets, settings=PriorTraining(epochs=20))
    assert all(float(e) > 0.6 for e in network.explained[:3])
    assert float(network.explained[3]) == 0  # it never varies
    unseen, truth = boxes(100, seed=1)
    with torch.no_grad():
        guess = network(unseen.float() / 255)
    assert float((guess - truth)[:, 0].abs().mean()) < 0.6 * float(
        (truth[:, 0] - truth[:, 0].mean()).abs().mean()
    )
    torch.testing.assert_close(guess[:, 3], truth[:, 3], atol=0.2, rtol=0)


def test_same_seed_same_bits_and_no_global_random_numbers():
    images, targets = boxes(64)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = train_prior_network(images, targets, seed=3, settings=SHORT)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    second = train_prior_network(images, targets, seed=3, settings=SHORT)
    other = train_prior_network(images, targets, seed=4, settings=SHORT)
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key])
    assert not torch.equal(first.hidden.weight, other.hidden.weight)


def test_state_dict_and_file_keep_every_bit(tmp_path):
    images, targets = boxes(32)
    network = train_prior_network(images, targets, settings=SHORT)
    network.save(tmp_path / "prior.pt")
    again = PriorNetwork.from_saved(torch.load(tmp_path / "prior.pt", weights_only=True))
    x = images[:4].float() / 255
    assert torch.equal(again(x), network(x))
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
    images, targets = boxes(16)
    with pytest.raises(PriorTrainingError, match="16 pictures with 3 targets"):
        train_prior_network(images, targets[:3])
    with pytest.raises(PriorTrainingError, match="do not differ"):
        train_prior_network(images, torch.ones(16, 2))
    with pytest.raises(PriorTrainingError, match="cannot be trained on"):
        train_prior_network(images[0], targets)


@pytest.mark.slow
def test_four_hundred_renders_take_less_than_forty_seconds():
    images, targets = boxes(400, 96, 160)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # threads that spin beside other busy programs measure those
    try:
        begun = time.process_time()
        network = train_prior_network(images, targets)
        assert time.process_time() - begun < 40
    finally:
        torch.set_num_threads(threads)
    assert all(float(e) > 0.6 for e in network.explained[:3])
