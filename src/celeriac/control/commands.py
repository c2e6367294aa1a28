"""Commands that tell: each a function of the state and the command's arguments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from celeriac.control.describing import plain, queue_info, request_info, task_line
from celeriac.control.object_graph import draw_references
from celeriac.control.panel import inspect_command, truth
from celeriac.control.state import ControlState, Running
from celeriac.lib.rusage import peak_memory, resource_usage
from celeriac.lib.urls import censor, parse

REGISTERED_ITEMS = ("exchange", "routing_key", "rate_limit")
"""What ``registered`` tells of a task when it is asked for nothing else."""

_SAMPLES = 100
_AMQP = ("amqp", "amqps", "pyamqp")
_samples: list[str] = []


@inspect_command(default_timeout=0.2)
def ping(state: ControlState, **_: Any) -> dict[str, str]:
    """Ask workers whether they are there."""
    return {"ok": "pong"}


@inspect_command(alias="dump_active")
def active(state: ControlState, **_: Any) -> list[dict[str, Any]]:
    """List the tasks that run."""
    return [_running_info(state, running) for running in state.worker.running()]


@inspect_command(alias="dump_reserved")
def reserved(state: ControlState, **_: Any) -> list[dict[str, Any]]:
    """List what workers hold and have not begun."""
    return [request_info(job.delivery, state.hostname, acknowledged=job.acked) for job in state.worker.reserved()]


@inspect_command(alias="dump_schedule")
def scheduled(state: ControlState, **_: Any) -> list[dict[str, Any]]:
    """List what is delayed in the queues of workers."""
    return [
        {"eta": _iso(each.due), "priority": 6, "request": request_info(each.delivery, state.hostname)} for each in state.worker.waiting()
    ]  # fmt: skip


@inspect_command(alias="dump_tasks", variadic="taskinfoitems", signature="[attr1 [attr2 [... [attrN]]]]")
def registered(state: ControlState, taskinfoitems: Iterable[str] | None = None, builtins: bool = False, **_: Any) -> list[str]:
    """List the tasks that workers know, with the named attributes."""
    items = list(taskinfoitems or REGISTERED_ITEMS)
    tasks = state.app.tasks
    return [task_line(tasks[name], items) for name in sorted(tasks) if builtins or not name.startswith("celery.")]


@inspect_command(alias="dump_revoked")
def revoked(state: ControlState, **_: Any) -> list[str]:
    """List the ids of revoked tasks."""
    return list(state.worker.revoked())


@inspect_command(variadic="ids", signature="[id1 [id2 [... [idN]]]]")
def query_task(state: ControlState, ids: str | Iterable[str] = (), **_: Any) -> dict[str, list[Any]]:
    """Look for tasks by their ids."""
    wanted = {ids} if isinstance(ids, str) else set(ids)
    found: dict[str, list[Any]] = {}
    for each in state.worker.waiting():
        found[each.delivery.envelope.headers.get("id", "")] = ["scheduled", request_info(each.delivery, state.hostname)]
    for job in state.worker.reserved():
        found[job.delivery.envelope.headers.get("id", "")] = ["reserved", request_info(job.delivery, state.hostname, acknowledged=job.acked)]
    for running in state.worker.running():
        found[running.job.delivery.envelope.headers.get("id", "")] = ["active", _running_info(state, running)]
    return {task_id: what for task_id, what in found.items() if task_id in wanted}


@inspect_command
def active_queues(state: ControlState, **_: Any) -> list[dict[str, Any]]:
    """List the queues that workers consume."""
    return [queue_info(queue) for queue in state.worker.queues()]


@inspect_command
def stats(state: ControlState, **_: Any) -> dict[str, Any]:
    """Tell numbers: tasks, pool, broker, resources."""
    worker = state.worker
    answer: dict[str, Any] = {
        "total": dict(worker.counts()),
        "pid": worker.pid,
        "clock": str(state.logical.value),
        "uptime": int(worker.clock.monotonic() - worker.began),
        "pool": worker.pool(),
        "broker": _broker_info(state.app),
        "prefetch_count": worker.prefetched(),
        "rusage": resource_usage(),
    }
    autoscaler = worker.autoscaler()
    return answer if autoscaler is None else {**answer, "autoscaler": autoscaler}


@inspect_command(alias="dump_conf", args=[("with_defaults", truth)], signature="[include_defaults=False]")
def conf(state: ControlState, with_defaults: bool = False, **_: Any) -> dict[str, Any]:
    """List the settings, without passwords."""
    found: dict[str, Any] = plain(state.app.conf.table(with_defaults=with_defaults, censored=True))
    return found


@inspect_command
def clock(state: ControlState, **_: Any) -> dict[str, int]:
    """Tell the logical clock."""
    return {"clock": state.logical.value}


@inspect_command
def report(state: ControlState, **_: Any) -> dict[str, str]:
    """Tell versions and settings, for bug reports."""
    return {"ok": state.app.bugreport()}


@inspect_command(visible=False)
def hello(state: ControlState, from_node: str = "", revoked: Any = None, **_: Any) -> dict[str, Any] | None:
    """Exchange revoked ids and logical clocks with a node that starts."""
    if from_node == state.hostname:
        return None
    if revoked:
        state.worker.revoke([str(each) for each in revoked])
    return {"revoked": list(state.worker.revoked()), "clock": state.logical.forward()}


@inspect_command
def memsample(state: ControlState, **_: Any) -> str:
    """Take a sample of the memory in use."""
    sample = f"{peak_memory() / 1024:.2f}MB"
    _samples.append(sample)
    del _samples[:-_SAMPLES]
    return sample


@inspect_command(args=[("samples", int)], signature="[n_samples=10]")
def memdump(state: ControlState, samples: int = 10, **_: Any) -> list[str]:
    """Tell the samples of memory that were taken."""
    return _samples[-samples:]


@inspect_command(
    default_timeout=60.0, args=[("type", str), ("num", int), ("max_depth", int)], signature="[object_type=Request] [num=200 [max_depth=10]]"
)
def objgraph(state: ControlState, num: int = 200, max_depth: int = 10, type: str = "Request", **_: Any) -> dict[str, str]:
    """Draw what refers to Python objects of a type (needs the library objgraph), into a file on the worker's machine."""
    return {"filename": draw_references(type, int(num), int(max_depth))}


def _running_info(state: ControlState, running: Running) -> dict[str, Any]:
    job = running.job
    return request_info(job.delivery, state.hostname, acknowledged=job.acked, started=running.started, pid=running.pid)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def _broker_info(app: Any) -> dict[str, Any]:
    url = parse(app.broker_url)
    conf = app.conf
    return {
        "hostname": url.host or censor(app.broker_url),
        "userid": url.user,
        "virtual_host": url.path.removeprefix("/") or "/",
        "port": url.port,
        "insist": False,
        "ssl": bool(conf.broker_use_ssl),
        "transport": url.scheme,
        "connect_timeout": conf.broker_connection_timeout,
        "transport_options": plain(conf.broker_transport_options or {}),
        "login_method": conf.broker_login_method or ("PLAIN" if url.scheme in _AMQP else None),
        "uri_prefix": None,
        "heartbeat": conf.broker_heartbeat,
        "failover_strategy": plain(conf.broker_failover_strategy or "round-robin"),
        "alternates": [],
        "credential_provider": None,
    }
