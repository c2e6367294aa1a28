"""Importing by name."""

from __future__ import annotations

from celeriac.lib.importing import symbol_by_name

__all__ = ["symbol_by_name"]
