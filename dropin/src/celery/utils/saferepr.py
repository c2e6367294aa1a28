"""Bounded representations."""

from __future__ import annotations

from celeriac.lib.saferepr import saferepr

__all__ = ["saferepr"]
