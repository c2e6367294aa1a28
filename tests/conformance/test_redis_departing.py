"""Handing a Redis back to real Celery, seen from its keys."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from celeriac.contracts.broker import DeadTo, Remains
from celeriac.contracts.schedule_store import ScheduleRecord
from celeriac.drivers.redis import departing
from celeriac.drivers.redis.opening import schedule_store
from celeriac.drivers.registry import open_backend, open_broker
from celeriac.lib.urls import parse
from celeriac.model.envelope import Envelope, Outgoing, Verdict
from celeriac.model.errors import OperationalError, UnsupportedPower
from celeriac.model.record import ResultRecord
from celeriac.testing.conformance.making import message, publish, verdict
from tests.harness.redis_server import RedisServer, running

ODD = ("plain", "a:dead", "with {braces} inside", "x:held:y", "q.dead", "*?[")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture(autouse=True)
def no_clients_are_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has to be waited for."""
    monkeypatch.setattr(departing, "ANYBODY_TTL", 0.0)


@pytest.fixture
def url(server: RedisServer) -> str:
    return server.new_url()


@pytest.fixture
def raw(url: str) -> Iterator[Any]:
    with redis.Redis.from_url(url) as client:
        yield client


@pytest.fixture(params=["", "pre[*]:"], ids=["", "prefixed"])
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(url: str, owner: str = "", prefix: str = "") -> Any:
    broker = open_broker(url, owner=owner, options={"lease": 0.3, "global_keyprefix": prefix})
    broker.connect()
    return broker


def texts(raw: Any, key: str) -> list[dict[str, Any]]:
    """Return what stands in a list, the next to be taken first."""
    return [json.loads(text) for text in reversed(raw.lrange(key, 0, -1))]


def ids(raw: Any, key: str) -> list[str]:
    return [text["headers"]["id"] for text in texts(raw, key)]


def test_every_message_is_where_celery_looks_and_no_key_of_ours_is_left(url: str, raw: Any, prefix: str) -> None:
    worker = opened(url, "w1", prefix)
    due = time.time() + 60
    for queue in ODD:
        worker.fetch([queue], limit=1, wait=0)
        publish(worker, f"dead in {queue}", f"held of {queue}", queue=queue)
        set_aside, _ = worker.fetch([queue], limit=2, wait=0)
        worker.settle([verdict(Verdict.REJECT, set_aside, reason="x")])
        publish(worker, f"later in {queue}", queue=queue, due=due, priority=5)
        publish(worker, f"waits in {queue}", queue=queue)
    time.sleep(0.4)
    client = opened(url, prefix=prefix)

    was = client.depart(DeadTo.QUEUES)

    assert (was.held, was.delayed, was.dead, was.unreadable) == (len(ODD), len(ODD), len(ODD), 0)
    assert [key for key in raw.scan_iter() if key.startswith(f"{prefix}celeriac:".encode())] == []
    for queue in ODD:
        assert ids(raw, prefix + queue) == [f"held of {queue}", f"waits in {queue}", f"dead in {queue}"]
        assert ids(raw, f"{prefix}{queue}\x06\x163") == [f"later in {queue}"]
    assert not any(name.startswith("celeriac-") for queue in ODD for text in texts(raw, prefix + queue) for name in text["properties"])


def test_what_has_begun_and_may_not_run_again_does_not_run_under_celery(url: str, raw: Any, prefix: str) -> None:
    worker = opened(url, "w1", prefix)
    for queue in ODD:
        worker.fetch([queue], limit=1, wait=0)
        publish(worker, f"begun in {queue}", f"held of {queue}", queue=queue)
        begun, _ = worker.fetch([queue], limit=2, wait=0)
        worker.settle([verdict(Verdict.BEGIN, begun)])
    time.sleep(0.4)

    opened(url, prefix=prefix).depart(DeadTo.QUEUES)

    assert [key for key in raw.scan_iter() if key.startswith(f"{prefix}celeriac:".encode())] == []
    assert [[f"held of {queue}"] for queue in ODD] == [ids(raw, prefix + queue) for queue in ODD]


def test_what_is_delayed_says_so_to_celery(url: str, raw: Any) -> None:
    worker = opened(url, "w1")
    due = time.time() + 60
    kept = message("says it").replace(due=due)
    headers = {**kept.envelope.headers, "eta": "2030-01-01T00:00:00+02:00"}
    publish(worker, "first")
    (first,) = worker.fetch(["celery"], limit=1, wait=0)
    worker.settle([verdict(Verdict.POSTPONE, first, until=due)])
    worker.publish([kept.replace(envelope=kept.envelope.replace(headers=headers), due=1893448800.0)])
    version_1 = Envelope({}, b"{}", properties={"correlation_id": "old"})
    worker.publish([Outgoing(version_1, "celery", due=due + 1)])
    worker.release()

    opened(url).depart(DeadTo.QUEUES)

    first_text, old, second = texts(raw, "celery")
    assert first_text["headers"]["eta"].endswith("+00:00")
    assert (old["headers"], old["properties"]["correlation_id"]) == ({}, "old")
    assert second["headers"]["eta"] == "2030-01-01T00:00:00+02:00"


