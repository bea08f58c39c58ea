"""Rewards of pictures: right where the target is, and without bias where it is reached."""

import pytest
import torch

from metasim_backend.features.count_network import CountNetwork
from metasim_backend.settings import StructureSettings
from metasim_backend.training.structure_reward import StructureReward, counts_reading


def pictures(values):
    """Pictures of 2 x 2 pixels that are all of one grey each, [N, 3, 2, 2] uint8."""
    return values.round().clamp(0, 255).to(torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2)


def read(images):
    return images[:, :2, 0, 0] * 255 / 10  # two equal features, one for ten greys


def draw(count, share_rare, seed):
    """Greys about 50, and with a small probability about 200; and which are the rare ones."""
    source = torch.Generator().manual_seed(seed)
    rare = torch.rand(count, generator=source) < share_rare
    return torch.where(rare, 200.0, 50.0) + 10 * torch.randn(count, generator=source), rare


@pytest.mark.parametrize("parts", ["pairs", "joint"])
@pytest.mark.parametrize("reward", ["density", "mmd"])
def test_what_the_target_has_more_of_earns_more(parts, reward):
    target, _ = draw(300, 0.5, 0)
    synthetic, rare = draw(200, 0.1, 1)
    made = StructureReward(read, pictures(target), StructureSettings(reward=reward, parts=parts))
    found = made(pictures(synthetic), torch.Generator().manual_seed(2))
    assert float(found[rare].mean()) > float(found[~rare].mean())
    if reward == "density":
        # log 0.5 / 0.1 = 1.6 and log 0.5 / 0.9 = -0.6: once for the pair, twice for two singles, a
        # half of it all. The few rare synthetic pictures are too thin for an exact figure.
        assert 1.2 < float(found[rare].mean()) < 4
        assert -1.6 < float(found[~rare].mean()) < -0.3


@pytest.mark.parametrize("parts", ["pairs", "joint"])
def test_where_the_target_is_reached_rare_things_earn_no_more_than_others(parts):
    """3 of 100 pictures are rare on both sides, and there are ten times as many real ones."""
    target, _ = draw(1500, 0.03, 3)
    made = StructureReward(read, pictures(target), StructureSettings(parts=parts))
    gaps, uneven = [], []
    for trial in range(60):
        synthetic, rare = draw(150, 0.03, 100 + trial)
        if int(rare.sum()) > 0:
            found = made(pictures(synthetic), torch.Generator().manual_seed(trial))
            gaps.append(float(found[rare].mean() - found[~rare].mean()))
            if parts == "pairs":
                plain = made._pairs.log_ratio(made.features(pictures(synthetic)))
                uneven.append(float(plain[rare].mean() - plain[~rare].mean()))
    gap = torch.tensor(gaps)
    error = float(gap.std()) / len(gap) ** 0.5
    assert abs(float(gap.mean())) < 3 * error + 0.1
    if uneven:
        assert float(gap.mean()) < sum(uneven) / len(uneven) - 0.1


def test_the_whole_picture_earns_a_spread_that_is_set_and_the_more_the_more_real_ones_are_like_it():
    """What is read says nothing (a constant); the second features are greys."""
    target = pictures(torch.linspace(150, 250, 60))
    greys = torch.linspace(0, 200, 80)
    settings = StructureSettings(picture_weight=0.7)

    def blind(images):
        return torch.full((len(images), 1), 0.5)

    def source():
        return torch.Generator().manual_seed(0)

    alone = StructureReward(blind, target, StructureSettings(), whole=None)
    found = StructureReward(blind, target, settings, whole=read)
    added = found(pictures(greys), source()) - alone(pictures(greys), source())
    assert float(added.std()) == pytest.approx(0.7, rel=1e-4)
    assert float(added.mean()) == pytest.approx(0, abs=1e-5)
    assert float(added[greys > 160].min()) > float(added[greys < 100].max())


def test_without_a_weight_the_second_features_are_not_taken():
    def never(images):
        raise AssertionError

    target, _ = draw(40, 0.5, 0)
    made = StructureReward(read, pictures(target), StructureSettings(), whole=never)
    made(pictures(target), torch.Generator().manual_seed(0))


def test_what_is_read_is_all_that_tells_anything_or_labelled_things_alone():
    network = CountNetwork(("car", "van"), ("number of tree",))
    network.spread.copy_(torch.tensor([2.0, 1.0, 2.5, 4.0]))
    network.error.copy_(torch.tensor([1.0, 1.0, 1.0, 1.0]))  # vans are not told apart at all
    images = torch.rand(3, 3, 16, 48, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        cars, _, together, trees = network(images).T
    for which, columns, error in (
        ("all", [cars / 2, together / 2.5, trees / 4], [0.5, 0.4, 0.25]),
        ("labelled", [cars / 2, together / 2.5], [0.5, 0.4]),
    ):
        read_off, found = counts_reading(network, which)
        with torch.no_grad():
            torch.testing.assert_close(read_off(images), torch.stack(columns, 1))
        torch.testing.assert_close(found, torch.tensor(error))
