"""The structure generator: a recurrent network that writes derivations (Meta-Sim2, section 3.2).

A latent z, one of a finite set, begins a GRU; step by step it gives logits over all tokens of the
grammar (:mod:`metasim_backend.grammar.derivation`), of which those that the top of the stack does
not allow are masked. A derivation's probability is the mean over all z:

    log q(T) = log 1/|Z| Σ_z Π_t q(T_t | T_<t, z)

Shapes: N derivations, T steps, V tokens, padding -1. Everything runs on the network's device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from metasim_backend.grammar.derivation import Productions
from metasim_backend.grammar.stack_machine import PADDING

CHUNK = 1024
SHARE_KEPT = 0.8


@dataclass(frozen=True)
class StructureGeneratorSettings:
    """Sizes of the network.

    Attributes:
        latents: |Z|, how many different z there are.
        hidden: width of the recurrent state and of all embeddings.
        longest: T_max; a derivation that has not ended after so many tokens is rejected.
        feedback: whether the network reads the token before and the decision that is to be taken.
            Off: it sees nothing but z and its own state, so that only z and the step's number tell
            derivations apart.
    """

    latents: int = 4
    hidden: int = 64
    longest: int = 200
    feedback: bool = True


@dataclass(frozen=True, eq=False)
class DerivationBatch:
    """Derivations as tensors.

    Attributes:
        tokens: [N, T] int64, padded with -1.
        finished: [N] bool, which ended within T_max.
    """

    tokens: Tensor
    finished: Tensor

    def __len__(self) -> int:
        return len(self.tokens)

    def rows(self, chosen: Tensor) -> DerivationBatch:
        """Some of them, by a mask [N] or indices."""
        return DerivationBatch(self.tokens[chosen], self.finished[chosen])


class StructureGenerator(nn.Module):
    """q(T): draws derivations of a grammar and gives their log-probability.

    Args:
        productions: the grammar's tokens.
        settings: sizes; None: the defaults.
    """

    first: Tensor
    options: Tensor
    pushes: Tensor
    push_counts: Tensor
    start: Tensor

    def __init__(
        self, productions: Productions, settings: StructureGeneratorSettings | None = None
    ) -> None:
        super().__init__()
        self.productions = productions
        self.settings = settings or StructureGeneratorSettings()
        hidden, count = self.settings.hidden, len(productions.tokens)
        self.latent = nn.Embedding(self.settings.latents, hidden)
        # Row V stands for the beginning, row D for an empty stack.
        self.token = nn.Embedding(count + 1, hidden)
        self.decision = nn.Embedding(productions.decision_count + 1, hidden)
        self.cell = nn.GRUCell(hidden, hidden)
        self.head = nn.Linear(hidden, count)
        for embedding in (self.latent, self.token, self.decision):
            nn.init.normal_(embedding.weight, std=0.5)
        for name, table in (
            ("first", productions.first),
            ("options", productions.options),
            ("pushes", productions.pushes),
            ("push_counts", productions.push_counts),
        ):
            self.register_buffer(name, torch.from_numpy(table), persistent=False)
        self.most = max(1, int(productions.options.max()))
        start = torch.tensor(productions.start[::-1], dtype=torch.long)
        self.register_buffer("start", start, persistent=False)

    @property
    def device(self) -> torch.device:
        return self.start.device

    # Drawing ----------------------------------------------------------------------------------

    @torch.no_grad()
    def sample(self, uniform: Tensor) -> DerivationBatch:
        """Draw derivations by given random numbers, so that each row depends on its own alone.

        Args:
            uniform: [N, 1 + T_max] in [0, 1): the first chooses z, each of the others a token.
        """
        if uniform.shape[1] != 1 + self.settings.longest:
            raise ValueError(
                f"{uniform.shape[1]} random numbers a derivation were given; it takes "
                f"{1 + self.settings.longest}."
            )
        parts = [self._sample(part.to(self.device)) for part in uniform.split(CHUNK)]
        longest = max(part.tokens.shape[1] for part in parts) if parts else 0
        pad = nn.functional.pad
        return DerivationBatch(
            torch.cat([pad(p.tokens, (0, longest - p.tokens.shape[1]), value=-1) for p in parts]),
            torch.cat([part.finished for part in parts]),
        )

    def _sample(self, uniform: Tensor) -> DerivationBatch:
        count, latents = len(uniform), self.settings.latents
        z = (uniform[:, 0] * latents).long().clamp_max(latents - 1)
        tables = self._input_tables()
        latent, state = tables.latent[z], torch.tanh(self.latent(z))
        before = torch.full((count,), len(self.productions.tokens), device=self.device)
        stack = Stacks(self, count)
        out = torch.full((count, self.settings.longest), PADDING, device=self.device)
        alive = torch.arange(count, device=self.device)
        steps = 0
        for step in range(self.settings.longest):
            running = stack.running()
            left = int(running.sum())
            if left == 0:
                break
            if left < SHARE_KEPT * len(alive):
                # Rows that have ended are taken out, so that long ones do not pay for all.
                alive, before = alive[running], before[running]
                latent, state = latent[running], state[running]
                stack.keep(running)
                running = running[running]
            top = stack.top()
            state = self._next(tables.seen(latent, before, top), state)
            logits, _ = self._own_logits(self.head(state), top)
            token = self.first[top] + _chosen(logits, uniform[alive, 1 + step], self.options[top])
            before = torch.where(running, token, 0)
            out[alive, step] = torch.where(running, token, PADDING)
            stack.take(before, running)
            steps = step + 1
        finished = torch.ones(count, dtype=torch.bool, device=self.device)
        finished[alive[stack.running()]] = False
        return DerivationBatch(out[:, :steps], finished)

    def draw(self, count: int, source: torch.Generator) -> DerivationBatch:
        """Draw derivations by the numbers of a generator."""
        return self.sample(torch.rand(count, 1 + self.settings.longest, generator=source))

    # Probabilities ----------------------------------------------------------------------------

    def log_prob(self, tokens: Tensor) -> Tensor:
        """[N]: log q of derivations (or of the part of one that was not finished), differentiable.

        Args:
            tokens: [N, T], padded with -1.
        """
        return self.log_prob_and_entropy(tokens)[0]

    def log_prob_and_entropy(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """[N] log q, and [N] the entropy of each decision given the ones before it, summed over
        the derivation and averaged over z's posterior."""
        tokens = tokens.to(self.device)
        count, steps = tokens.shape
        latents = self.settings.latents
        if steps == 0:
            nothing = self.head.weight.new_zeros(count)
            return nothing, nothing
        tops = self.tops(tokens)
        running = tokens != PADDING
        begin = torch.full((count, 1), len(self.productions.tokens), device=self.device)
        before = torch.cat([begin, tokens[:, :-1]], 1).clamp_min(0)
        tables = self._input_tables()
        # Row z·N + n is derivation n with the latent z.
        state = torch.tanh(self.latent.weight).repeat_interleave(count, 0)
        latent = tables.latent.repeat_interleave(count, 0)
        states = []
        for step in range(steps):
            shared = tables.seen(0, before[:, step], tops[:, step])
            seen = latent if isinstance(shared, int) else latent + shared.repeat(latents, 1)
            state = self._next(seen, state)
            states.append(state.unflatten(0, (latents, count)))
        on = running.T.expand(latents, -1, -1).permute(1, 0, 2)  # [T, Z, N]
        top = tops.T[:, None].expand(-1, latents, -1)[on]
        token = tokens.T[:, None].expand(-1, latents, -1)[on]
        logits, allowed = self._own_logits(self.head(torch.stack(states)[on]), top)
        logs = torch.log_softmax(logits, 1)
        own = logs.gather(1, (token - self.first[top])[:, None])[:, 0]
        finite = torch.where(allowed, logs, 0.0)
        entropy = -(torch.where(allowed, logs.exp(), 0.0) * finite).sum(1)
        places = torch.arange(latents * count, device=self.device).view(latents, count)
        places = places.expand(steps, -1, -1)[on]
        nothing = own.new_zeros(latents * count)
        per_latent = nothing.index_add(0, places, own).view(latents, count)
        log_q = torch.logsumexp(per_latent, 0) - math.log(latents)
        posterior = torch.softmax(per_latent.detach(), 0)
        entropies = nothing.index_add(0, places, entropy).view(latents, count)
        return log_q, (posterior * entropies).sum(0)

    @torch.no_grad()
    def tops(self, tokens: Tensor) -> Tensor:
        """[N, T]: the decision that each token took; D after the end.

        Raises:
            ValueError: when a token does not belong to the decision that was to be taken.
        """
        stack = Stacks(self, len(tokens))
        found = torch.empty_like(tokens)
        for step in range(tokens.shape[1]):
            token, top = tokens[:, step], stack.top()
            running = token != PADDING
            place = token - self.first[top]
            if not bool((((place >= 0) & (place < self.options[top])) | ~running).all()):
                raise ValueError(f"Token {step} of a derivation is not what its stack asks for.")
            found[:, step] = top
            stack.take(token.clamp_min(0), running)
        return found

    # One step ---------------------------------------------------------------------------------

    def _input_tables(self) -> _InputTables:
        """What each latent, token and decision adds to the gates: cheaper than a product a step."""
        weight, bias = self.cell.weight_ih, self.cell.bias_ih
        if not self.settings.feedback:
            return _InputTables(self.latent.weight @ weight.T + bias, None, None)
        return _InputTables(
            self.latent.weight @ weight.T + bias,
            self.token.weight @ weight.T,
            self.decision.weight @ weight.T,
        )

    def _next(self, seen: Tensor, state: Tensor) -> Tensor:
        """The GRU's step, given what the input adds to its gates, [N, 3·hidden]."""
        known = nn.functional.linear(state, self.cell.weight_hh, self.cell.bias_hh)
        width = 2 * self.settings.hidden
        gates = torch.sigmoid(seen[:, :width] + known[:, :width])
        reset, update = gates.chunk(2, 1)
        new = torch.tanh(seen[:, width:] + reset * known[:, width:])
        return torch.lerp(new, state, update)

    def _own_logits(self, logits: Tensor, top: Tensor) -> tuple[Tensor, Tensor]:
        """Of [N, V] logits those of each decision's own tokens, [N, most], and which are any."""
        places = torch.arange(self.most, device=logits.device)
        allowed = places < self.options[top][:, None]
        last = len(self.productions.tokens) - 1
        own = logits.gather(1, (self.first[top][:, None] + places).clamp_max(last))
        return own.masked_fill(~allowed, -math.inf), allowed


