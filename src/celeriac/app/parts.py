"""Parts of an application under the names that programs know from Celery: ``app.amqp``, ``app.pool``, ``app.producer_pool``."""

from __future__ import annotations

from typing import Any

from celeriac.app import queues, state
from celeriac.app.aliases import Borrowed
from celeriac.app.routing import Router as TaskRouter
from celeriac.app.routing import options_of
from celeriac.model.topology import Exchange, Queue

_KOMBU = "use kombu itself: kombu.Connection(app.broker_url)"
_LACKING = {
    **dict.fromkeys(("Connection", "Consumer", "Producer", "BrokerConnection", "TaskConsumer"), _KOMBU),
    **dict.fromkeys(("as_task_v1", "as_task_v2", "create_task_message", "send_task_message"), "call task.apply_async, or app.send_task"),
}


class Routes:
    """Where calls go, for programs that ask: ``app.amqp.router``."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def route(self, options: dict[str, Any], name: str, args: Any = (), kwargs: Any = None, task: Any = None, **_more: Any) -> dict[str, Any]:
        """Return the options of a call and those of its route, the call's before the route's; ``queue`` is the queue itself."""
        found = self.app.publisher.router.rule(options_of(options), name, args, kwargs or {}, task)
        merged = {**(found.route if found is not None else {}), **{key: value for key, value in options.items() if value is not None}}
        queue = merged.get("queue") or (None if merged.get("exchange") else self.app.conf.task_default_queue)
        return {**merged, "queue": self.app.queues[queue] if isinstance(queue, str) else queue} if queue else merged


class AMQP:
    """Queues and routes; what the settings say of them is what counts."""

    Queues = queues_cls = queues.Queues
    Router = TaskRouter
    argsrepr_maxsize = kwargsrepr_maxsize = 1024
    utc = True

    def __init__(self, app: Any) -> None:
        self.app = app

    def __getattr__(self, name: str) -> Any:
        told = _LACKING.get(name)
        raise AttributeError(f"app.amqp.{name} cannot be had: {told}" if told else f"app.amqp has no {name!r}", name=name)

    @property
    def queues(self) -> queues.Queues:
        """The queues by name."""
        found: queues.Queues = self.app.queues
        return found

    @property
    def router(self) -> Routes:
        """What finds the queue of a call."""
        return Routes(self.app)

    @property
    def routes(self) -> Any:
        """The setting ``task_routes``."""
        return self.app.conf.task_routes

    @property
    def default_queue(self) -> Queue:
        """The queue of calls that name none."""
        found: Queue = self.queues[self.app.conf.task_default_queue]
        return found

    @property
    def default_exchange(self) -> Exchange:
        """The exchange of calls that name none."""
        return self.default_queue.exchange

    @property
    def producer_pool(self) -> "Pool":
        """As ``app.producer_pool``."""
        found: Pool = self.app.producer_pool
        return found

    publisher_pool = producer_pool

    def flush_routes(self) -> None:
        """Read the setting ``task_routes`` anew."""
        self.app.conf.task_routes = self.app.conf.task_routes


class Pool:
    """This process's broker connection in the shape of a pool: all threads share it, so that there is always one to be had."""

    def __init__(self, app: Any) -> None:
        self.app = app

    @property
    def limit(self) -> int | None:
        """The setting ``broker_pool_limit``."""
        found: int | None = self.app.conf.broker_pool_limit
        return found

    def acquire(self, block: bool = False, timeout: float | None = None) -> Borrowed:
        """Return a handle of the connection, to be used in a ``with`` block."""
        return Borrowed(self.app)

    def release(self, resource: Any) -> None:
        """Nothing to do: the connection belongs to the process."""

    def force_close_all(self) -> None:
        """Close this process's connections; the next use opens them again."""
        self.app.close_connections()


def bugreport(app: Any = None) -> str:
    """Return a text about versions and settings, without passwords, for bug reports."""
    found: str = state.app_or_default(app).bugreport()
    return found


class _Disabled(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return instance is None


class DisabledBackend(metaclass=_Disabled):
    """What programs ask ``isinstance(app.backend, DisabledBackend)`` with: no result store is None here."""
