"""Remote control, both ends: what a client asks (``Control``, ``Inspect``), and the commands with which a worker answers."""

from __future__ import annotations

from celeriac.control import commands, commands_pool, commands_tasks
from celeriac.control.client import Control
from celeriac.control.inspection import Inspect
from celeriac.control.panel import Panel, control_command, inspect_command

COMMANDS = (commands, commands_pool, commands_tasks)
"""The modules whose import makes the commands known."""

__all__ = ["COMMANDS", "Control", "Inspect", "Panel", "control_command", "inspect_command"]
