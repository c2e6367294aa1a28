"""What stores that several processes share must do when these work, and die, at the same time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from typing import Any

import pytest

from celeriac.contracts.broker import Broker
from celeriac.drivers.registry import open_backend, open_broker, settler_for
from celeriac.model.effects import Writes
from celeriac.model.record import DueChord
from celeriac.testing.conformance.making import ack, fetch, fetch_names, names, publish, record

_processes = multiprocessing.get_context("spawn")


class ProcessesSuite:
    """A driver overrides the fixtures ``broker_url`` and ``backend_url``, of one new store."""

    @pytest.fixture
    def broker_url(self) -> str:
        """Return the URL of a new, empty store."""
        raise pytest.UsageError("this suite needs the fixture broker_url")

    @pytest.fixture
    def backend_url(self) -> str:
        """Return the URL of a new, empty result store."""
        raise pytest.UsageError("this suite needs the fixture backend_url")

    def test_processes_publish_and_claim_each_message_once(self, broker_url: str, backend_url: str) -> None:
        log = _processes.Queue()
        producers = [_start(_produce, broker_url, f"p{n}", 150) for n in range(2)]
        consumers = [_start(_consume, broker_url, backend_url, f"w{n}", log) for n in range(2)]

        claimed = Counter(log.get(timeout=60) for _ in range(300))
        for process in (*producers, *consumers):
            process.join(60)

        assert claimed == Counter(f"p{n}-{i}" for n in range(2) for i in range(150))
        backend = open_backend(backend_url)
        assert backend is not None
        assert len(backend.load(list(claimed))) == 300

    def test_what_a_killed_owner_held_comes_back(self, broker_url: str) -> None:
        broker = _connected(broker_url, "living")
        publish(broker, *(f"m{n}" for n in range(20)))
        log = _processes.Queue()
        doomed = _start(_hold, broker_url, log)
        held = [log.get(timeout=30) for _ in range(10)]

        assert doomed.pid is not None
        os.kill(doomed.pid, signal.SIGKILL)
        doomed.join(30)

        recovered, deadline = 0, time.monotonic() + 30
        while recovered < 10 and time.monotonic() < deadline:
            broker.renew()
            recovered += broker.recover()
            time.sleep(0.05)
        found = fetch(broker)
        assert recovered == 10
        assert names(found) == [f"m{n}" for n in range(20)]
        assert {d.envelope.headers["id"] for d in found if d.redelivered} == set(held)

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
            assert doomed.pid is not None
            os.kill(doomed.pid, signal.SIGKILL)
            doomed.join(30)

        backend = open_backend(backend_url)
        assert backend is not None
        done = set(backend.load(wanted))
        left = names(_connected(broker_url, "doomed").held())
        waiting = fetch_names(broker, limit=1000)
        assert Counter([*done, *left, *waiting]) == Counter(wanted)

    def test_a_waiting_process_is_woken_by_another(self, broker_url: str) -> None:
        broker = _connected(broker_url, "w1")
        producer = _start(_produce, broker_url, "p", 1)

        found = fetch_names(broker, wait=30)
        producer.join(30)

        assert found == ["p-0"]

    def test_a_forked_child_opens_its_own(self, broker_url: str) -> None:
        broker = _connected(broker_url, "parent")
        publish(broker, "before")

        forked = multiprocessing.get_context("fork").Process(target=_publish_in_child, args=(broker,))
        forked.start()
        forked.join(30)

        assert forked.exitcode == 0
        publish(broker, "after")
        assert fetch_names(broker) == ["before", "child", "after"]


def _start(target: Any, *arguments: Any) -> Any:
    process = _processes.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def _connected(url: str, owner: str, lease: float = 10.0) -> Any:
    broker = open_broker(url, owner=owner, options={"lease": lease})
    broker.connect()
    return broker


def _publish_in_child(broker: Broker) -> None:
    publish(broker, "child")


def _produce(url: str, name: str, count: int) -> None:
    broker = _connected(url, "")
    for n in range(count):
        publish(broker, f"{name}-{n}")


def _consume(url: str, backend_url: str, owner: str, log: Any, pause: float = 0.0) -> None:
    broker, idle = _connected(url, owner), 0
    backend = open_backend(backend_url)
    settler = settler_for(broker, backend)
    while idle < 10:
        found = fetch(broker, limit=5, wait=0.2)
        idle = 0 if found else idle + 1
        settler.flush([Writes(ack(d)[0], (record(d.envelope.headers["id"]),)) for d in found], _no_body)
        time.sleep(pause)
        for name in names(found):
            log.put(name)


def _no_body(_chord: DueChord) -> Any:
    raise AssertionError("no chord was due")


def _hold(url: str, log: Any) -> None:
    broker = _connected(url, "doomed", lease=1.0)
    for name in names(fetch(broker, limit=10)):
        log.put(name)
    time.sleep(60)
