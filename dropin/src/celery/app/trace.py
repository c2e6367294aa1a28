"""What packages replace to be around a whole attempt: ``build_tracer``. The worker asks for it here once this module has been imported."""

from __future__ import annotations

import sys
from typing import Any

from billiard.pool import Worker

from celeriac import signals
from celeriac.engine import tracing
from celeriac.engine.tracing import build_tracer, task_has_custom
from celery._remedies import refusals

__all__ = ["build_tracer", "task_has_custom"]

_loop_of_pools = Worker.workloop


def _workloop(worker: Any, *args: Any, **kwargs: Any) -> Any:
    """Loop, if the process is one of billiard's pools; ours has ended its loop when it comes here."""
    return None if worker is None else _loop_of_pools(worker, *args, **kwargs)


def _tell_the_end(**_: Any) -> None:
    """Packages that have to do something before a task process ends wrap the loop of billiard's processes: let them."""
    if Worker.workloop is not _workloop:
        Worker.workloop(None)


Worker.workloop = _workloop
signals.worker_process_shutdown.connect(_tell_the_end, weak=False)
tracing.offer(sys.modules[__name__])

__getattr__ = refusals(__name__)
