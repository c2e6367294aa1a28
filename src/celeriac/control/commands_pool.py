"""Commands that change the worker itself: queues, size, events, its end."""

from __future__ import annotations

import logging
from typing import Any

from celeriac.control.panel import control_command, truth
from celeriac.control.state import ControlState

logger = logging.getLogger("celeriac.worker.control")

_BY_RANGE = "{} is not supported with autoscale. Adjust autoscale range instead."


@control_command(
    args=[("queue", str), ("exchange", str), ("exchange_type", str), ("routing_key", str)], signature="<queue> [exchange [type [routing_key]]]"
)
def add_consumer(
    state: ControlState, queue: str, exchange: str | None = None, exchange_type: str | None = None, routing_key: str | None = None, **options: Any
) -> dict[str, str]:
    """Let workers consume one queue more."""
    given = {"exchange": exchange, "exchange_type": exchange_type if exchange else None, "routing_key": routing_key, **options}
    state.worker.add_queue(queue, **{name: value for name, value in given.items() if value is not None})
    return {"ok": f"add consumer {queue}"}


@control_command(args=[("queue", str)], signature="<queue>")
def cancel_consumer(state: ControlState, queue: str, **_: Any) -> dict[str, str]:
    """Let workers consume a queue no more."""
    state.worker.cancel_queue(queue)
    return {"ok": f"no longer consuming from {queue}"}


@control_command(args=[("n", int)], signature="[N=1]")
def pool_grow(state: ControlState, n: int = 1, **_: Any) -> dict[str, str]:
    """Run N more tasks side by side."""
    if state.worker.autoscaler() is not None:
        return {"error": _BY_RANGE.format("pool_grow")}
    state.worker.resize(int(n))
    return {"ok": "pool will grow"}


@control_command(args=[("n", int)], signature="[N=1]")
def pool_shrink(state: ControlState, n: int = 1, **_: Any) -> dict[str, str]:
    """Run N fewer tasks side by side; what runs is finished."""
    if state.worker.autoscaler() is not None:
        return {"error": _BY_RANGE.format("pool_shrink")}
    state.worker.resize(-int(n))
    return {"ok": "pool will shrink"}


@control_command(args=[("max", int), ("min", int)], signature="[max [min]]")
def autoscale(state: ControlState, max: int | None = None, min: int | None = None, **_: Any) -> dict[str, str]:
    """Change the bounds of autoscaling."""
    most, least = state.worker.autoscale(max, min)
    return {"ok": f"autoscale now max={most} min={least}"}


@control_command(args=[("reload", truth)], variadic="modules", signature="[reload=False [module1 [module2 [... [moduleN]]]]]")
def pool_restart(state: ControlState, modules: Any = None, reload: bool = False, reloader: Any = None, **_: Any) -> dict[str, str]:
    """Replace the processes of the pool, each when it is idle."""
    if not state.app.conf.worker_pool_restarts:
        raise ValueError("Pool restarts not enabled")
    if reloader is not None:
        raise ValueError("a reloader is a function, which no command can carry: modules are loaded by importlib")
    state.worker.restart(modules or None, bool(reload))
    return {"ok": "reload started"}


@control_command
def shutdown(state: ControlState, msg: str = "Got shutdown from remote", **_: Any) -> None:
    """Begin a warm shutdown."""
    logger.warning(msg)
    state.worker.stop()


@control_command
def enable_events(state: ControlState, **_: Any) -> dict[str, str]:
    """Let workers send events of tasks."""
    changed = state.worker.enable_events()
    return {"ok": "task events enabled" if changed else "task events already enabled"}


@control_command
def disable_events(state: ControlState, **_: Any) -> dict[str, str]:
    """Let workers send no events of tasks."""
    changed = state.worker.disable_events()
    return {"ok": "task events disabled" if changed else "task events already disabled"}


@control_command
def heartbeat(state: ControlState, **_: Any) -> None:
    """Let workers send a heartbeat now."""
    state.worker.beat()


@control_command
def election(state: ControlState, id: str, topic: str, action: Any = None, **_: Any) -> None:
    """Hold an election: one of the workers that hear of it acts. Topics: task (sends the call that is the action)."""
    if topic != "task":
        raise ValueError(f"there is no topic {topic!r} of elections: only task")
    if not state.worker.elect(id):
        logger.info("Another node was elected for %r.", id)
        return
    logger.info("I won the election %r.", id)
    state.app.signature(action).apply_async()
