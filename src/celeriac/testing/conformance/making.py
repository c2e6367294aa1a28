"""What the suites make their messages and results of, and the fixtures that a driver overrides."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import pytest

from celeriac.contracts.backend import ResultBackend
from celeriac.contracts.broker import Broker
from celeriac.lib.clock import Clock, ManualClock
from celeriac.model.envelope import Delivery, Envelope, Outgoing, Settlement, Verdict
from celeriac.model.record import ChordPart, ResultRecord

QUEUE = "celery"


class MakeBroker(Protocol):
    """Opens a connected broker; all that one test opens speak to the same, at first empty, store."""

    def __call__(self, owner: str = "w1", lease: float = 10.0) -> Any: ...


MakeBackend = Callable[[], Any]


class Fixtures:
    """The fixtures that the suites need; a driver overrides the first two, and ``clock``/``advance`` when it cannot take a clock."""

    @pytest.fixture
    def make_broker(self) -> MakeBroker:
        """Return a function that opens connected brokers on one store."""
        raise pytest.UsageError("a conformance suite needs the fixture make_broker")

    @pytest.fixture
    def make_backend(self) -> MakeBackend:
        """Return a function that opens connected result stores on one store."""
        raise pytest.UsageError("a conformance suite needs the fixture make_backend")

    @pytest.fixture
    def clock(self) -> Clock:
        """Return the clock that the driver is given."""
        return ManualClock()

    @pytest.fixture
    def advance(self, clock: Clock) -> Callable[[float], None]:
        """Return what lets time pass for the driver."""
        return clock.advance if isinstance(clock, ManualClock) else time.sleep

    @pytest.fixture
    def broker(self, make_broker: MakeBroker) -> Iterator[Any]:
        """One broker, owned by w1."""
        broker: Broker = make_broker()
        yield broker
        broker.close()

    @pytest.fixture
    def backend(self, make_backend: MakeBackend) -> Iterator[Any]:
        """One result store."""
        backend: ResultBackend = make_backend()
        yield backend
        backend.close()


def message(name: str = "m", *, queue: str = QUEUE, priority: int = 0, due: float | None = None) -> Outgoing:
    """Return a message that is known by its name."""
    envelope = Envelope({"id": name, "task": "tasks.add", "nothing": None, "list": [1, 2.5]}, name.encode(), properties={"correlation_id": name})
    return Outgoing(envelope, queue, priority=priority, due=due)


def publish(broker: Broker, *names: str, queue: str = QUEUE, **how: Any) -> None:
    """Send messages of these names."""
    broker.publish([message(name, queue=queue, **how) for name in names])


def fetch(broker: Broker, *queues: str, limit: int = 100, wait: float = 0.0) -> list[Delivery]:
    """Fetch from the queues, the default one if none is named."""
    return list(broker.fetch(queues or (QUEUE,), limit=limit, wait=wait))


def names(deliveries: Sequence[Delivery]) -> list[str]:
    """Return the names of messages."""
    return [delivery.envelope.headers["id"] for delivery in deliveries]


def fetch_names(broker: Broker, *queues: str, limit: int = 100, wait: float = 0.0) -> list[str]:
    """Fetch, and return the names of the messages."""
    return names(fetch(broker, *queues, limit=limit, wait=wait))


def verdict(kind: Verdict, delivery: Delivery, **how: Any) -> Settlement:
    """Return a verdict on a delivery."""
    return Settlement(kind, delivery.tag, delivery.queue, **how)


def ack(*deliveries: Delivery) -> list[Settlement]:
    """Return acknowledgements."""
    return [verdict(Verdict.ACK, delivery) for delivery in deliveries]


def record(task_id: str = "t1", state: str = "SUCCESS", body: bytes = b"{}", ttl: float | None = None) -> ResultRecord:
    """Return a result."""
    return ResultRecord(task_id, state, body, ttl=ttl)


def part(index: int, *, size: int = 3, group: str = "g1", failed: bool = False) -> ChordPart:
    """Return a part of a chord."""
    return ChordPart(group, index, f"t{index}", "FAILURE" if failed else "SUCCESS", size, str(index).encode(), failed)
