"""Commands that change what becomes of tasks: revocation, rate limits, time limits."""

from __future__ import annotations

import logging
import signal as signals
from collections.abc import Iterable, Mapping
from typing import Any

from celeriac.control.panel import control_command
from celeriac.control.state import ControlState
from celeriac.engine.rate_limit import per_second
from celeriac.engine.revoked import marks_of, stamp_marks

logger = logging.getLogger("celeriac.worker.control")


@control_command(variadic="task_id", signature="[id1 [id2 [... [idN]]]]")
def revoke(state: ControlState, task_id: str | Iterable[str], terminate: bool = False, signal: str | int | None = None, **_: Any) -> dict[str, str]:
    """Let tasks never start."""
    ids = [task_id] if isinstance(task_id, str) else list(dict.fromkeys(task_id))
    number = signal_number(signal or "SIGTERM") if terminate else 0
    state.worker.revoke(ids)
    if not terminate:
        logger.info("Tasks flagged as revoked: %s", ", ".join(ids))
        return {"ok": f"tasks {set(ids)} flagged as revoked"}
    ended = _terminate(state, ids, number)
    return {"ok": f"terminate: {', '.join(ended)}" if ended else "terminate: tasks unknown"}


@control_command(variadic="task_id", args=[("signal", str)], signature="<signal> [id1 [id2 [... [idN]]]]")
def terminate(state: ControlState, signal: str | int, task_id: str | Iterable[str], **_: Any) -> dict[str, str]:
    """Revoke tasks, and end those that run with a signal."""
    return revoke(state, task_id, terminate=True, signal=signal)


@control_command(variadic="headers", signature="[key1=value1 [key2=value2 [... [keyN=valueN]]]]")
def revoke_by_stamped_headers(
    state: ControlState, headers: Mapping[str, Any] | Iterable[str], terminate: bool = False, signal: str | int | None = None, **_: Any
) -> dict[str, str]:
    """Let tasks that bear a stamp never start."""
    stamps: dict[str, Any] = dict(headers) if isinstance(headers, Mapping) else dict(_pair(each) for each in headers)
    number = signal_number(signal or "SIGTERM") if terminate else 0
    state.worker.revoke_stamped(stamps)
    if not terminate:
        logger.info("Tasks with these stamps flagged as revoked: %s", stamps)
        return {"ok": f"headers {stamps} flagged as revoked, but not terminated"}
    bearing = [running.job.delivery.envelope.headers for running in state.worker.running()]
    ended = _terminate(state, [found["id"] for found in bearing if _bears(found, stamps)], number)
    return {"ok": f"headers {stamps} revoked" if ended else f"headers {stamps} were not terminated"}


@control_command(args=[("task_name", str), ("rate_limit", str)], signature="<task_name> <rate_limit (e.g., 5/s | 5/m | 5/h)>")
def rate_limit(state: ControlState, task_name: str, rate_limit: Any, **_: Any) -> dict[str, str]:
    """Change a task's rate limit."""
    try:
        rate = per_second(rate_limit)
    except ValueError as error:
        return {"error": f"Invalid rate limit string: {error}"}
    if task_name not in state.app.tasks:
        logger.error("Rate limit attempt for unknown task %s", task_name)
        return {"error": "unknown task"}
    state.worker.set_rate(task_name, rate_limit)
    if not rate:
        logger.info("Rate limits disabled for tasks of type %s", task_name)
        return {"ok": "rate limit disabled successfully"}
    logger.info("New rate limit for tasks of type %s: %s.", task_name, rate_limit)
    return {"ok": "new rate limit set successfully"}


@control_command(args=[("task_name", str), ("soft", float), ("hard", float)], signature="<task_name> <soft_secs> [hard_secs]")
def time_limit(state: ControlState, task_name: str | None = None, hard: float | None = None, soft: float | None = None, **_: Any) -> dict[str, str]:
    """Change a task's time limits."""
    if task_name not in state.app.tasks:
        logger.error("Change time limit attempt for unknown task %s", task_name)
        return {"error": "unknown task"}
    state.worker.set_time_limits(str(task_name), soft, hard)
    logger.info("New time limits for tasks of type %s: soft=%s hard=%s", task_name, soft, hard)
    return {"ok": "time limits set successfully"}


def signal_number(name: str | int) -> int:
    """Return a signal's number by its name, with or without SIG, or number."""
    if isinstance(name, int) or name.isdigit():
        return int(name)
    full = name.upper() if name.upper().startswith("SIG") else f"SIG{name.upper()}"
    try:
        return int(signals.Signals[full])
    except KeyError:
        raise ValueError(f"there is no signal {name!r}") from None


def _terminate(state: ControlState, ids: list[str], number: int) -> list[str]:
    ended = list(state.worker.terminate(ids, number))
    for each in ended:
        logger.info("Terminating %s (%s)", each, number)
    return ended


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"a stamp is written key=value, not {text!r}")
    return name, value


def _bears(headers: Mapping[str, Any], stamps: Mapping[str, Any]) -> bool:
    from_message = set(marks_of(headers))
    return not from_message.isdisjoint(stamp_marks(stamps))
