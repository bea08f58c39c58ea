"""A graph convolution with separate, gated maps for self, forward and backward edges."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

EDGE_TYPES = 2  # parent → child and child → parent


class GatedGraphConvolution(MessagePassing):
    r"""Gated graph convolution over typed edges (Meta-Sim, section 3.2 and its appendix).

    .. math::
        x'_i = \sigma(g_0)\, W_0 x_i + b
             + \sum_{t} \frac{\sigma(g_t)}{|N_t(i)|} \sum_{j \in N_t(i)} W_t x_j

    where t runs over the edge types and :math:`N_t(i)` are the nodes with an edge of type t
    into i.

    Args:
        in_channels: size of an input feature vector.
        out_channels: size of an output feature vector.
        edge_types: number of edge types.

    Shapes:
        x: [N, in_channels]; edge_index: [2, E]; edge_type: [E] whole numbers; output:
        [N, out_channels].
    """

    def __init__(self, in_channels: int, out_channels: int, edge_types: int = EDGE_TYPES) -> None:
        super().__init__(aggr="mean")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.self_map = nn.Linear(in_channels, out_channels)
        self.edge_maps = nn.ModuleList(
            nn.Linear(in_channels, out_channels, bias=False) for _ in range(edge_types)
        )
        self.gates = nn.Parameter(torch.zeros(edge_types + 1))

    def reset_parameters(self) -> None:
        for linear in (self.self_map, *self.edge_maps):
            nn.Linear.reset_parameters(linear)
        nn.init.zeros_(self.gates)

    def forward(self, x: Tensor, edge_index: Tensor, edge_type: Tensor) -> Tensor:
        gates = torch.sigmoid(self.gates)
        out = gates[0] * self.self_map(x)
        for kind, linear in enumerate(self.edge_maps):
            edges = edge_index[:, edge_type == kind]
            out = out + gates[kind + 1] * self.propagate(edges, x=linear(x), size=None)
        return out

    def message(self, x_j: Tensor) -> Tensor:
        return x_j

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.in_channels}, {self.out_channels}, "
            f"edge_types={len(self.edge_maps)})"
        )
