"""Commands of remote control that programs add."""

from __future__ import annotations

from celeriac.control import Panel, control_command, inspect_command
from celery._remedies import refusals

__all__ = ["Panel", "control_command", "inspect_command"]

__getattr__ = refusals(__name__)
