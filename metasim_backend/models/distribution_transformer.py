"""The distribution transformer G: a graph network that changes a scene graph's attributes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from metasim_backend.grammar.encoded_scenes import SceneBatch
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.models.attribute_distribution import AttributeDistribution
from metasim_backend.models.graph_convolution import GatedGraphConvolution
from metasim_backend.statistics.circular_tensors import offsets_from_mean

SMALLEST_SCALE = 0.03
SMALLEST_SPREAD = 1e-3
LARGEST_SPREAD = 0.5
IDENTITY_LOGIT = 6.0


@dataclass(frozen=True)
class TransformerSettings:
    """Sizes of the distribution transformer.

    Attributes:
        hidden: width of the hidden layers (30 in the released MNIST settings).
        latent: width of a node's code between encoder and decoder (18 there).
        spread: standard deviation of a sampled attribute at the start, in units of its range.
    """

    hidden: int = 48
    latent: int = 24
    spread: float = 0.01


@dataclass(frozen=True, eq=False)
class Changes:
    """What the transformer does to each of N nodes' numeric slots, M of them, and categories.

    Attributes:
        gain: [N, M], added to the 1 by which a value's way from the prior's mean is multiplied.
        shift: [N, M], in the prior's standard deviations.
        log_spread: [N, M], added to the logarithm of the noise's spread at the start.
        logits: by slot [N, categories], added to those of the category that came in.
    """

    gain: Tensor
    shift: Tensor
    log_spread: Tensor
    logits: dict[int, Tensor]


class DistributionTransformer(nn.Module):
    r"""Scene graph in, distribution over its mutable attributes out; structure stays.

    Two gated graph convolutions encode, two decode (Meta-Sim, section 3.2). Where the paper's
    decoder writes attribute values, this one writes for every mutable numeric attribute a gain g,
    a shift d and a spread s relative to the value v that came in:

    .. math::
        \mu = c + r\,(g\,z + d), \qquad z = (v - c) / r, \qquad v' \sim \mathcal N(\mu, s)

    with c and r the prior's mean and standard deviation of that attribute (:meth:`fit_prior`).
    g = 1, d = 0 is the identity, also across the seam of a circular attribute, where v - c is
    wrapped; d moves a distribution's mean and g, s its spread, each by one step of the optimiser.
    For a categorical attribute it writes logits that are added to those of the category that
    came in.

    Shapes:
        A mixed batch of scene graphs with N nodes and A attribute slots in all: values, present,
        mutable [N, A]; edges [2, E].
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, encoding: Encoding, settings: TransformerSettings | None = None) -> None:
        super().__init__()
        self.settings = settings or TransformerSettings()
        self.encoding = encoding
        hidden, latent = self.settings.hidden, self.settings.latent
        numeric = [s.index for s in encoding.slots if s.attribute.kind != "categorical"]
        self.numeric = numeric
        self._categories = {
            s.index: len(s.attribute.values)
            for s in encoding.slots
            if s.attribute.kind == "categorical"
        }
        self._circular = [s.index for s in encoding.slots if s.attribute.kind == "circular"]
        outputs = 3 * len(numeric) + sum(self._categories.values())
        self.encoder = nn.ModuleList(
            [
                GatedGraphConvolution(encoding.feature_size, hidden),
                GatedGraphConvolution(hidden, latent),
            ]
        )
        self.decoder = nn.ModuleList(
            [GatedGraphConvolution(latent, hidden), GatedGraphConvolution(hidden, hidden)]
        )
        self.head = nn.Linear(hidden, outputs)
        nn.init.normal_(self.head.weight, std=0.05)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("centre", torch.full((encoding.slot_count,), 0.5))
        self.register_buffer("scale", torch.full((encoding.slot_count,), 0.25))

    def fit_prior(self, data: Data) -> None:
        """Set each slot's centre and scale to the mean and spread it has in these scenes."""
        for slot in self.numeric:
            values = data.values[data.present[:, slot], slot].double()
            if values.numel() == 0:
                continue
            if slot in self._circular:
                mean, deviation = offsets_from_mean(values)
            else:
                mean = values.mean()
                deviation = values - mean
            spread = deviation.square().mean().sqrt()
            self.centre[slot] = mean.to(self.centre)
            self.scale[slot] = spread.clamp_min(SMALLEST_SCALE).to(self.scale)

    def freeze_encoder(self, frozen: bool = True) -> None:
        """Keep the encoder as it is, as the paper does after pre-training."""
        for parameter in self.encoder.parameters():
            parameter.requires_grad_(not frozen)

    @torch.no_grad()
    def move_all(self, slot: int, shift: float) -> None:
        """Add a shift, in the encoding's units, to a numeric slot's mean in every node."""
        place = len(self.numeric) + self.numeric.index(slot)
        self.head.bias[place] += shift / float(self.scale[slot])

    @torch.no_grad()
    def leave(self, slots: Sequence[int]) -> None:
        """Have numeric slots come out as they go in, but for the least noise."""
        rows = self.head_rows(slots)
        self.head.weight[rows] = 0
        self.head.bias[rows] = 0
        spreads = rows[rows >= 2 * len(self.numeric)]
        self.head.bias[spreads] = math.log(SMALLEST_SPREAD / self.settings.spread)

    def head_rows(self, slots: Sequence[int]) -> Tensor:
        """The rows of the head that change numeric slots: gains, shifts and spreads."""
        places = torch.tensor([self.numeric.index(slot) for slot in slots], dtype=torch.long)
        return torch.cat([places + part * len(self.numeric) for part in range(3)])

    def encode(self, data: Data | SceneBatch) -> Tensor:
        """[N, latent]: each node's code."""
        x = self.encoding.features(data.values, data.present, data.node_class)
        first, second = self.encoder
        x = torch.relu(first(x, data.edge_index, data.edge_type))
        return second(x, data.edge_index, data.edge_type)

    def forward(self, data: Data | SceneBatch) -> AttributeDistribution:
        return self.changed(data, self.changes(data))

    def changes(self, data: Data | SceneBatch) -> Changes:
        """What it does to each node."""
        x = self.encode(data)
        for layer in self.decoder:
            x = torch.relu(layer(x, data.edge_index, data.edge_type))
        out = self.head(x)
        count = len(self.numeric)
        gain, shift, log_spread, rest = out.split(
            [count, count, count, sum(self._categories.values())], dim=1
        )
        logits = rest.split(list(self._categories.values()), dim=1) if self._categories else ()
        return Changes(gain, shift, log_spread, dict(zip(self._categories, logits, strict=True)))

    def changed(self, data: Data | SceneBatch, changes: Changes) -> AttributeDistribution:
        """The distribution of attributes to which values are changed so."""
        changing = data.present & data.mutable
        numeric = torch.tensor(self.numeric, dtype=torch.long, device=changes.gain.device)
        kinds = torch.zeros(
            3, self.encoding.slot_count, dtype=torch.bool, device=changes.gain.device
        )
        kinds[0, numeric] = True
        kinds[1, self._circular] = True
        kinds[0, self._circular] = False
        kinds[2, list(self._categories)] = True

        value = data.values[:, numeric]
        offset = value - self.centre[numeric]
        turns = torch.where(kinds[1, numeric], offset.round(), 0.0)
        z = (offset - turns) / self.scale[numeric]
        widened = (1 + changes.gain) * z + changes.shift
        moved = self.centre[numeric] + self.scale[numeric] * widened + turns
        mean = data.values.clone().index_copy(1, numeric, moved)
        spreads = torch.ones_like(data.values).index_copy(1, numeric, self.spread(changes))
        logits = {}
        for slot, size in self._categories.items():
            own = torch.nn.functional.one_hot(
                data.values[:, slot].round().long().clamp(0, size - 1), size
            )
            logits[slot] = IDENTITY_LOGIT * own + changes.logits[slot]
        return AttributeDistribution(
            source=data.values,
            mean=mean,
            spread=spreads,
            logits=logits,
            continuous=changing & kinds[0],
            circular=changing & kinds[1],
            categorical=changing & kinds[2],
        )

    def spread(self, changes: Changes) -> Tensor:
        """[N, M]: the noise's standard deviation, in the encoding's units."""
        start = math.log(self.settings.spread)
        return torch.exp(start + changes.log_spread).clamp(SMALLEST_SPREAD, LARGEST_SPREAD)
