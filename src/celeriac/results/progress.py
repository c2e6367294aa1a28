"""How far a workflow has come, from the states of its tasks; and the workflow as a tree of lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from celeriac.model import states


class Progress(NamedTuple):
    """Counts of the tasks of a workflow that are known so far."""

    done: int
    """Tasks that have ended, one way or the other."""
    failed: int
    """Those of them that failed or were revoked."""
    total: int

    @property
    def fraction(self) -> float:
        """The part that is done, from 0 to 1."""
        return self.done / self.total if self.total else 1.0


def progress(root: Any) -> Progress:
    """Return how far a result has come, with the results before it and below it; all states are read in one request."""
    nodes = {node.id: node for node in _tasks(root)}
    found = _states(nodes)
    done = sum(state in states.READY_STATES for state in found.values())
    failed = sum(state in states.PROPAGATE_STATES for state in found.values())
    return Progress(done, failed, len(nodes))


def tree(root: Any) -> list[str]:
    """Return the results before a result, it and those below as lines: state, id, and what it came to."""
    found = _states({node.id: node for node in _tasks(root)})
    line = list(_ancestors(root))[::-1]
    lines: list[str] = []
    for node in line:
        _write(lines, node, "", found)
    return lines


def _write(lines: list[str], node: Any, indent: str, found: dict[str, str]) -> None:
    members = getattr(node, "results", None)
    if members is None:
        lines.append(f"{indent}{found.get(node.id, states.PENDING):<8} {node.id}{_about(node)}")
        return
    done = sum(found.get(leaf.id) in states.READY_STATES for member in members for leaf in _tasks(member))
    total = sum(1 for member in members for _ in _tasks(member))
    lines.append(f"{indent}group {node.id} ({done}/{total})")
    for member in members:
        for above in list(_ancestors(member))[::-1]:
            _write(lines, above, indent + "  ", found)


def _about(node: Any) -> str:
    cache = getattr(node, "_cache", None)
    if cache is None or cache.state not in states.READY_STATES:
        return ""
    name = cache.extended.get("name")
    text = repr(cache.result)
    return f"{' ' + name if name else ''}  {text if len(text) <= 60 else text[:57] + '...'}"


def _ancestors(node: Any) -> Iterator[Any]:
    while node is not None:
        yield node
        node = node.parent


def _tasks(root: Any) -> Iterator[Any]:
    """Yield the results of tasks: those before a result, and those of groups."""
    for node in _ancestors(root):
        members = getattr(node, "results", None)
        if members is None:
            yield node
        else:
            for member in members:
                yield from _tasks(member)


def _states(nodes: dict[str, Any]) -> dict[str, str]:
    known = {id: node._cache.state for id, node in nodes.items() if node._cache is not None}
    missing = [id for id in nodes if id not in known]
    if missing:
        node = nodes[missing[0]]
        for id, record in node.backend.load(missing).items():
            known[id] = record.state
            if record.state in states.READY_STATES:
                nodes[id]._remember(nodes[id]._client.decode_result(record))
    return known
