"""From which of a worker's queues the next messages are taken: in turns, in the queues' order, or by weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from celeriac.contracts.broker import Broker
from celeriac.model.envelope import Delivery
from celeriac.model.errors import ImproperlyConfigured

FAIR = "fair"
STRICT = "strict"

_OF_KOMBU = ("round_robin", "sorted", "priority")
"""Values of the transport option ``queue_order_strategy``."""


class QueueOrder(ABC):
    """Takes messages from queues; used by one thread at a time."""

    @abstractmethod
    def fetch(self, broker: Broker, queues: Sequence[str], limit: int, wait: float) -> Sequence[Delivery]:
        """Take up to ``limit`` messages; wait up to ``wait`` seconds for the first."""


class Fair(QueueOrder):
    """Queues take turns, however deep one of them is: brokers do that by themselves."""

    def fetch(self, broker: Broker, queues: Sequence[str], limit: int, wait: float) -> Sequence[Delivery]:
        return broker.fetch(queues, limit=limit, wait=wait)


class _Chosen(QueueOrder):
    """Looks into queues one by one, and waits for all of them only when all are empty."""

    def fetch(self, broker: Broker, queues: Sequence[str], limit: int, wait: float) -> Sequence[Delivery]:
        found: list[Delivery] = []
        for name, most in self.turns(queues, limit) if len(queues) > 1 else ():
            left = min(most, limit - len(found))
            if left > 0:
                found += broker.fetch([name], limit=left, wait=0.0)
        if found:
            return found
        # The look at all of them tells the broker how long it may sleep: those before were at one each.
        return broker.fetch(queues, limit=limit, wait=0.0) or broker.fetch(queues, limit=limit, wait=wait)

    @abstractmethod
    def turns(self, queues: Sequence[str], limit: int) -> list[tuple[str, int]]:
        """Return which queues to look into, in order, and how much each may give."""


class Strict(_Chosen):
    """A queue gives only what those before it leave: in the order in which the worker was told them, or sorted by name."""

    def __init__(self, by_name: bool = False) -> None:
        self._by_name = by_name

    def turns(self, queues: Sequence[str], limit: int) -> list[tuple[str, int]]:
        return [(name, limit) for name in (sorted(queues) if self._by_name else queues)]


class Weighted(_Chosen):
    """Queues give in proportion to their weights (1 where none is given) as long as all have something; nobody's share is left unused."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = dict(weights)
        self._credit: dict[str, float] = {}

    def turns(self, queues: Sequence[str], limit: int) -> list[tuple[str, int]]:
        weights = {name: self._weights.get(name, 1.0) for name in queues}
        credit = self._credit = {name: self._credit.get(name, 0.0) for name in queues}
        total, shares = sum(weights.values()), dict.fromkeys(queues, 0)
        for _ in range(limit):
            for name, weight in weights.items():
                credit[name] += weight
            chosen = max(queues, key=lambda name: credit[name])
            credit[chosen] -= total
            shares[chosen] += 1
        first = sorted((name for name in queues if shares[name]), key=lambda name: -shares[name])
        rest = sorted(queues, key=lambda name: -credit[name])
        return [*((name, shares[name]) for name in first), *((name, limit) for name in rest)]


def queue_order(conf: Any, scheme: str) -> QueueOrder:
    """Return what the settings ask for: ``worker_queue_strategy``, else Celery's ``queue_order_strategy`` among the options of a Redis transport."""
    wanted = conf["worker_queue_strategy"]
    if wanted is not None:
        return _ours(wanted)
    option = (conf["broker_transport_options"] or {}).get("queue_order_strategy")
    if option is None or not scheme.startswith(("redis", "sentinel", "valkey")):
        return Fair()
    if option not in _OF_KOMBU:
        raise ImproperlyConfigured(f"The transport option queue_order_strategy may be {', '.join(_OF_KOMBU)}, not {option!r}")
    return Fair() if option == "round_robin" else Strict(by_name=option == "sorted")


def _ours(wanted: Any) -> QueueOrder:
    if wanted == FAIR:
        return Fair()
    if wanted == STRICT:
        return Strict()
    if isinstance(wanted, Mapping) and all(_is_weight(weight) for weight in wanted.values()):
        return Weighted(wanted)
    raise ImproperlyConfigured(
        f"worker_queue_strategy may be 'fair', 'strict', or weights above 0 such as {{'high': 3, 'low': 1}}, not {wanted!r}"
    )


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
