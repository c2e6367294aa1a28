"""Workflows as pictures: text for Mermaid and for Graphviz."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class _Drawing:
    def __init__(self) -> None:
        self.nodes: list[tuple[str, str]] = []
        self.edges: list[tuple[str, str, str]] = []

    def node(self, label: str) -> str:
        """Add a node; return its name."""
        name = f"n{len(self.nodes)}"
        self.nodes.append((name, label))
        return name

    def link(self, sources: list[str], targets: list[str], label: str = "") -> None:
        """Draw arrows from each source to each target."""
        self.edges.extend((source, target, label) for source in sources for target in targets)


def draw(signature: Any, style: str) -> str:
    """Return a graph of the workflow in a language: ``mermaid`` or ``dot``."""
    if style not in ("mermaid", "dot"):
        raise ValueError(f"A workflow can be drawn in the styles 'mermaid' and 'dot', not {style!r}")
    drawing = _Drawing()
    _enter(drawing, signature)
    return _mermaid(drawing) if style == "mermaid" else _dot(drawing)


def _enter(drawing: _Drawing, sig: Any) -> tuple[list[str], list[str]]:
    """Draw a signature; return its first and its last nodes."""
    kind = sig.get("subtask_type")
    if kind == "chain":
        first, last = _row(drawing, sig.tasks)
    elif kind == "group":
        first, last = _side_by_side(drawing, sig.tasks)
    elif kind == "chord":
        first, ends = _side_by_side(drawing, sig.tasks)
        if sig.body is None:
            return first, ends
        begin, last = _enter(drawing, sig.body)
        drawing.link(ends, begin)
        first = first or begin
    else:
        first = last = [drawing.node(_label(sig))]
    for option, label in (("link", ""), ("link_error", "error")):
        for callback in sig.options.get(option) or ():
            begin, _ = _enter(drawing, callback) if hasattr(callback, "options") else ([drawing.node(str(callback.get("task")))], [])
            drawing.link(last, begin, label)
    return first, last


def _row(drawing: _Drawing, steps: Any) -> tuple[list[str], list[str]]:
    first: list[str] = []
    last: list[str] = []
    for step in steps:
        begin, end = _enter(drawing, step)
        drawing.link(last, begin)
        first, last = first or begin, end
    return first, last


def _side_by_side(drawing: _Drawing, members: Any) -> tuple[list[str], list[str]]:
    ways = [_enter(drawing, member) for member in members]
    return [name for first, _ in ways for name in first], [name for _, last in ways for name in last]


def _label(sig: Mapping[str, Any]) -> str:
    return repr(sig) if hasattr(sig, "reprcall") else str(sig.get("task"))


def _mermaid(drawing: _Drawing) -> str:
    lines = ["flowchart TD"]
    lines += [f'  {name}["{_quoted(label, "#quot;")}"]' for name, label in drawing.nodes]
    lines += [f"  {source} -.->|{label}| {target}" if label else f"  {source} --> {target}" for source, target, label in drawing.edges]
    return "\n".join(lines) + "\n"


def _dot(drawing: _Drawing) -> str:
    lines = ["digraph workflow {"]
    lines += [f'  {name} [label="{_quoted(label, chr(92) + chr(34))}"];' for name, label in drawing.nodes]
    lines += [f"  {source} -> {target}" + (f' [style=dashed, label="{label}"];' if label else ";") for source, target, label in drawing.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str, quote: str) -> str:
    return text.replace("\\", "\\\\").replace('"', quote).replace("\n", " ")