@pytest.mark.parametrize(
    ("to", "back", "aside"),
    [(DeadTo.QUEUES, ["a"], [b"no message"]), (DeadTo.ASIDE, [], ["a", b"no message"]), (DeadTo.DROP, [], [])],
)
def test_dead_letters_go_where_they_are_wanted(url: str, raw: Any, to: DeadTo, back: list[str], aside: list[Any]) -> None:
    worker = opened(url, "w1")
    publish(worker, "a")
    raw.lpush("celery", b"no message")
    for delivery in worker.fetch(["celery"], limit=2, wait=0):
        worker.settle([verdict(Verdict.REJECT, delivery, reason="x")])
    worker.release()

    was = opened(url).depart(to)

    assert (was.dead, was.unreadable) == (2, 1)
    assert ids(raw, "celery") == back
    found = [text if text == b"no message" else json.loads(text)["headers"]["id"] for text in reversed(raw.lrange("celery.dead", 0, -1))]
    assert found == aside
    assert raw.keys("celeriac:*") == []


def test_nothing_moves_while_a_worker_lives(url: str, raw: Any) -> None:
    worker, client = opened(url, "w1"), opened(url)
    publish(worker, "a", due=time.time() + 60)
    worker.fetch(["celery"], limit=1, wait=0)

    assert client.present() == ["w1"]
    with pytest.raises(OperationalError, match="w1"):
        client.depart(DeadTo.QUEUES)
    assert client.depth("celery") == 1
    worker.release()
    assert client.present() == []


def test_the_scheduler_counts_as_living_and_its_entries_go(url: str, raw: Any) -> None:
    store, client = schedule_store(parse(url), {}), opened(url)
    store.put([ScheduleRecord("nightly", b"")])
    store.lead("beat@host", 0.3)
    assert client.present() == ["beat@host (scheduler)"]
    time.sleep(0.4)

    assert client.remains().schedule == 1
    client.depart(DeadTo.QUEUES)

    assert raw.keys("celeriac:*") == []


def test_what_is_not_ours_stays(url: str, raw: Any) -> None:
    worker = opened(url, "w1")
    mine = {"unacked": "hash", "my:celeriac:thing": "string", "celery-task-meta-t": "string", "celery-taskset-meta-g.j": "zset"}
    raw.hset("unacked", "tag", "[]")
    raw.set("my:celeriac:thing", 1)
    raw.zadd("celery-taskset-meta-g.j", {"part": 0})
    raw.set("celery-taskset-meta-g.celeriac", 1)
    backend: Any = open_backend(url)
    backend.store([ResultRecord("t", "SUCCESS", b"odd", "application/x-odd", "binary")])
    worker.fetch(["celery"], limit=1, wait=0)
    worker.release()

    opened(url).depart(DeadTo.QUEUES)

    assert backend.withdraw() == 2
    assert {key.decode(): raw.type(key).decode() for key in raw.scan_iter()} == mine


def test_a_command_that_a_lost_machine_left_behind_takes_nothing_any_more(url: str, raw: Any, server: RedisServer) -> None:
    worker = opened(url, "w1")
    worker.fetch(["celery"], limit=1, wait=0)
    database = url.rpartition("/")[2]
    with socket.create_connection(("127.0.0.1", server.port)) as lost:
        lost.sendall(f"HELLO 3\r\nSELECT {database}\r\nCLIENT TRACKING ON\r\nBLMOVE celery celeriac:{{celery}}:taken:w1 RIGHT LEFT 60\r\n".encode())
        time.sleep(0.4)

        opened(url).depart(DeadTo.QUEUES)
        publish(opened(url), "a")

        assert ids(raw, "celery") == ["a"]
    assert [key for key in raw.keys("celeriac:*") if b":sent:" not in key] == []


def test_it_may_be_done_again(url: str) -> None:
    client = opened(url)

    assert client.depart(DeadTo.QUEUES) == Remains()
    assert client.depart(DeadTo.QUEUES) == Remains()


def test_celery_does_not_run_in_a_cluster(server: RedisServer) -> None:
    broker = open_broker(f"redis+cluster://127.0.0.1:{server.port}/0")

    with pytest.raises(UnsupportedPower, match="Cluster"):
        broker.depart(DeadTo.QUEUES)
