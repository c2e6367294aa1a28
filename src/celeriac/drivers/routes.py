"""Which queues an exchange hands a message to, for stores that keep bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable

from celeriac.model.envelope import Outgoing
from celeriac.model.errors import QueueNotFound
from celeriac.model.topology import Binding, Queue
from celeriac.wire.bindings import queues_for


class Routes:
    """The bindings of declared queues, by exchange."""

    def __init__(self) -> None:
        self._bindings: dict[str, list[tuple[str, Binding]]] = {}

    def add(self, queues: Iterable[Queue]) -> None:
        """Learn the bindings of queues; idempotent."""
        for queue in queues:
            for binding in queue.all_bindings:
                known = self._bindings.setdefault(binding.exchange.name, [])
                if (queue.name, binding) not in known:
                    known.append((queue.name, binding))

    def remove(self, queue: str) -> None:
        """Forget a queue."""
        for exchange, known in self._bindings.items():
            self._bindings[exchange] = [entry for entry in known if entry[0] != queue]

    def queues_of(self, outgoing: Outgoing) -> list[str]:
        """Return the queues that get this message; raises QueueNotFound when there is none, since the message would be lost."""
        bindings = self._bindings.get(outgoing.exchange, [])
        found = queues_for(bindings, outgoing.routing_key, outgoing.envelope.headers)
        if not found:
            raise QueueNotFound(
                f"No queue is bound to exchange {outgoing.exchange!r} for routing key {outgoing.routing_key!r}, so the message would be lost: "
                "declare the queue (task_queues), or send to a queue by its name"
            )
        return list(found)
