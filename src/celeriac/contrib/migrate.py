"""Moving messages that wait: from one broker to another, or to other queues of the same.

    migrate_tasks("redis://old", "amqp://new", app=app)
    move(lambda body, message: message.headers["task"] == "proj.resize", exchange="", routing_key="images", app=app)
    move_by_taskmap({"proj.resize": Queue("images")}, app=app)

A filter is called with the body and a ``Moved``, which shows headers, properties and place. Messages that it does not want stay where they are, in
their order. Stop the workers of these queues first. ``celeriac migrate`` is the same as a command.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from celeriac.app.state import app_or_default
from celeriac.contracts.broker import Broker, RemovesDelayed, ShowsDelayed
from celeriac.drivers.registry import open_broker
from celeriac.lib.value import Value
from celeriac.model.envelope import Delivery, Envelope, Outgoing, Settlement, Verdict
from celeriac.model.errors import DecodeError, ImproperlyConfigured
from celeriac.model.topology import Queue, worker_direct
from celeriac.wire import compression, serializers

_BATCH = 100
_EVERYTHING = 1_000_000
_PATIENCE = 1.0


class StopFiltering(Exception):
    """Raised by a filter or callback: nothing more is to be moved."""


class State:
    """How far it is: ``count`` messages were looked at, ``filtered`` of them moved, of ``total_apx`` that waited at the beginning."""

    def __init__(self) -> None:
        self.count = 0
        self.filtered = 0
        self.total_apx = 0

    @property
    def strtotal(self) -> str:
        """How many waited, as text."""
        return str(self.total_apx) if self.total_apx else "?"

    def __repr__(self) -> str:
        return f"<State: {self.filtered} of {self.count} moved, {self.strtotal} in all>"


class Moved(Value, frozen=True):
    """A message as filters see it; ``due`` is when it is to be run at the earliest, in seconds since the epoch; ``held``: it waits for that."""

    delivery: Delivery
    due: float | None = None
    held: bool = False

    @property
    def envelope(self) -> Envelope:
        """Its content."""
        return self.delivery.envelope

    @property
    def headers(self) -> Mapping[str, Any]:
        """Its headers: ``task``, ``id`` ..."""
        return self.envelope.headers

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its properties."""
        return self.envelope.properties

    @property
    def delivery_info(self) -> dict[str, Any]:
        """Where it waits: exchange, routing key, priority."""
        found = self.delivery
        return {"exchange": found.exchange, "routing_key": found.routing_key or found.queue, "priority": found.priority, "queue": found.queue}


Filter = Callable[[Any, Moved], Any]
Told = Callable[[State, Any, Moved], Any]


class Run:
    """One pass over the queues of a broker: takes what waits, gives back what nobody wants."""

    def __init__(
        self, source: Broker, names: list[str], *, app: Any, keep: bool, timeout: float, limit: int | None, callback: Told | None, same: bool = False
    ) -> None:
        """``keep``: what was sent stays here as well; ``same``: it is sent to this broker, and what is delayed is taken out by who sends."""
        self._source, self._names, self._app, self._same = source, names, app, same
        self._keep, self._timeout, self._limit, self._callback = keep, timeout, limit, callback
        self._back: list[Delivery] = []
        self._seen: set[str] = set()
        self.state = State()
        self.state.total_apx = sum(source.depth(name) for name in names)

    def over(self, send: Callable[[Any, Moved], bool]) -> State:
        """Show every message to ``send``, which tells whether it has sent it elsewhere."""
        try:
            while taken := self._source.fetch(self._names, limit=_BATCH, wait=self._timeout):
                self._back += taken
                for delivery in taken:
                    self._one(Moved(delivery, _eta(delivery)), send)
            self._delayed(send)
        except StopFiltering:
            pass
        finally:
            self._source.settle([Settlement(Verdict.REQUEUE, each.tag, each.queue, untouched=True) for each in self._back])
        return self.state

    def _one(self, message: Moved, send: Callable[[Any, Moved], bool]) -> None:
        if self._sent(message, send) and not self._keep:
            self._back.remove(message.delivery)
            self._source.settle([Settlement(Verdict.ACK, message.delivery.tag, message.delivery.queue)])

    def _delayed(self, send: Callable[[Any, Moved], bool]) -> None:
        if not isinstance(self._source, ShowsDelayed):
            return
        for due, delivery in self._source.delayed(self._names, limit=_EVERYTHING):
            if self._sent(Moved(delivery, due, held=True), send) and not (self._keep or self._same) and isinstance(self._source, RemovesDelayed):
                self._source.remove_delayed([str(delivery.envelope.task_id)])

    def _sent(self, message: Moved, send: Callable[[Any, Moved], bool]) -> bool:
        if self._limit is not None and self.state.filtered >= self._limit:
            raise StopFiltering
        if message.envelope.task_id in self._seen:
            return False  # it was moved to a queue that is looked through too
        body = body_of(message.envelope, self._app)
        self.state.count += 1
        if not send(body, message):
            return False
        self.state.filtered += 1
        self._seen.add(str(message.envelope.task_id))
        if self._callback is not None:
            self._callback(self.state, body, message)
        return True


