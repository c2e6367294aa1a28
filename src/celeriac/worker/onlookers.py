"""The seam by which packages are told when a task process begins and ends: they replace two functions of Celery's prefork pool.

Nothing here runs until a module has offered the names to be replaced (``offer``): the drop-in's ``celery.concurrency.prefork`` does.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from celeriac import signals


def process_initializer(app: Any = None, hostname: str | None = None) -> None:
    """Called at the beginning of each task process: nothing is left to be done."""


def process_destructor(pid: int | None = None, exitcode: int | None = None) -> None:
    """Called at the end of each task process: nothing is left to be done."""


def offer(module: ModuleType) -> None:
    """Let the functions of a module be what is called from now on."""

    def begun(sender: Any = None, **_: Any) -> None:
        module.process_initializer(None, sender)

    def ended(pid: int | None = None, exitcode: int | None = None, **_: Any) -> None:
        module.process_destructor(pid, exitcode)

    signals.worker_process_init.connect(begun, weak=False)
    signals.worker_process_shutdown.connect(ended, weak=False)
