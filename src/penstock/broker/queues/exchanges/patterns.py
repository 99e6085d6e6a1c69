"""A topic exchange's patterns as a tree of words: `*` is one word, `#` any number.

Finding what fits walks all states at once, as an automaton does, so that no pattern costs more than its words.
"""

from collections.abc import Iterator, Mapping

from penstock.broker.queues.exchanges.matching import Rule
from penstock.content import Field


class _Node:
    __slots__ = ("after", "ending", "loops")

    def __init__(self, loops: bool) -> None:
        self.loops = loops  # it stands behind a `#`, which takes any further word
        self.after: dict[str, _Node] = {}
        self.ending: dict[Rule, None] = {}


class Patterns:
    """Bindings whose keys are patterns."""

    by_headers = False

    def __init__(self) -> None:
        self._root = _Node(False)

    def add(self, rule: Rule) -> None:
        """Make the nodes that are missing."""
        node = self._root
        for word in words_of(rule.key):
            node = node.after.setdefault(word, _Node(word == "#"))
        node.ending[rule] = None

    def remove(self, rule: Rule) -> None:
        """And the nodes that only it needed."""
        words, way = words_of(rule.key), [self._root]
        for word in words:
            way.append(way[-1].after[word])
        del way[-1].ending[rule]
        for word in reversed(words):
            node = way.pop()
            if node.ending or node.after:
                return
            del way[-1].after[word]

    def match(self, key: str, headers: Mapping[str, Field]) -> Iterator[Rule]:
        """Those whose pattern the key fits."""
        states = _reached({self._root: None})
        for word in words_of(key):
            after: dict[_Node, None] = {}
            for node in states:
                if node.loops:
                    after[node] = None
                for taken in (word, "*"):
                    if taken in node.after and word != "#":
                        after[node.after[taken]] = None
                if word == "#" and "*" in node.after:
                    after[node.after["*"]] = None
            states = _reached(after)
        for node in states:
            yield from node.ending


def words_of(key: str) -> list[str]:
    """An empty key has no words."""
    return key.split(".") if key else []


def _reached(states: dict[_Node, None]) -> dict[_Node, None]:
    """With those that a `#` reaches without taking a word."""
    found = dict(states)
    for node in states:
        while (next_node := node.after.get("#")) is not None:
            found[next_node] = None
            node = next_node  # noqa: PLW2901
    return found
