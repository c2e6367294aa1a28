"""Cameras."""

from __future__ import annotations

from celeriac.events.snapshot import Polaroid, evcam

__all__ = ["Polaroid", "evcam"]