def body_of(envelope: Envelope, app: Any) -> Any:
    """Return the content of a message: ``[args, kwargs, embed]``, or the dict of protocol 1; the bytes where it cannot be read."""
    try:
        method = envelope.headers.get("compression")
        body = compression.decompress(envelope.body, method) if method else envelope.body
        return serializers.loads(body, envelope.content_type, envelope.content_encoding, app.accept)
    except DecodeError:
        return envelope.body


def task_name(body: Any, message: Moved) -> str | None:
    """Return the name of a message's task, of either protocol."""
    return message.headers.get("task") or (body.get("task") if isinstance(body, Mapping) else None)


def _task_id(body: Any, message: Moved) -> str | None:
    return message.headers.get("id") or (body.get("id") if isinstance(body, Mapping) else None)


def republish(producer: Broker, message: Moved, exchange: str | None = None, routing_key: str | None = None) -> None:
    """Send a message as it is; where nothing is named to the exchange and routing key by which it came."""
    place = message.delivery_info
    named = exchange is not None or routing_key is not None
    key, to = (routing_key, exchange) if named else (place["routing_key"], place["exchange"])
    producer.publish([Outgoing(message.envelope, key or "", to or "", place["priority"], message.due)])


def _eta(delivery: Delivery) -> float | None:
    eta = delivery.envelope.headers.get("eta")
    try:
        return datetime.fromisoformat(eta).timestamp() if eta else None
    except (TypeError, ValueError):
        return None


def migrate_task(producer: Broker, body_: Any, message: Moved, queues: Mapping[str, str] | None = None) -> None:
    """Send one message to the queue of the same name, or of the name that ``queues`` gives it."""
    name = message.delivery_info["queue"]
    republish(producer, message, exchange="", routing_key=(queues or {}).get(name, name))


def migrate_tasks(
    source: Any, dest: Any, migrate: Callable[..., Any] = migrate_task, app: Any = None, queues: Any = None, timeout: float = _PATIENCE,
    ack_messages: bool = False, limit: int | None = None, tasks: Iterable[str] | str | None = None, callback: Told | None = None, **_more: Any,
) -> State:  # fmt: skip
    """Send what waits on one broker (a URL or an object with ``as_uri``) to another; with ``ack_messages`` it is taken out of the source.

    ``queues``: names, ``old:new`` for another name there, as list or text with commas; ``tasks``: only these.
    """
    app = app_or_default(app)
    names = _mapping(queues) or {queue.name: queue.name for queue in app.queues.to_consume()}
    wanted = set(_words(tasks))
    with closing(_opened(source, owner=True)) as taken, closing(_opened(dest)) as given:
        taken.declare([app.queues[name] for name in names])
        given.declare([app.queues[name] for name in names.values()])

        def send(body: Any, message: Moved) -> bool:
            if wanted and task_name(body, message) not in wanted:
                return False
            migrate(given, body, message, queues=names)
            return True

        run = Run(taken, list(names), app=app, keep=not ack_messages, timeout=timeout, limit=limit, callback=callback)
        return run.over(send)


def move(
    predicate: Filter, connection: Any = None, exchange: Any = None, routing_key: str | None = None, source: Iterable[Any] | None = None,
    app: Any = None, callback: Told | None = None, limit: int | None = None, transform: Callable[[Any], Any] | None = None,
    timeout: float = _PATIENCE, **_more: Any,
) -> State:  # fmt: skip
    """Move the messages that a filter chooses to other queues of the same broker.

    The filter returns nothing (it stays), a tuple (exchange, routing key), a queue, or True for ``exchange`` and ``routing_key``. ``transform`` makes
    a place of what the filter returns. ``source``: from these queues (default: those that a worker takes).
    """
    app = app_or_default(app)
    found = [app.queues[each if isinstance(each, str) else each.name] for each in source] if source else app.queues.to_consume()
    with closing(_opened(connection or app.broker_url, owner=True, app=app)) as broker:
        broker.declare(found)

        def send(body: Any, message: Moved) -> bool:
            chosen = predicate(body, message)
            if not chosen:
                return False
            to, key = _place(transform(chosen) if transform else chosen, exchange, routing_key, app, broker)
            _put(broker, message, to, key)
            return True

        run = Run(broker, [queue.name for queue in found], app=app, keep=False, timeout=timeout, limit=limit, callback=callback, same=True)
        return run.over(send)


def _put(broker: Broker, message: Moved, exchange: str, routing_key: str) -> None:
    # What is delayed is known by its task's id: the old message goes before the new one comes, and comes again when the new one cannot.
    if not message.held or not isinstance(broker, RemovesDelayed):
        republish(broker, message, exchange=exchange, routing_key=routing_key)
    elif broker.remove_delayed([str(message.envelope.task_id)]):
        try:
            republish(broker, message, exchange=exchange, routing_key=routing_key)
        except Exception:
            republish(broker, message, exchange="", routing_key=message.delivery.queue)
            raise


