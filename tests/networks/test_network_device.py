"""The device that was asked for is the device, and what was learned there is read anywhere."""

import pytest
import torch
from pretended_device import DEVICE, There, pretended
from torch import nn

from metasim_backend.networks.device import DeviceError, device_of, network_device
from metasim_backend.run_files.atomic_files import write_tensors


def test_auto_is_the_cpu_as_long_as_it_promises_the_same_bits(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert network_device("auto") == network_device("cpu") == torch.device("cpu")
    assert network_device("cuda") == torch.device("cuda")


@pytest.mark.parametrize("choice", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_one_sentence(choice, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=f"cannot run on '{choice}', .* networks.device=cpu"):
        network_device(choice)


def test_what_a_network_learned_elsewhere_is_written_for_the_cpu(tmp_path):
    with pretended():
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).to(DEVICE)
        optimiser = torch.optim.Adam(network.parameters())
        network(torch.rand(2, 3, 8, 8).to(DEVICE)).square().mean().backward()
        optimiser.step()
        assert device_of(network) == DEVICE
        state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": 1}
        write_tensors(tmp_path / "state.pt", state)
        bias = network[0].bias.detach().cpu()
    read = torch.load(tmp_path / "state.pt", weights_only=True)
    assert torch.equal(read["network"]["0.bias"], bias)
    moments = [value for one in read["optimiser"]["state"].values() for value in one.values()]
    assert len(moments) == 12
    assert all(type(value) is torch.Tensor and value.device.type == "cpu" for value in moments)


def test_the_pretended_device_finds_what_was_forgotten():
    """Else the tests that use it would prove nothing."""
    with pretended() as forgotten:
        there = torch.arange(6.0, device=DEVICE)
        assert isinstance(there, There) and there.device == DEVICE
        assert float(there.sum()) == 15 and there.tolist() == [0, 1, 2, 3, 4, 5]
        with pytest.raises(RuntimeError, match="same device"):
            there + torch.ones(6)
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()
        assert (there + torch.tensor(1.0)).cpu().tolist() == [1, 2, 3, 4, 5, 6]
        layer = nn.Conv2d(1, 1, 3)
        with pytest.raises(RuntimeError, match="same device"):
            layer(torch.ones(1, 1, 4, 4, device=DEVICE))
        layer(torch.ones(2, 1, 4, 4))
    assert forgotten == ["aten.convolution.default of (2, 1, 4, 4)"]
