"""The gated graph convolution against its formula, written densely."""

import torch

from metasim_backend.models.graph_convolution import GatedGraphConvolution


def test_sparse_equals_dense():
    torch.manual_seed(0)
    layer = GatedGraphConvolution(5, 7).double()
    with torch.no_grad():
        layer.gates.copy_(torch.tensor([0.3, -1.0, 2.0]))
    x = torch.randn(4, 5, dtype=torch.float64)
    edge_index = torch.tensor([[0, 0, 1, 1, 2, 3], [1, 2, 3, 0, 0, 1]])
    edge_type = torch.tensor([0, 0, 0, 1, 1, 1])
    gates = torch.sigmoid(layer.gates)
    expected = gates[0] * layer.self_map(x)
    for kind in (0, 1):
        adjacency = torch.zeros(4, 4, dtype=torch.float64)
        for source, target in edge_index[:, edge_type == kind].T.tolist():
            adjacency[target, source] = 1
        degree = adjacency.sum(1, keepdim=True).clamp_min(1)
        expected = expected + gates[kind + 1] * (adjacency / degree) @ layer.edge_maps[kind](x)
    torch.testing.assert_close(layer(x, edge_index, edge_type), expected)


def test_a_node_without_neighbours_keeps_only_its_own_map():
    layer = GatedGraphConvolution(3, 2)
    x = torch.randn(1, 3, generator=torch.Generator().manual_seed(0))
    out = layer(x, torch.zeros(2, 0, dtype=torch.long), torch.zeros(0, dtype=torch.long))
    torch.testing.assert_close(out, 0.5 * layer.self_map(x))
