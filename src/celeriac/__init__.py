"""celeriac: a distributed task queue."""

from celeriac.lib import early as _early  # noqa: F401, I001 (patches for gevent and eventlet have to come before any other import)
from celeriac.app import Celeriac, Task, app_or_default, current_app, current_task, shared_task
from celeriac.canvas import (
    Signature,
    StampingVisitor,
    chain,
    chord,
    chunks,
    group,
    maybe_signature,
    signature,
    subtask,
    xmap,
    xstarmap,
)
from celeriac.lib.ids import uuid
from celeriac.model.topology import Binding, Broadcast, Exchange, Queue, worker_direct
from celeriac.results import AsyncResult, EagerResult, GroupResult, ResultSet, allow_join_result

__version__ = "0.1.0"

__all__ = [
    "AsyncResult",
    "Binding",
    "Broadcast",
    "Celeriac",
    "EagerResult",
    "Exchange",
    "GroupResult",
    "Queue",
    "ResultSet",
    "Signature",
    "StampingVisitor",
    "Task",
    "__version__",
    "allow_join_result",
    "app_or_default",
    "chain",
    "chord",
    "chunks",
    "current_app",
    "current_task",
    "group",
    "maybe_signature",
    "shared_task",
    "signature",
    "subtask",
    "uuid",
    "worker_direct",
    "xmap",
    "xstarmap",
]