def _place(chosen: Any, exchange: Any, routing_key: str | None, app: Any, broker: Broker) -> tuple[str, str]:
    if isinstance(chosen, (tuple, list)):
        to, key = chosen
        return getattr(to, "name", to) or "", key or ""
    if hasattr(chosen, "name"):
        queue: Queue = app.queues.add(chosen)
        broker.declare([queue])
        return "", queue.name
    if exchange is None and routing_key is None:
        raise ImproperlyConfigured("move: the filter has returned True, so that exchange and routing_key have to say where to")
    return getattr(exchange, "name", exchange) or "", routing_key or ""


def task_id_eq(task_id: str, body: Any, message: Moved) -> bool:
    """Tell whether a message is that of a task."""
    return _task_id(body, message) == task_id


def task_id_in(ids: Collection[str], body: Any, message: Moved) -> bool:
    """Tell whether a message is that of one of these tasks."""
    return _task_id(body, message) in ids


def move_task_by_id(task_id: str, dest: Any, **kwargs: Any) -> State:
    """Move one task to a queue (a queue or its name)."""
    return move_by_idmap({task_id: dest}, **kwargs)


def move_by_idmap(map: Mapping[str, Any], **kwargs: Any) -> State:  # noqa: A002 (Celery's name)
    """Move tasks by their ids: id -> queue (or its name)."""
    app = kwargs["app"] = app_or_default(kwargs.get("app"))
    left = dict(map)

    def chosen(body: Any, message: Moved) -> Any:
        return _queue(left.pop(_task_id(body, message) or "", None), app)

    kwargs.setdefault("limit", len(left))
    return move(chosen, **kwargs)


def move_by_taskmap(map: Mapping[str, Any], **kwargs: Any) -> State:  # noqa: A002 (Celery's name)
    """Move tasks by their names: name of the task -> queue (or its name)."""
    app = kwargs["app"] = app_or_default(kwargs.get("app"))
    return move(lambda body, message: _queue(map.get(task_name(body, message) or ""), app), **kwargs)


def filter_status(state: State, body: Any, message: Moved, **_more: Any) -> None:
    """Print how far it is: a ``callback``."""
    print(f"{state.filtered} of {state.strtotal}: {task_name(body, message)}[{_task_id(body, message)}]")


def filter_callback(callback: Told, tasks: Iterable[str] | str | None) -> Told:
    """Return a callback that is called for these tasks only."""
    wanted = set(_words(tasks))

    def filtered(state: State, body: Any, message: Moved) -> Any:
        return callback(state, body, message) if not wanted or task_name(body, message) in wanted else None

    return filtered


def move_direct(predicate: Filter, connection: Any = None, **kwargs: Any) -> State:
    """As ``move``, for filters that return the name of a worker: to that worker's own queue (setting ``worker_direct``)."""
    return move(predicate, connection, transform=worker_direct, **kwargs)


def move_direct_by_id(task_id: str, dest: str, **kwargs: Any) -> State:
    """Move one task to a worker's own queue."""
    return move_by_idmap({task_id: worker_direct(dest)}, **kwargs)


def start_filter(
    app: Any, source: Any, filter: Filter, limit: int | None = None, timeout: float = _PATIENCE, ack_messages: bool = False,  # noqa: A002
    tasks: Iterable[str] | str | None = None, queues: Any = None, callback: Told | None = None, **_more: Any,
) -> State:  # fmt: skip
    """Show the messages that wait to a function; with ``ack_messages`` those for which it returns a true value are thrown away."""
    app = app_or_default(app)
    names = list(_mapping(queues)) or [queue.name for queue in app.queues.to_consume()]
    wanted = set(_words(tasks))
    with closing(_opened(source, owner=True, app=app)) as broker:
        broker.declare([app.queues[name] for name in names])
        run = Run(broker, names, app=app, keep=not ack_messages, timeout=timeout, limit=limit, callback=callback)
        return run.over(lambda body, message: bool((not wanted or task_name(body, message) in wanted) and filter(body, message)))


def _queue(found: Any, app: Any) -> Any:
    return app.queues[found] if isinstance(found, str) else found


def _opened(found: Any, owner: bool = False, app: Any = None) -> Broker:
    url = found if isinstance(found, str) else found.as_uri(include_password=True)
    name = f"migrate{os.getpid()}@migrate" if owner else ""
    broker: Broker = app.open_broker(name) if app is not None and url == app.broker_url else open_broker(url, owner=name)
    broker.connect()
    return broker


def _words(found: Iterable[str] | str | None) -> list[str]:
    words = found.split(",") if isinstance(found, str) else found or ()
    return [word.strip() for word in words if word.strip()]


def _mapping(found: Any) -> dict[str, str]:
    if isinstance(found, Mapping):
        return {str(old): str(new) for old, new in found.items()}
    return {word.partition(":")[0]: word.partition(":")[2] or word for word in _words(found)}