@dataclass(frozen=True, eq=False)
class _InputTables:
    """[Z, 3·hidden], [V + 1, 3·hidden] and [D + 1, 3·hidden]; the latter None without feedback."""

    latent: Tensor
    token: Tensor | None
    decision: Tensor | None

    def seen(self, latent: Tensor | int, before: Tensor, top: Tensor):
        """What the input adds to the gates."""
        if self.token is None or self.decision is None:
            return latent
        return latent + self.token[before] + self.decision[top]


class Stacks:
    """LIFO stacks of decisions as one tensor; the twin of the grammar's StackMachine on a device.

    Args:
        generator: holds the grammar's tables on its device.
        count: N.
    """

    def __init__(self, generator: StructureGenerator, count: int) -> None:
        self._tables = generator
        self._end = generator.productions.decision_count
        start = generator.start
        width = len(start) + 2 * generator.pushes.shape[1] + 16
        self._stack = start.new_full((count, width), self._end)
        self._stack[:, : len(start)] = start
        self._depth = start.new_full((count,), len(start))
        self._offsets = torch.arange(generator.pushes.shape[1], device=start.device)

    def running(self) -> Tensor:
        """[N] bool: whose stack is not empty."""
        return self._depth > 0

    def top(self) -> Tensor:
        """[N] the decision on top, D for an empty stack."""
        found = self._stack.gather(1, (self._depth - 1).clamp_min(0)[:, None])[:, 0]
        return torch.where(self.running(), found, self._end)

    def take(self, tokens: Tensor, moving: Tensor) -> None:
        """Replace the top of each stack that moves by what follows from its token.

        The others must be empty.
        """
        depth = (self._depth - 1).clamp_min(0)
        pushes = self._tables.pushes[tokens]
        needed = int(self._depth.max()) + pushes.shape[1]
        if needed > self._stack.shape[1]:
            more = max(needed - self._stack.shape[1], self._stack.shape[1])
            self._stack = nn.functional.pad(self._stack, (0, more), value=self._end)
        # Padding lands above the new top, where the next push covers it. A stack that stays is an
        # empty one, and what lies in it is never read.
        self._stack.scatter_(1, depth[:, None] + self._offsets, pushes)
        self._depth = torch.where(moving, depth + self._tables.push_counts[tokens], self._depth)

    def keep(self, chosen: Tensor) -> None:
        """Only the chosen rows, [N] bool."""
        self._stack, self._depth = self._stack[chosen], self._depth[chosen]


def _chosen(logits: Tensor, uniform: Tensor, options: Tensor) -> Tensor:
    """[N]: for each row of logits the place at which the summed probability passes a number in
    [0, 1); always below the row's number of options, or 0 where it has none."""
    sums = torch.softmax(logits, 1).cumsum(1)
    drawn = (uniform[:, None] >= sums).sum(1)
    return torch.minimum(drawn, options - 1).clamp_min(0)
