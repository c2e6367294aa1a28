from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from celeriac.drivers.registry import open_backend, open_broker
from celeriac.lib.clock import SystemClock
from celeriac.model.topology import Queue
from celeriac.testing.conformance import (
    BroadcastsSuite,
    BrokerSuite,
    ChordsSuite,
    DeadLettersSuite,
    DelaysSuite,
    DueChordsSuite,
    PrioritizesSuite,
    ProcessesSuite,
    RemovesDelayedSuite,
    RoutingSuite,
    SettlerSuite,
    ShowsDelayedSuite,
)
from celeriac.testing.conformance.making import QUEUE, fetch, fetch_names, names, publish
from celeriac.testing.conformance.processes import _connected, _consume, _hold, _processes, _start
from tests.harness.rabbitmq import RabbitServer, rabbitmq  # noqa: F401 (a fixture)


class RabbitMq:
    @pytest.fixture
    def clock(self):
        return SystemClock()

    @pytest.fixture
    def broker_url(self, rabbitmq: RabbitServer) -> str:  # noqa: F811
        return rabbitmq.vhost()

    @pytest.fixture
    def backend_url(self, tmp_path: Path) -> str:
        return f"db+sqlite:///{tmp_path}/results.sqlite3"

    @pytest.fixture
    def make_broker(self, broker_url: str):
        opened = []

        def make(owner: str = "w1", lease: float = 10.0) -> Any:
            broker = open_broker(broker_url, owner=owner, options={"lease": lease})
            broker.connect()
            opened.append(broker)
            return broker

        yield make
        for broker in opened:
            broker.close()

    @pytest.fixture
    def make_backend(self, backend_url: str):
        return lambda: open_backend(backend_url)


class TestBroker(RabbitMq, BrokerSuite): ...


class TestRouting(RabbitMq, RoutingSuite): ...


class TestDelays(RabbitMq, DelaysSuite): ...


class TestShowingDelayed(RabbitMq, ShowsDelayedSuite): ...


class TestRemovingDelayed(RabbitMq, RemovesDelayedSuite): ...


class TestPriorities(RabbitMq, PrioritizesSuite):
    @pytest.fixture
    def broker(self, make_broker):
        broker = make_broker()
        broker.declare([Queue(QUEUE, max_priority=255)])
        return broker


class TestDeadLetters(RabbitMq, DeadLettersSuite): ...


class TestBroadcasts(RabbitMq, BroadcastsSuite): ...


class TestSettler(RabbitMq, SettlerSuite): ...


class Rpc(RabbitMq):
    """Results are messages that only callers can read; the parts of chords are kept by the server."""

    @pytest.fixture
    def make_backend(self, broker_url: str):
        opened = []

        def make() -> Any:
            opened.append(open_backend("rpc://", options={"broker_url": broker_url}))
            opened[-1].connect()
            return opened[-1]

        yield make
        for backend in opened:
            backend.close()


class TestChordsByMessages(Rpc, ChordsSuite): ...


class TestDueChordsByMessages(Rpc, DueChordsSuite): ...


class TestProcesses(RabbitMq, ProcessesSuite):
    """The server itself puts back what a dead owner held: there is nothing to renew, to recover or to be held by another's name."""

    def test_what_a_killed_owner_held_comes_back(self, broker_url: str) -> None:
        broker = _connected(broker_url, "living")
        publish(broker, *(f"m{n}" for n in range(20)))
        log = _processes.Queue()
        doomed = _start(_hold, broker_url, log)
        held = [log.get(timeout=30) for _ in range(10)]

        os.kill(doomed.pid, signal.SIGKILL)
        doomed.join(30)

        deadline = time.monotonic() + 5
        while broker.depth(QUEUE) < 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        found = fetch(broker)
        assert names(found) == [f"m{n}" for n in range(20)]
        assert {d.envelope.headers["id"] for d in found if d.redelivered} == set(held)
        broker.close()

    def test_a_kill_at_any_moment_leaves_no_message_lost_or_doubled(self, broker_url: str, backend_url: str) -> None:
        broker = _connected(broker_url, "living")
        wanted = [f"m{n}" for n in range(300)]
        publish(broker, *wanted)
        log = _processes.Queue()

        for round_ in range(3):
            doomed = _start(_consume, broker_url, backend_url, "doomed", log, 0.002)
            for _ in range(20):
                log.get(timeout=30)
            time.sleep(0.003 * round_)
            os.kill(doomed.pid, signal.SIGKILL)
            doomed.join(30)

        done = set(open_backend(backend_url).load(wanted))
        deadline = time.monotonic() + 5
        while broker.depth(QUEUE) < len(wanted) - len(done) and time.monotonic() < deadline:
            time.sleep(0.01)
        waiting = fetch_names(broker, limit=1000)
        # A result is stored before its message is acknowledged: what was killed between the two is delivered again, and nothing twice.
        assert set(wanted) == {*done, *waiting}
        assert max(Counter(waiting).values()) == 1
        assert len(done) + len(waiting) - len(wanted) <= 3 * 5
        broker.close()
