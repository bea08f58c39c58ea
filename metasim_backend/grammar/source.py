"""YAML files as data that remembers where every value stands; ``extends`` between files."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import yaml

from blender_addon.contract.text_files import TextFileError, read_text, shown
from metasim_backend.grammar.language import GrammarError
from metasim_backend.shipped_files.grammars import grammar_file, nearest_grammar

MAX_VALUES = 100_000
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]*")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True, eq=False)
class Located:
    """A value with its place.

    Attributes:
        value: a dict (keys are names or whole numbers) or list of Located, or a scalar.
        source: name of the file.
        line: line of the value's key, from 1; None when the data did not come from a file.
        key: the path of keys, such as ``classes.car.attributes.yaw.prior``; rules by name.
    """

    value: Any
    source: str
    line: int | None = None
    key: str = ""

    @property
    def place(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        return f"{self.source}{line}{self.key and f', {self.key}'}"

    def fail(self, sentence: str) -> NoReturn:
        """Raise GrammarError: the place, then the sentence."""
        raise GrammarError(f"{self.place}: {sentence}")

    def mapping(
        self, known: Iterable[str] | None = None, required: Iterable[str] = ()
    ) -> dict[Any, Located]:
        """The value as a mapping, with no unknown and no missing key."""
        if not isinstance(self.value, dict):
            self.fail(f"{_shown(self.value)} is not a mapping of keys to values.")
        if known is not None:
            names = list(known)
            for name, item in self.value.items():
                if name not in names:
                    item.fail(f"unknown key {name!r}{suggestion(name, names)}.")
        for name in required:
            if name not in self.value:
                self.fail(f"the key {name!r} is missing.")
        return self.value

    def sequence(self, length: int | None = None) -> list[Located]:
        """The value as a list, of this length if one is given."""
        if not isinstance(self.value, list):
            self.fail(f"{_shown(self.value)} is not a list.")
        if length is not None and len(self.value) != length:
            self.fail(f"a list of {length} was expected, not of {len(self.value)}.")
        return self.value

    def name(self) -> str:
        """The value as a name: a letter, then letters, digits, ``_`` and ``-``."""
        if isinstance(self.value, bool):
            self.fail(f"{self.value!r} is not a name; put a bare yes, no, on or off in quotes.")
        if not isinstance(self.value, str) or not _NAME.fullmatch(self.value):
            self.fail(f"{_shown(self.value)} is not a name: a letter, then letters, digits or _.")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str):
            self.fail(f"{_shown(self.value)} is not text.")
        return self.value

    def number(self) -> float:
        """The value as a finite number; YAML 1.2's ``1e-3`` counts as one."""
        value = self.value
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(f"{_shown(value)} is not a number.")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.fail(f"{number!r} is not a finite number.")
        return number

    def whole(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.fail(f"{_shown(self.value)} is not a whole number.")
        return self.value

    def truth(self) -> bool:
        if not isinstance(self.value, bool):
            self.fail(f"{_shown(self.value)} is neither true nor false.")
        return self.value

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: item.plain() for name, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


def suggestion(name: object, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` or a list of what is known, to end a sentence with."""
    names = [str(item) for item in known]
    close = difflib.get_close_matches(str(name), names, n=1)
    if close:
        return f" (did you mean {close[0]!r}?)"
    return f" (known: {', '.join(names)})" if names else ""


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else shown(value)


def read_file(path: str | os.PathLike, seen: tuple[Path, ...] = ()) -> Located:
    """Read a YAML file and, below it, the file that it extends.

    Both may be named as shipped grammars are; a file beside the one that extends it comes first.

    Raises:
        GrammarError: when a file is missing, is not YAML, repeats a key or extends itself.
    """
    path = grammar_file(path)
    source = str(path)
    try:
        text = read_text(path)
    except TextFileError as error:
        if not path.exists():
            raise GrammarError(
                f"There is no grammar {source!r}; give a file that is there, or a name that "
                f"metasim grammars lists, such as {nearest_grammar(path.stem)!r}."
            ) from None
        raise GrammarError(f"The grammar {error}") from None
    tree = parse(text, source)
    base = tree.mapping().pop("extends", None)
    if base is None:
        return tree
    beside = path.parent / base.text()
    try:
        below = beside if beside.is_file() else grammar_file(base.text())
        itself, there = below.resolve() in (*seen, path.resolve()), below.is_file()
    except (OSError, ValueError):  # a name that no file can have
        below, itself, there = beside, False, False
    if itself:
        base.fail(f"{base.value!r} leads back to this file; a grammar cannot extend itself.")
    if not there:
        # The file's own folder stands before this sentence; a long path would be cut at its end.
        missing = shown(base.text())
        base.fail(
            f"beside it there is no file {missing} to extend, nor a shipped grammar so named."
        )
    return merge(read_file(below, (*seen, path.resolve())), tree)


def parse(text: str, source: str) -> Located:
    """Parse YAML text, keeping line numbers.

    Raises:
        GrammarError: when it is not one YAML document of plain data, or repeats a key.
    """
    try:
        loader = yaml.SafeLoader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                raise GrammarError(f"{source}: the file is empty.")
            return _Converter(loader, source).convert(root, "", root.start_mark.line + 1)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise GrammarError(f"{source}{line}: not valid YAML, {error.problem}.") from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise GrammarError(f"{source}: not valid YAML, {reason}.") from None
    except RecursionError:
        raise GrammarError(f"{source}: nested too deeply.") from None


class _Converter:
    """Turns PyYAML's nodes into Located values; counts them, since aliases can multiply."""

    def __init__(self, loader: yaml.SafeLoader, source: str) -> None:
        self._loader = loader
        self._source = source
        self._count = 0

    def convert(self, node: yaml.Node, key: str, line: int) -> Located:
        here = Located(None, self._source, line, key)
        self._count += 1
        if self._count > MAX_VALUES:
            here.fail(f"the file has more than {MAX_VALUES} values.")
        plain = node.tag.startswith("tag:yaml.org,2002:")
        if isinstance(node, yaml.ScalarNode) and plain:
            try:
                value = self._loader.construct_object(node)
            except ValueError as error:  # such as a date on the 31st of February
                here.fail(f"{node.value!r} cannot be read: {error}.")
            return replace(here, value=value)
        if isinstance(node, yaml.SequenceNode) and node.tag.endswith(":seq"):
            items = []
            for i, child in enumerate(node.value):
                child_key = f"{key}.{_name_of(child) or i}"
                items.append(self.convert(child, child_key, child.start_mark.line + 1))
            return replace(here, value=items)
        if isinstance(node, yaml.MappingNode) and node.tag.endswith(":map"):
            return replace(here, value=self._mapping(node, key))
        here.fail(f"the tag {node.tag!r} is not plain data.")

    def _mapping(self, node: yaml.MappingNode, key: str) -> dict[str | int, Located]:
        own: dict[str | int, Located] = {}
        below: dict[str | int, Located] = {}
        for key_node, child in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == "tag:yaml.org,2002:merge":
                for name, item in self._merged(child, key, line).items():
                    below.setdefault(name, item)
                continue
            found = self.convert(key_node, key, line)
            name = found.value
            if isinstance(name, bool) or not isinstance(name, str | int):
                found.fail(f"{_shown(name)} cannot be a key; put it in quotes.")
            if name in own:
                found.fail(f"the key {name!r} occurs twice, first in line {own[name].line}.")
            own[name] = self.convert(child, f"{key}.{name}" if key else str(name), line)
        return {**below, **own}

    def _merged(self, child: yaml.Node, key: str, line: int) -> dict[str | int, Located]:
        """What ``<<:`` brings in: one mapping, or several of which the first wins."""
        nodes = child.value if isinstance(child, yaml.SequenceNode) else [child]
        found: dict[str | int, Located] = {}
        for node in nodes:
            if not isinstance(node, yaml.MappingNode):
                Located(None, self._source, line, key).fail("'<<' takes a mapping.")
            for name, item in self._mapping(node, key).items():
                found.setdefault(name, item)
        return found


def _name_of(node: yaml.Node) -> str | None:
    """The value of a mapping's ``name``: rules are called by it in messages."""
    if isinstance(node, yaml.MappingNode):
        for key_node, child in node.value:
            if key_node.value == "name" and isinstance(child, yaml.ScalarNode):
                return child.value
    return None


def locate(data: object, source: str, key: str = "") -> Located:
    """Plain data (from JSON, or made by a program) as a Located value without lines."""
    value: Any = data
    if isinstance(data, dict):
        for name in data:
            if isinstance(name, bool) or not isinstance(name, str | int):
                Located(None, source, None, key).fail(f"{name!r} cannot be a key.")
        value = {
            name: locate(item, source, f"{key}.{name}" if key else str(name))
            for name, item in data.items()
        }
    elif isinstance(data, list | tuple):
        value = []
        for i, item in enumerate(data):
            name = item.get("name") if isinstance(item, dict) else None
            value.append(locate(item, source, f"{key}.{name or i}"))
    return Located(value, source, None, key)


def merge(base: Located, over: Located) -> Located:
    """Lay one tree over another.

    Mappings are merged key by key and ``rules`` rule by rule (by name, new ones at the end).
    Everything else is replaced whole: lists, counts, each value below ``set``, and priors, except
    that ``cases`` for the same ``given`` are merged case by case.
    """
    last = over.key.rsplit(".", 1)[-1]
    if over.key == "rules" and isinstance(base.value, list) and isinstance(over.value, list):
        return replace(over, value=_merge_rules(base.value, over.value))
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    if last == "prior" and over.key.count(".") == 4:
        return _merge_prior(base, over)
    dots = over.key.count(".")
    whole = (last == "set" and dots == 2) or (last == "cases" and dots == 5)
    merged = dict(base.value)
    for name, item in over.value.items():
        merged[name] = item if whole or name not in merged else merge(merged[name], item)
    return replace(over, value=merged)


def _merge_prior(base: Located, over: Located) -> Located:
    given = [part.value.get("given") for part in (base, over)]
    same = given[0] and (given[1] is None or given[0].value == given[1].value)
    if not same or not {"cases"} <= base.value.keys() & over.value.keys():
        return over
    cases = merge(base.value["cases"], over.value["cases"])
    return replace(over, value={**base.value, **over.value, "cases": cases})


def _merge_rules(base: list[Located], over: list[Located]) -> list[Located]:
    def name_of(rule: Located) -> str:
        return rule.mapping(required=("name",))["name"].name()

    merged = list(base)
    seen = set()
    for rule in over:
        name = name_of(rule)
        if name in seen:
            rule.fail(f"the rule {name!r} occurs twice.")
        seen.add(name)
        places = [i for i, old in enumerate(base) if name_of(old) == name]
        if places:
            merged[places[0]] = merge(base[places[0]], rule)
        else:
            merged.append(rule)
    return merged
