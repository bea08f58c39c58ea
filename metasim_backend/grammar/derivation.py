"""A grammar's choices as productions over one finite vocabulary of tokens.

Every real choice is a *decision*: which of a symbol's rules, or how many of a rule's item. Each of
its options is a *token*. Taking a token replaces the decision on top of a LIFO stack by those that
follow from it, so a derivation is a sequence of tokens, and which tokens are valid depends on the
top of the stack alone (Meta-Sim2, section 3.2). What leaves no choice has no token: a symbol with
one rule, an item with one count, options of probability 0.

Tokens say the same as the pairs of a rule and its counts in
:class:`metasim_backend.grammar.sampling.RuleChoice`, in an order in which each depends only on
earlier ones: an item's count, then all that its nodes contain, then the next item's count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from blender_addon.contract.scene_graph import MAX_NODES
from metasim_backend.grammar.conditions import CountBetween
from metasim_backend.grammar.language import Grammar, GrammarError
from metasim_backend.grammar.rules import Item, Rule
from metasim_backend.grammar.sampling import RuleChoice
from metasim_backend.grammar.stack_machine import PADDING, StackMachine

LONGEST = 2000  # tokens of a derivation of the prior, unless a caller says otherwise


@dataclass(frozen=True)
class Token:
    """One option of a decision.

    Attributes:
        name: such as ``"road = town_road"`` or ``"town_road: 2 car"``.
        decision: which decision it belongs to.
        rule: the rule that is taken, or whose item is counted.
        item: the item's number in the rule, or None where the rule itself is chosen.
        count: how many of the item; 1 where a rule is chosen.
        probability: under the grammar, of the decision's options.
        follows: the decisions that it puts on the stack, the one to be taken first first.
        nodes: how many nodes of each class it makes, in the grammar's order of classes.
    """

    name: str
    decision: int
    rule: str
    item: int | None
    count: int
    probability: float
    follows: tuple[int, ...]
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class _Consequence:
    """What follows from a symbol or count without a choice: decisions, and nodes by class."""

    follows: tuple[int, ...]
    nodes: tuple[int, ...]

    def __add__(self, other: _Consequence) -> _Consequence:
        return _Consequence(
            self.follows + other.follows,
            tuple(a + b for a, b in zip(self.nodes, other.nodes, strict=True)),
        )


_Key = tuple[str, int | None]  # (symbol, None): which rule; (rule, i): how many of its item i


class Productions:
    """The flat form of a grammar, with its tables for vectorised stack machines.

    V is the number of tokens, D of decisions, K of classes. Decision D stands for an empty stack.

    Args:
        grammar: a checked grammar.

    Attributes:
        tokens: the vocabulary, decision by decision, in the file's order.
        start: the decisions on the stack at the beginning, the first to be taken first.
        fixed_nodes: [K] int64, nodes by class that every scene has.
        valid: [D + 1, V] bool, the tokens of each decision; none of D.
        first, options: [D + 1] int64, each decision's first token and how many it has (they follow
            one another); none of D.
        log_prior: [V] float64, log-probability of each token among its decision's.
        pushes: [V, P] int64, decisions that a token puts on the stack, the last to be taken first;
            padded at the end with D.
        push_counts: [V] int64, how many of them are no padding.
        nodes: [V, K] int64, nodes by class that a token makes.

    Raises:
        GrammarError: when a choice makes more nodes than a scene may have.
    """

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self._rules = {rule.name: rule for rule in grammar.rules}
        self._class_index = {spec.name: k for k, spec in enumerate(grammar.classes)}
        self._alternatives = {
            symbol: tuple(rule for rule in rules if rule.probability > 0)
            for symbol, rules in grammar.rules_by_symbol.items()
        }
        self._counts = {
            (rule.name, i): tuple((n, p) for n, p in item.counts if p > 0)
            for rule in grammar.rules
            for i, item in enumerate(rule.items)
        }
        self._decisions: dict[_Key, int] = {}
        self._known: dict[str, _Consequence] = {}
        self._number_decisions()
        self.tokens = self._make_tokens()
        self._token_of = {(t.rule, t.item, t.count): v for v, t in enumerate(self.tokens)}
        root = self._nodes_of(Item(grammar.start, grammar.start))
        begin = _Consequence((), root) + self._after_symbol(grammar.start)
        self.start = begin.follows
        self.fixed_nodes = np.asarray(begin.nodes, dtype=np.int64)
        self._make_tables()

    @property
    def decision_count(self) -> int:
        """D."""
        return len(self._decisions)

    @cached_property
    def decision_names(self) -> tuple[str, ...]:
        """Such as ``"road"`` (which rule) or ``"town_road: car"`` (how many)."""
        names = []
        for name, i in self._decisions:
            item = None if i is None else self._rules[name].items[i]
            names.append(name if item is None else f"{name}: {item.class_name or item.symbol}")
        return tuple(names)

    # Making the tables ------------------------------------------------------------------------

    def _number_decisions(self) -> None:
        for symbol, rules in self._alternatives.items():
            if len(rules) > 1:
                self._decisions[symbol, None] = len(self._decisions)
            for rule in rules:
                for i in range(len(rule.items)):
                    if len(self._counts[rule.name, i]) > 1:
                        self._decisions[rule.name, i] = len(self._decisions)

    def _make_tokens(self) -> tuple[Token, ...]:
        tokens = []
        for (name, i), decision in self._decisions.items():
            if i is None:
                total = sum(rule.probability for rule in self._alternatives[name])
                for rule in self._alternatives[name]:
                    after = self._after_rule(rule)
                    share = rule.probability / total
                    label = f"{name} = {rule.name}"
                    tokens.append(
                        Token(
                            label, decision, rule.name, None, 1, share, after.follows, after.nodes
                        )
                    )
                continue
            item = self._rules[name].items[i]
            total = sum(p for _, p in self._counts[name, i])
            for count, probability in self._counts[name, i]:
                after = self._after_count(item, count)
                label = f"{name}: {count} {item.class_name or item.symbol}"
                tokens.append(
                    Token(
                        label,
                        decision,
                        name,
                        i,
                        count,
                        probability / total,
                        after.follows,
                        after.nodes,
                    )
                )
        return tuple(tokens)

    def _after_symbol(self, symbol: str) -> _Consequence:
        if symbol not in self._known:
            if symbol not in self._alternatives:
                self._known[symbol] = self._nothing
            elif (symbol, None) in self._decisions:
                self._known[symbol] = _Consequence((self._decisions[symbol, None],), self._no_nodes)
            else:
                self._known[symbol] = self._after_rule(self._alternatives[symbol][0])
        return self._known[symbol]

    def _after_rule(self, rule: Rule) -> _Consequence:
        found = self._nothing
        for i, item in enumerate(rule.items):
            decision = self._decisions.get((rule.name, i))
            if decision is not None:
                found = found + _Consequence((decision,), self._no_nodes)
            else:
                found = found + self._after_count(item, self._counts[rule.name, i][0][0])
        return found

    def _after_count(self, item: Item, count: int) -> _Consequence:
        if count == 0:
            return self._nothing
        one = _Consequence((), self._nodes_of(item)) + self._after_symbol(item.symbol)
        if count * max(sum(one.nodes), len(one.follows)) > MAX_NODES:
            raise GrammarError(
                f"{self.grammar.source}: {count} of {item.class_name or item.symbol!r} make more "
                f"than {MAX_NODES} nodes or choices, the most that a scene may have."
            )
        return _Consequence(one.follows * count, tuple(count * n for n in one.nodes))

    @cached_property
    def _no_nodes(self) -> tuple[int, ...]:
        return (0,) * len(self.grammar.classes)

    @cached_property
    def _nothing(self) -> _Consequence:
        return _Consequence((), self._no_nodes)

    def _nodes_of(self, item: Item) -> tuple[int, ...]:
        nodes = list(self._no_nodes)
        if item.class_name is not None:
            nodes[self._class_index[item.class_name]] += 1
        return tuple(nodes)

    def _make_tables(self) -> None:
        count, end = len(self.tokens), self.decision_count
        decision_of = np.array([t.decision for t in self.tokens], dtype=np.int64)
        self.valid = np.zeros((end + 1, count), dtype=bool)
        self.valid[decision_of, np.arange(count)] = True
        self.options = self.valid.sum(1)
        self.first = np.cumsum(self.options) - self.options
        self.log_prior = np.log([t.probability for t in self.tokens]) if count else np.zeros(0)
        widest = max([1, *(len(t.follows) for t in self.tokens)])
        self.pushes = np.full((count, widest), end, dtype=np.int64)
        for v, token in enumerate(self.tokens):
            self.pushes[v, : len(token.follows)] = token.follows[::-1]
        self.push_counts = np.array([len(t.follows) for t in self.tokens], dtype=np.int64)
        self.nodes = np.array([t.nodes for t in self.tokens], dtype=np.int64)
        self.nodes = self.nodes.reshape(count, len(self.grammar.classes))

    # Between tokens and choices ---------------------------------------------------------------

    def tokens_of(self, choices: Sequence[RuleChoice]) -> tuple[int, ...]:
        """The tokens of a derivation as :func:`~metasim_backend.grammar.expand` takes it.

        Raises:
            GrammarError: when the choices are no whole derivation of this grammar, or take an
                option of probability 0.
        """
        tokens: list[int] = []
        waiting = iter(choices)
        stack: list[str | tuple[Rule, int, int]] = [self.grammar.start]
        while stack:
            top = stack.pop()
            if isinstance(top, str):
                if top not in self._alternatives:
                    continue
                choice = next(waiting, None)
                if choice is None:
                    raise GrammarError(f"The derivation ends before {top!r} is expanded.")
                rule = self._rules.get(choice.rule)
                if rule is None or rule.symbol != top or rule.probability <= 0:
                    raise GrammarError(f"The rule {choice.rule!r} does not expand {top!r}.")
                if len(choice.counts) != len(rule.items):
                    raise GrammarError(
                        f"The rule {rule.name!r} has {len(rule.items)} items, and the derivation "
                        f"{len(choice.counts)} counts for them."
                    )
                if (top, None) in self._decisions:
                    tokens.append(self._token_of[rule.name, None, 1])
                stack.extend((rule, i, choice.counts[i]) for i in reversed(range(len(rule.items))))
                continue
            rule, i, count = top
            if count not in [n for n, _ in self._counts[rule.name, i]]:
                raise GrammarError(f"The rule {rule.name!r} cannot make {count} of its item {i}.")
            if (rule.name, i) in self._decisions:
                tokens.append(self._token_of[rule.name, i, count])
            stack.extend([rule.items[i].symbol] * count)
        rest = next(waiting, None)
        if rest is not None:
            raise GrammarError(f"The derivation goes on with {rest.rule!r} after its end.")
        return tuple(tokens)

    def choices_of(self, tokens: Sequence[int]) -> tuple[RuleChoice, ...]:
        """The inverse of :meth:`tokens_of`; padding at the end is left out.

        Raises:
            GrammarError: when the tokens are no whole derivation of this grammar.
        """
        waiting = iter([int(v) for v in tokens if v != PADDING])
        rules: list[Rule] = []
        counts: list[list[int]] = []
        stack: list[str | tuple[int, int]] = [self.grammar.start]

        def taken(key: _Key) -> Token:
            v = next(waiting, None)
            if v is None:
                raise GrammarError(f"The derivation ends before {key[0]!r} is decided.")
            if not (0 <= v < len(self.tokens) and self.tokens[v].decision == self._decisions[key]):
                raise GrammarError(f"The token {v} decides nothing about {key[0]!r}.")
            return self.tokens[v]

        while stack:
            top = stack.pop()
            if isinstance(top, str):
                if top not in self._alternatives:
                    continue
                rule = self._alternatives[top][0]
                if (top, None) in self._decisions:
                    rule = self._rules[taken((top, None)).rule]
                stack.extend((len(rules), i) for i in reversed(range(len(rule.items))))
                rules.append(rule)
                counts.append([])
                continue
            number, i = top
            rule = rules[number]
            if (rule.name, i) in self._decisions:
                count = taken((rule.name, i)).count
            else:
                count = self._counts[rule.name, i][0][0]
            counts[number].append(count)
            stack.extend([rule.items[i].symbol] * count)
        if next(waiting, None) is not None:
            raise GrammarError("The derivation goes on after its end.")
        return tuple(
            RuleChoice(rule.name, tuple(own)) for rule, own in zip(rules, counts, strict=True)
        )

    # Probabilities and samples ----------------------------------------------------------------

    def log_probability(self, choices: Sequence[RuleChoice]) -> float:
        """Exact log-probability of a derivation under the grammar; conditions are not looked at.

        Minus infinity where the grammar gives a choice the probability 0.

        Raises:
            GrammarError: when the choices are no whole derivation of this grammar.
        """
        for choice in choices:
            rule = self._rules.get(choice.rule)
            if rule is not None and (
                rule.probability <= 0
                or any(
                    count in [n for n, p in item.counts if p <= 0]
                    for item, count in zip(rule.items, choice.counts, strict=False)
                )
            ):
                return -math.inf
        return float(sum(self.log_prior[v] for v in self.tokens_of(choices)))

    def log_probabilities(self, tokens: np.ndarray) -> np.ndarray:
        """[N] log-probabilities under the grammar of [N, T] valid derivations, padded with -1."""
        if not self.tokens:
            return np.zeros(len(tokens))
        return np.where(tokens == PADDING, 0.0, self.log_prior[tokens]).sum(1)

    def class_counts(self, tokens: np.ndarray) -> np.ndarray:
        """[N, K] how many nodes of each class the derivations [N, T], padded with -1, make."""
        used = self.token_counts(tokens)
        return self.fixed_nodes + used @ self.nodes

    def token_counts(self, tokens: np.ndarray) -> np.ndarray:
        """[N, V] how often each token is taken in derivations [N, T], padded with -1."""
        count = len(self.tokens)
        rows = np.arange(len(tokens))[:, None] * (count + 1)
        flat = np.bincount(
            (rows + np.where(tokens == PADDING, count, tokens)).ravel(),
            minlength=len(tokens) * (count + 1),
        )
        return flat.reshape(len(tokens), count + 1)[:, :count]

    def meets_conditions(self, class_counts: np.ndarray) -> np.ndarray:
        """[N] bool: whether structures with these [N, K] counts meet the conditions on counts and
        are no larger than a scene may be."""
        met = class_counts.sum(1) <= MAX_NODES
        for condition in self.grammar.conditions:
            if isinstance(condition, CountBetween):
                met &= self.meets(condition, class_counts)
        return met

    def meets(self, condition: CountBetween, class_counts: np.ndarray) -> np.ndarray:
        """[N] bool: whether structures with these [N, K] counts meet one condition."""
        columns = [self._class_index[name] for name in condition.classes]
        total = class_counts[:, columns].sum(1)
        return (condition.least <= total) & (total <= condition.most)

    def sample(
        self, count: int, rng: np.random.Generator, longest: int = LONGEST
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw many derivations from the grammar at once; conditions are not looked at.

        Returns:
            tokens [count, T], padded with -1, and [count] bool: which ended within ``longest``.
        """
        machine = StackMachine(self, count)
        sums = np.cumsum(np.where(self.valid, np.exp(self.log_prior), 0.0), 1)
        last = np.array([np.flatnonzero(own)[-1] if own.any() else 0 for own in self.valid])
        taken: list[np.ndarray] = []
        while len(taken) < longest and machine.running.any():
            top = machine.top()
            drawn = (rng.random(count)[:, None] >= sums[top]).sum(1) if self.tokens else top
            # Rounding can leave a sum below 1.
            token = np.where(machine.running, np.minimum(drawn, last[top]), PADDING)
            machine.take(token)
            taken.append(token)
        tokens = np.stack(taken, 1) if taken else np.zeros((count, 0), dtype=np.int64)
        return tokens, ~machine.running

    def are_derivations(self, tokens: np.ndarray) -> np.ndarray:
        """[N] bool: which rows of [N, T] tokens, padded with -1, are whole derivations."""
        machine = StackMachine(self, len(tokens))
        right = np.ones(len(tokens), dtype=bool)
        for column in tokens.T:
            top = machine.top()
            known = (column >= 0) & (column < len(self.tokens))
            own = known & self.valid[top, np.where(known, column, 0)]
            right &= np.where(machine.running, own, column == PADDING)
            machine.take(np.where(own & right & machine.running, column, PADDING))
        return right & ~machine.running
