"""A reader is trained and reads elsewhere as on the CPU; what it reads is on the CPU."""

from collections import OrderedDict

import torch
from pretended_device import DEVICE, pretended
from torch import nn

from metasim_backend.features.reader.accuracy import accuracy
from metasim_backend.features.reader.reader import Reader
from metasim_backend.features.reader.readings import read_pictures
from metasim_backend.features.reader.targets import OBJECT_NUMBERS, ReaderNames, ReaderTargets
from metasim_backend.features.reader.training import ReaderTraining, fit_scales, train_reader
from metasim_backend.networks.device import device_of
from metasim_backend.networks.stages import TORCHVISION, Family, StageNetwork

HEIGHT, WIDTH, COUNT = 32, 48, 8


def new_reader(device):
    torch.manual_seed(0)
    layers = OrderedDict(
        (name, nn.Conv2d(before, 8, 3, stride, 1))
        for name, before, stride in (("fine", 3, 4), ("a", 8, 2), ("b", 8, 2), ("c", 8, 2))
    )
    family = Family(("a", "b", "c"), least_side=1, fine="fine")
    backbone = StageNetwork(nn.Sequential(layers), family, TORCHVISION, "")
    names = ReaderNames(("brightness",), ("square",))
    return Reader(backbone, names, (HEIGHT, WIDTH)).to_device(device)


def pictures():
    """A bright square each, on a ground that is more or less bright."""
    source = torch.Generator().manual_seed(0)
    ground = torch.rand(COUNT, generator=source)
    images = (120 * ground)[:, None, None, None].expand(-1, 3, HEIGHT, WIDTH).clone()
    owners = torch.full((COUNT, HEIGHT // 4, WIDTH // 4), -1, dtype=torch.int16)
    boxes = torch.zeros(COUNT, 1, 4)
    for n in range(COUNT):
        y = 4 * int(torch.randint(4, (), generator=source))
        x = 4 * int(torch.randint(8, (), generator=source))
        images[n, :, y : y + 16, x : x + 16] = 250
        owners[n, y // 4 : y // 4 + 4, x // 4 : x // 4 + 4] = 0
        boxes[n, 0] = torch.tensor([x, y, x + 16, y + 16]) / torch.tensor([WIDTH, HEIGHT] * 2)
    numbers = torch.rand(COUNT, 1, len(OBJECT_NUMBERS), generator=source)
    kinds = torch.ones(COUNT, 1, dtype=torch.uint8)
    return images.to(torch.uint8), ReaderTargets(ground[:, None], owners, kinds, boxes, numbers)


def test_a_reader():
    images, targets = pictures()

    def made(device):
        reader = new_reader(device)
        fit_scales(reader, targets)
        seen = reader.see(images)
        losses = []
        settings = ReaderTraining(epochs=1, batch=4, region_batch=4)
        train_reader(
            reader, seen, targets, 0, settings, progress=lambda _, loss: losses.append(loss),
            retaken=lambda shown, source: shown,
        )  # fmt: skip
        assert all(device_of(n) == device for n in (reader.dense, reader.regions))
        assert device_of(reader.backbone[0]) == device
        readings = read_pictures(reader, seen, targets)
        accuracy(reader, readings, targets)
        return losses, seen, readings

    losses, seen, readings = made(torch.device("cpu"))
    with pretended() as forgotten:
        found_losses, found_seen, found = made(DEVICE)
    assert forgotten == []
    assert len(losses) == len(found_losses)
    for one, other in zip(losses[:3], found_losses[:3], strict=True):
        assert abs(one - other) < 1e-3 * one + 1e-4
    for one, other in zip(seen.maps, found_seen.maps, strict=True):
        assert type(other) is torch.Tensor
        torch.testing.assert_close(other, one, rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(found.scene[:, :1], readings.scene[:, :1], rtol=0.05, atol=0.05)
    for values in (found.objects, found.shares, found.pictures, found.boxes, found.owners):
        assert type(values) is torch.Tensor and values.device.type == "cpu"
