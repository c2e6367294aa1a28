"""``app.control``: commands to workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from celeriac.control.inspection import Inspect
from celeriac.control.mailbox import Mailbox
from celeriac.engine.revoked import stamp_marks
from celeriac.lib.lamport import LamportClock
from celeriac.results.revoking import remember
from celeriac.wire.control import Command


class Control:
    """Tells workers what to do.

    What is given to every method: ``destination`` (names of nodes; None is everybody), ``pattern`` with ``matcher`` (glob or pcre),
    ``reply=True`` to return a list of ``{node: answer}``, ``timeout`` (seconds to wait for replies), ``limit`` (of replies),
    ``callback`` (told of each reply).
    """

    Mailbox = Mailbox

    def __init__(self, app: Any = None) -> None:
        self.app = app
        self.logical: LamportClock = app.clock
        self.mailbox = Mailbox(app.conf.control_exchange, self.logical)

    @property
    def inspect(self) -> Callable[..., Inspect]:
        """What makes an ``Inspect`` that is bound to this application."""
        return partial(Inspect, app=self.app)

    def broadcast(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        destination: str | Sequence[str] | None = None,
        connection: Any = None,
        reply: bool = False,
        timeout: float | None = 1.0,
        limit: int | None = None,
        callback: Callable[[dict[str, Any]], object] | None = None,
        channel: Any = None,
        pattern: str | None = None,
        matcher: str | None = None,
        **extra_kwargs: Any,
    ) -> list[dict[str, Any]] | None:
        """Send any command. ``arguments`` and other keyword arguments are the command's; an empty list means that nobody replied in time."""
        if destination is None and pattern is None:
            remember(self.app, _revoked_by(command, {**(arguments or {}), **extra_kwargs}))
        nodes = [destination] if isinstance(destination, str) else None if destination is None else list(destination)
        asked = Command(command, {**(arguments or {}), **extra_kwargs}, nodes, pattern, matcher)
        if not reply:
            self.mailbox.tell(self.app.broker, asked, timeout=timeout)
            return None
        most = len(nodes) if limit is None and nodes else limit
        return self.mailbox.ask(self.app.broker, asked, timeout=1.0 if timeout is None else timeout, limit=most, hear=callback)

    def ping(self, destination: Any = None, timeout: float = 1.0, **kwargs: Any) -> list[dict[str, Any]]:
        """Ask who is there: a list of ``{node: {"ok": "pong"}}``."""
        return self.broadcast("ping", destination=destination, timeout=timeout, reply=True, **kwargs) or []

    # -- tasks

    def revoke(
        self, task_id: str | Iterable[str], destination: Any = None, terminate: bool = False, signal: str = "SIGTERM", **kwargs: Any
    ) -> list[dict[str, Any]] | None:
        """Let tasks (an id, or several) never start; ``terminate`` also ends those that run, with a signal.

        Unless it is for some workers only, it is kept in the broker's store where that can, and known to workers that start later.
        """
        told = {"task_id": task_id if isinstance(task_id, str) else list(task_id), "terminate": terminate, "signal": signal}
        return self.broadcast("revoke", arguments=told, destination=destination, **kwargs)

    def revoke_by_stamped_headers(
        self, headers: Mapping[str, Any], destination: Any = None, terminate: bool = False, signal: str = "SIGTERM", **kwargs: Any
    ) -> list[dict[str, Any]] | None:
        """Let tasks that bear one of these stamps (a value, or several of one header) never start; ``terminate`` as for ``revoke``."""
        told = {"headers": dict(headers), "terminate": terminate, "signal": signal}
        return self.broadcast("revoke_by_stamped_headers", arguments=told, destination=destination, **kwargs)

    def terminate(self, task_id: str | Iterable[str], destination: Any = None, signal: str = "SIGTERM", **kwargs: Any) -> list[dict[str, Any]] | None:
        """Revoke, and end what runs."""
        return self.revoke(task_id, destination=destination, terminate=True, signal=signal, **kwargs)

    def rate_limit(self, task_name: str, rate_limit: int | str, destination: Any = None, **kwargs: Any) -> list[dict[str, Any]] | None:
        """Change a task's rate limit ("100/m"; 0 for none)."""
        return self.broadcast("rate_limit", arguments={"task_name": task_name, "rate_limit": rate_limit}, destination=destination, **kwargs)

    def time_limit(
        self, task_name: str, soft: float | None = None, hard: float | None = None, destination: Any = None, **kwargs: Any
    ) -> list[dict[str, Any]] | None:
        """Change a task's time limits (seconds), for its next runs."""
        return self.broadcast("time_limit", arguments={"task_name": task_name, "hard": hard, "soft": soft}, destination=destination, **kwargs)

    # -- queues

    def add_consumer(
        self, queue: str, exchange: str | None = None, exchange_type: str = "direct", routing_key: str | None = None,
        options: Mapping[str, Any] | None = None, destination: Any = None, **kwargs: Any,
    ) -> list[dict[str, Any]] | None:  # fmt: skip
        """Let workers consume one queue more."""
        told = {"queue": queue, "exchange": exchange, "exchange_type": exchange_type, "routing_key": routing_key, **(options or {})}
        return self.broadcast("add_consumer", arguments=told, destination=destination, **kwargs)

    def cancel_consumer(self, queue: str, destination: Any = None, **kwargs: Any) -> list[dict[str, Any]] | None:
        """Let workers consume a queue no more."""
        return self.broadcast("cancel_consumer", arguments={"queue": queue}, destination=destination, **kwargs)

    def purge(self, connection: Any = None) -> int:
        """Throw away what waits in all configured queues; return how many messages."""
        return sum(self.app.broker.purge(queue.name) for queue in self.app.queues.to_consume())

    discard_all = purge

    # -- the pool

    def pool_grow(self, n: int = 1, destination: Any = None, **kwargs: Any) -> list[dict[str, Any]] | None:
        """Run ``n`` more tasks side by side."""
        return self.broadcast("pool_grow", arguments={"n": n}, destination=destination, **kwargs)

    def pool_shrink(self, n: int = 1, destination: Any = None, **kwargs: Any) -> list[dict[str, Any]] | None:
        """Run ``n`` fewer tasks side by side; what runs is finished."""
        return self.broadcast("pool_shrink", arguments={"n": n}, destination=destination, **kwargs)

    def autoscale(self, max: int, min: int, destination: Any = None, **kwargs: Any) -> list[dict[str, Any]] | None:
        """Change the bounds of autoscaling, where it is on."""
        return self.broadcast("autoscale", arguments={"max": max, "min": min}, destination=destination, **kwargs)

    def pool_restart(
        self, modules: Any = None, reload: bool = False, reloader: Any = None, destination: Any = None, **kwargs: Any
    ) -> list[dict[str, Any]] | None:
        """Replace the processes of the pool, each when it is idle (setting ``worker_pool_restarts``)."""
        told = {"modules": modules, "reload": reload, "reloader": reloader}
        return self.broadcast("pool_restart", arguments=told, destination=destination, **kwargs)

    # -- the worker

    def shutdown(self, destination: Any = None, **kwargs: Any) -> list[dict[str, Any]] | None:
        """Begin a warm shutdown."""
        return self.broadcast("shutdown", arguments={}, destination=destination, **kwargs)

    def enable_events(self, destination: Any = None, **kwargs: Any) -> list[dict[str, Any]] | None:
        """Let workers send events of tasks."""
        return self.broadcast("enable_events", arguments={}, destination=destination, **kwargs)

    def disable_events(self, destination: Any = None, **kwargs: Any) -> list[dict[str, Any]] | None:
        """Let workers send no events of tasks."""
        return self.broadcast("disable_events", arguments={}, destination=destination, **kwargs)

    def heartbeat(self, destination: Any = None, **kwargs: Any) -> list[dict[str, Any]] | None:
        """Let workers send a heartbeat event now."""
        return self.broadcast("heartbeat", arguments={}, destination=destination, **kwargs)

    def election(self, id: str, topic: str, action: Any = None, connection: Any = None) -> None:
        """Hold an election among workers."""
        self.broadcast("election", arguments={"id": id, "topic": topic, "action": action})


def _revoked_by(command: str, arguments: Mapping[str, Any]) -> list[str]:
    """Return the marks of what a command revokes."""
    if command in ("revoke", "terminate"):
        ids = arguments.get("task_id") or ()
        return [ids] if isinstance(ids, str) else list(ids)
    if command == "revoke_by_stamped_headers":
        headers = arguments.get("headers") or {}
        return stamp_marks(headers if isinstance(headers, Mapping) else dict(each.partition("=")[::2] for each in headers))
    return []
