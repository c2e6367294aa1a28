"""The registry of tasks."""

from __future__ import annotations

from celeriac.app.registry import TaskRegistry

__all__ = ["TaskRegistry"]
