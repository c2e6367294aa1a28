"""A debugger inside a task, over the network."""

from __future__ import annotations

from celeriac.contrib.rdb import DEFAULT_PORT, Rdb, debugger, set_trace
from celery._remedies import refusals

default_port = DEFAULT_PORT

__all__ = ["DEFAULT_PORT", "Rdb", "debugger", "default_port", "set_trace"]

__getattr__ = refusals(__name__)
