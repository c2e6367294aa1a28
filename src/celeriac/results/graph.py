"""The dependency graph of a result: who waited for whom; as text for Graphviz and Mermaid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class DependencyGraph(Generic[T]):
    """A directed graph without cycles: objects, and which others each depends on."""

    def __init__(self, it: Iterable[T] | None = None) -> None:
        self.adjacent: dict[T, list[T]] = {}
        for obj in it or ():
            self.add_arc(obj)

    def add_arc(self, obj: T) -> None:
        """Add an object."""
        self.adjacent.setdefault(obj, [])

    def add_edge(self, a: T, b: T) -> None:
        """Say that ``a`` depends on ``b``."""
        self.adjacent[a].append(b)

    def valency_of(self, obj: T) -> int:
        """Return how many objects an object depends on, itself, and those below it, included."""
        below = self.adjacent.get(obj)
        return 0 if below is None else len(below) + sum(self.valency_of(other) for other in below)

    def topsort(self) -> list[T]:
        """Return the objects, each behind those that it depends on."""
        found: dict[T, None] = {}
        for obj in self.adjacent:
            stack: list[tuple[T, bool]] = [(obj, False)]
            while stack:
                node, entered = stack.pop()
                if entered:
                    found.setdefault(node)
                elif node not in found:
                    stack.append((node, True))
                    stack.extend((below, False) for below in self.adjacent.get(node, ()))
        return list(found)

    def edges(self) -> Iterator[tuple[T, T]]:
        """Yield (object, what it depends on)."""
        for obj, below in self.adjacent.items():
            for other in below:
                yield obj, other

    def to_dot(self, fh: Any = None, label: Callable[[T], str] = str) -> str:
        """Return the graph in the language of Graphviz; also written to ``fh`` if given."""
        lines = ["digraph dependencies {", *(f'  "{label(obj)}";' for obj in self.adjacent)]
        lines += [f'  "{label(a)}" -> "{label(b)}";' for a, b in self.edges()]
        text = "\n".join([*lines, "}"]) + "\n"
        if fh is not None:
            fh.write(text)
        return text

    def to_mermaid(self, label: Callable[[T], str] = str) -> str:
        """Return the graph in the language of Mermaid."""
        names = {obj: f"n{number}" for number, obj in enumerate(self.adjacent)}
        lines = ["flowchart TD", *(f'  {name}["{label(obj)}"]' for obj, name in names.items())]
        lines += [f"  {names[a]} --> {names[b]}" for a, b in self.edges() if b in names]
        return "\n".join(lines) + "\n"

    def __iter__(self) -> Iterator[T]:
        return iter(self.adjacent)

    def __len__(self) -> int:
        return len(self.adjacent)

    def __contains__(self, obj: object) -> bool:
        return obj in self.adjacent

    def items(self) -> Any:
        """Return pairs of an object and what it depends on."""
        return self.adjacent.items()


def graph_of(pairs: Iterable[tuple[Any, Any]]) -> DependencyGraph[Any]:
    """Return the graph of pairs (parent or None, result)."""
    graph: DependencyGraph[Any] = DependencyGraph()
    for parent, node in pairs:
        graph.add_arc(node)
        if parent is not None:
            graph.add_edge(parent, node)
    return graph
