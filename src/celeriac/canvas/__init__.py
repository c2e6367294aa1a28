"""What the caller says: calls and workflows as values, and how they become messages."""

from __future__ import annotations

from celeriac.canvas.algebra import Signature, maybe_signature, signature, subtask
from celeriac.canvas.chain import chain
from celeriac.canvas.chord import chord
from celeriac.canvas.group import group
from celeriac.canvas.maps import chunks, xmap, xstarmap
from celeriac.canvas.parts import Part
from celeriac.canvas.stamping import StampingVisitor

__all__ = [
    "Part", "Signature", "StampingVisitor", "chain", "chord", "chunks", "group", "maybe_signature", "signature", "subtask", "xmap", "xstarmap",
]  # fmt: skip
