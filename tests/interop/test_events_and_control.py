"""Monitors of both kinds over workers of both kinds: events, and remote control with its replies, on Redis and RabbitMQ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.rabbitmq import RabbitServer, rabbitmq  # noqa: F401 (a fixture)
from tests.harness.redis_server import running
from tests.harness.waiting import PATIENCE
from tests.interop.fleet_sides import SIDES, Client, Fleet
from tests.interop.peer import require_peers

NODES = {"celery": "theirs@test", "ours": "ours@test"}
QUEUES = {"celery": "theirs", "ours": "ours"}
WORKER_FIELDS = {"freq", "active", "processed", "loadavg", "sw_ident", "sw_ver", "sw_sys"}
COMMON = {"type", "hostname", "utcoffset", "pid", "clock", "timestamp"}
RECEIVED = {"uuid", "name", "args", "kwargs", "root_id", "parent_id", "retries", "eta", "expires"}

pytestmark = pytest.mark.timeout(120)


class Monitors:
    """A listener of each kind, which hears everything, beside a worker of each kind."""

    def __init__(self, fleet: Fleet) -> None:
        fleet.heartbeats = True
        fleet.conf = {"task_send_sent_event": True, "worker_send_task_events": True}
        workers = [fleet.worker("celery", "theirs", "-P", "threads", "-c", "2", "-n", NODES["celery"])]
        workers += [fleet.worker("ours", "ours", "-c", "2", "-n", NODES["ours"])]
        self.clients = {side: Client(fleet, side, "event_side.py") for side in SIDES}
        for worker in workers:
            worker.ready()
        for client in self.clients.values():
            assert client.ask("listen")["listening"]

    def heard(self, side: str, about: str, kind: str) -> dict[str, dict[str, Any]]:
        """Return, by type, the events that one kind of listener has heard about a call or a node."""
        events = self.clients[side].ask("heard", about=about, type=kind, timeout=15 * PATIENCE)["events"]
        return {event["type"]: event for event in events}

    def remote(self, side: str, method: str, *words: Any, to: str, inspect: bool = True, timeout: float = 5.0, **arguments: Any) -> Any:
        """Ask the worker of one kind by the client of another; return its answer."""
        named = {"method": method, "words": words, "arguments": arguments, "timeout": timeout * PATIENCE, "inspect": inspect}
        found = self.clients[side].ask("remote", nodes=[NODES[to]], **named)
        answers = found["answer"]
        merged = answers if isinstance(answers, dict) else {node: said for each in answers or () for node, said in each.items()}
        assert list(merged) == [NODES[to]], f"{side} asks {to} {method}: {answers}"
        return merged[NODES[to]]


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def monitors(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitors]:
    require_peers()
    folder = Path(tmp_path_factory.mktemp("monitors"))
    if request.param == "redis":
        with running(folder) as redis:
            yield from _monitors(Fleet(folder, redis.new_url()))
    else:
        server: RabbitServer = request.getfixturevalue("rabbitmq")
        fleet = Fleet(folder, server.vhost())
        fleet.backend = "rpc://"
        yield from _monitors(fleet)


def _monitors(fleet: Fleet) -> Iterator[Monitors]:
    try:
        yield Monitors(fleet)
    finally:
        fleet.close()


@pytest.mark.parametrize("listener", SIDES)
@pytest.mark.parametrize("runner", SIDES)
def test_the_life_of_a_task_is_told_to_both_kinds(monitors: Monitors, listener: str, runner: str) -> None:
    sender = "celery" if runner == "ours" else "ours"
    task_id = monitors.clients[sender].ask("send", name="fleet.add", args=[2, 3], queue=QUEUES[runner])["id"]

    found = monitors.heard(listener, task_id, "task-succeeded")

    assert {"task-sent", "task-received", "task-started", "task-succeeded"} == set(found)
    assert found["task-sent"].keys() >= {*COMMON, *RECEIVED, "queue", "exchange", "routing_key"}
    assert found["task-received"].keys() >= {*COMMON, *RECEIVED}
    assert found["task-succeeded"].keys() >= {*COMMON, "uuid", "result", "runtime"}
    assert ("fleet.add", "5") == (found["task-received"]["name"], found["task-succeeded"]["result"])
    assert (QUEUES[runner], QUEUES[runner]) == (found["task-sent"]["queue"], found["task-sent"]["routing_key"])
    assert NODES[runner] == found["task-started"]["hostname"]


@pytest.mark.parametrize("listener", SIDES)
def test_failures_and_retries_of_ours_are_told(monitors: Monitors, listener: str) -> None:
    other = "celery" if listener == "ours" else "ours"
    failed = monitors.clients[other].ask("send", name="fleet.fail", args=[], queue="ours")["id"]
    again = monitors.clients[other].ask("send", name="fleet.again", args=[1], queue="ours")["id"]

    failure = monitors.heard(listener, failed, "task-failed")["task-failed"]
    assert "ValueError('broken', 7)" == failure["exception"]
    assert "Traceback" in failure["traceback"]
    found = monitors.heard(listener, again, "task-succeeded")
    assert "ValueError('not yet')" == found["task-retried"]["exception"]


@pytest.mark.parametrize("listener", SIDES)
@pytest.mark.parametrize("node", SIDES)
def test_heartbeats_are_heard_by_both_kinds(monitors: Monitors, listener: str, node: str) -> None:
    found = monitors.heard(listener, NODES[node], "worker-heartbeat")["worker-heartbeat"]

    # One of Celery's that was asked for says less than those that come by themselves.
    assert found.keys() >= {*COMMON, *(WORKER_FIELDS if node == "ours" else {"freq", "sw_ident"})}


@pytest.mark.parametrize(("asker", "asked"), [("celery", "ours"), ("ours", "celery"), ("ours", "ours")])
def test_both_kinds_answer_both_kinds(monitors: Monitors, asker: str, asked: str) -> None:
    ask = monitors.remote

    assert {"ok": "pong"} == ask(asker, "ping", to=asked)
    assert {"total", "pid", "clock", "pool", "broker", "prefetch_count", "rusage"} <= ask(asker, "stats", to=asked).keys()
    assert any(line.startswith("fleet.add") for line in ask(asker, "registered", to=asked))
    assert [QUEUES[asked]] == [queue["name"] for queue in ask(asker, "active_queues", to=asked)]
    assert [] == ask(asker, "active", to=asked)
    assert [] == ask(asker, "reserved", to=asked)
    assert [] == ask(asker, "scheduled", to=asked)
    assert "broker_url" in ask(asker, "conf", to=asked)
    gone = "7b6c2a5e-0000-4000-8000-00000000000" + str(len(asker) % 10)
    assert "flagged as revoked" in ask(asker, "revoke", gone, to=asked, inspect=False)["ok"]
    assert gone in ask(asker, "revoked", to=asked)
    assert {} == ask(asker, "query_task", gone, to=asked)
    assert {"ok": "new rate limit set successfully"} == ask(asker, "rate_limit", "fleet.note", "10/s", to=asked, inspect=False)
    assert {"ok": "task events already enabled"} == ask(asker, "enable_events", to=asked, inspect=False)
    assert {"ok": "add consumer extra"} == ask(asker, "add_consumer", "extra", to=asked, inspect=False)
    assert "no longer consuming" in ask(asker, "cancel_consumer", "extra", to=asked, inspect=False)["ok"]


def test_our_client_stops_waiting_when_all_that_it_asked_have_answered(monitors: Monitors) -> None:
    named = {"method": "broadcast", "words": ["ping"], "arguments": {}, "timeout": 60.0, "inspect": False}

    found = monitors.clients["ours"].ask("remote", nodes=sorted(NODES.values()), **named)

    assert 2 == len(found["answer"])
    assert found["seconds"] < 30
