"""Result trees: as plain tuples, which cross the wire and are what groups are saved as, and built again from them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from celeriac.model.errors import IncompleteStream
from celeriac.model.plan import ResultNode
from celeriac.results.graph import DependencyGraph, graph_of
from celeriac.results.progress import Progress, progress, tree


class ResultBase:
    """Base of all results."""

    parent: Any = None

    def as_tuple(self) -> Any:
        """Return its ids, by which it is found again: what crosses the wire in its place."""
        raise TypeError(f"A {type(self).__name__} has no id of its own; use a GroupResult")

    def progress(self) -> Progress:
        """Return how many tasks of the workflow have ended, how many of them failed, and how many there are; nested ones counted."""
        return progress(self)

    def tree(self) -> list[str]:
        """Return the workflow as lines of text, the first tasks first, with their states."""
        return tree(self)

    @property
    def graph(self) -> DependencyGraph[Any]:
        """The graph of this result and everything below it."""
        return self.build_graph()

    def build_graph(self, intermediate: bool = False, formatter: Any = None) -> DependencyGraph[Any]:
        """Return the graph of this result and everything below it; raises IncompleteStream where one is not ready, unless ``intermediate``."""
        return graph_of(walk(self, intermediate))


builders: dict[str, Callable[..., Any]] = {}
"""The classes of a task's and a group's result, entered by their modules: a result may hold groups and a group results."""


def node_tuple(node: ResultNode) -> tuple[Any, Any]:
    """Return Celery's tuple of a result tree: ``((id, parent), children)``."""
    parent = None if node.parent is None else node_tuple(node.parent)
    children = None if node.children is None else [node_tuple(child) for child in node.children]
    return (node.id, parent), children


def split_tuple(value: Any) -> tuple[str, Any, Any]:
    """Return (id, parent, children) of a result tuple, a bare id or a node; raise ValueError for anything else."""
    if isinstance(value, str):
        return value, None, None
    if isinstance(value, ResultNode):
        return value.id, value.parent, value.children
    try:
        head, children = value
        id, parent = (head, None) if isinstance(head, str) else head
    except (TypeError, ValueError):
        raise ValueError(f"Not a result tuple: {value!r}; it has the form ((id, parent), children)") from None
    return id, parent, children


def result_from_tuple(value: Any, app: Any = None) -> Any:
    """Build the result (``AsyncResult`` or ``GroupResult``) of a result tuple or a ``ResultNode``."""
    if isinstance(value, ResultBase):
        return value
    id, parent, children = split_tuple(value)
    above = None if parent is None else result_from_tuple(parent, app)
    if children is None:
        return builders["task"](id, app=app, parent=above)
    return builders["group"](id, [result_from_tuple(child, app) for child in children], app=app, parent=above)


def walk(root: Any, intermediate: bool = False) -> Iterator[tuple[Any, Any]]:
    """Yield (parent, result) of a result and everything below it, breadth first.

    Raises IncompleteStream at a result that is not ready, unless ``intermediate``.
    """
    queue: deque[tuple[Any, Any]] = deque([(None, root)])
    while queue:
        parent, node = queue.popleft()
        yield parent, node
        if node.ready():
            queue.extend((node, child) for child in node.children or ())
        elif not intermediate:
            raise IncompleteStream(f"Result {node.id} is not ready; pass intermediate=True to see what there is already")
