"""The queues of an application: as settings declare them, and made when they are missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from celeriac.model.errors import ImproperlyConfigured, QueueNotFound
from celeriac.model.topology import Binding, Exchange, Queue


def exchange_from(found: Any, kind: str = "direct") -> Exchange:
    """Return an exchange: ours as it is, a name, or an object of kombu's shape."""
    if isinstance(found, Exchange):
        return found
    if isinstance(found, str) or found is None:
        return Exchange(found or "", kind)
    return Exchange(
        found.name or "", getattr(found, "type", None) or kind, bool(getattr(found, "durable", True)), bool(getattr(found, "auto_delete", False)),
        dict(getattr(found, "arguments", None) or {}), getattr(found, "delivery_mode", None),
    )  # fmt: skip


def queue_from(found: Any, name: str | None = None, kind: str = "direct") -> Queue:
    """Return a queue: ours, a name, a dict (``exchange``, ``exchange_type``, ``binding_key`` ...), or an object of kombu's shape."""
    if isinstance(found, str):
        return Queue(found, Exchange(found, kind), found)
    if isinstance(found, Queue):
        exchange = exchange_from(found.exchange, kind)
        return found if exchange is found.exchange else found.replace(exchange=exchange)
    if isinstance(found, Mapping):
        known = dict(found)
        exchange = exchange_from(known.pop("exchange", None) or name, known.pop("exchange_type", None) or kind)
        key = known.pop("binding_key", None) or known.pop("routing_key", None) or name or ""
        fields = {field: value for field, value in known.items() if field in Queue.__struct_fields__}
        return Queue(name or fields.pop("name", ""), exchange, key, **{k: v for k, v in fields.items() if k != "name"})
    if not hasattr(found, "name"):
        raise ImproperlyConfigured(f"Setting task_queues: {found!r} is no queue; use celeriac.Queue, a name, or a dict")
    bindings = tuple(
        Binding(exchange_from(binding.exchange), binding.routing_key or "", dict(getattr(binding, "arguments", None) or {}))
        for binding in getattr(found, "bindings", None) or ()
    )
    return Queue(
        found.name, exchange_from(getattr(found, "exchange", None), kind), getattr(found, "routing_key", None) or "", bindings,
        durable=bool(getattr(found, "durable", True)), exclusive=bool(getattr(found, "exclusive", False)),
        auto_delete=bool(getattr(found, "auto_delete", False)), queue_arguments=dict(getattr(found, "queue_arguments", None) or {}),
        max_priority=getattr(found, "max_priority", None), expires=getattr(found, "expires", None), message_ttl=getattr(found, "message_ttl", None),
        max_length=getattr(found, "max_length", None), alias=getattr(found, "alias", None),
        binding_arguments=dict(getattr(found, "binding_arguments", None) or {}),
    )  # fmt: skip


class Queues(dict[str, Queue]):
    """The queues of an application by name; one that is missing is made when settings allow it, else QueueNotFound is raised."""

    def __init__(self, conf: Any) -> None:
        super().__init__()
        self._create = conf.task_create_missing_queues
        self._kind = conf.task_create_missing_queue_exchange_type or conf.task_default_exchange_type or "direct"
        self._missing_type = conf.task_create_missing_queue_type
        self._max_priority = conf.task_queue_max_priority
        self.default_name: str = conf.task_default_queue
        self._default_exchange = conf.task_default_exchange
        self._default_type = conf.task_default_exchange_type or "direct"
        self._default_key = conf.task_default_routing_key
        self._declared: list[str] = []
        for queue in _declared(conf):
            self.add(queue)
            self._declared.append(queue.name)
        if self.default_name not in self and not self._declared:
            self.add(self._default(conf))

    def _default(self, conf: Any) -> Queue:
        name = self.default_name
        exchange = Exchange(conf.task_default_exchange or name, conf.task_default_exchange_type)
        return self._typed(Queue(name, exchange, conf.task_default_routing_key or name), conf.task_default_queue_type)

    def _typed(self, queue: Queue, kind: str | None) -> Queue:
        if kind and kind != "classic":
            return queue.replace(queue_arguments={"x-queue-type": kind, **queue.queue_arguments})
        return queue

    def add(self, queue: Any, **fields: Any) -> Queue:
        """Add a queue (an object, a name, or a name with Celery's options such as ``exchange`` and ``routing_key``)."""
        made = queue_from(fields, queue, self._kind) if fields and isinstance(queue, str) else queue_from(queue, None, self._kind)
        if not made.exchange.name and not made.bindings:
            # The exchange of the settings, where they name one; else one of the queue's own, so that no two queues share a binding unasked.
            common = self._default_exchange
            key = made.routing_key or (self._default_key if common else None) or made.name
            made = made.replace(exchange=Exchange(common, self._default_type) if common else Exchange(made.name, made.exchange.type), routing_key=key)
        if made.max_priority is None and self._max_priority is not None:
            made = made.replace(max_priority=self._max_priority)
        self[made.name] = made
        if made.alias:
            self[made.alias] = made
        return made

    def __missing__(self, name: str) -> Queue:
        if not self._create and name != self.default_name:
            known = ", ".join(sorted(self)) or "none"
            raise QueueNotFound(f"Queue {name!r} is not in task_queues and task_create_missing_queues is off; there are: {known}")
        return self.add(self._typed(queue_from(name, kind=self._kind), self._missing_type))

    def to_consume(self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None) -> list[Queue]:
        """Return the queues a worker consumes: those named, or all that are configured, without those excluded."""
        names = list(include) if include else (self._declared or [self.default_name])
        unwanted = set(exclude or ())
        return list({self[name].name: self[name] for name in names if name not in unwanted}.values())


def _declared(conf: Any) -> list[Queue]:
    found = conf.task_queues
    if not found:
        return []
    kind = conf.task_default_exchange_type
    if isinstance(found, Mapping):
        return [queue_from(value or {}, name, kind) for name, value in found.items()]
    return [queue_from(value, None, kind) for value in found]
