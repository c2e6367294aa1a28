"""Every command of remote control, asked of a worker of each kind by a client of each kind: the answers have the same shapes, key by key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.rabbitmq import RabbitServer, rabbitmq  # noqa: F401 (a fixture)
from tests.harness.redis_server import running
from tests.harness.waiting import PATIENCE, eventually
from tests.interop.fleet_sides import SIDES, Client, Fleet
from tests.interop.peer import require_peers

NODES = {"celery": "theirs@test", "ours": "ours@test"}
QUEUES = {"celery": "theirs", "ours": "ours"}
GONE = "7b6c2a5e-0000-4000-8000-000000000001"

pytestmark = pytest.mark.timeout(180)

Call = tuple[str, dict[str, Any]]
"""A command and its arguments, as they travel."""

ASKED: list[Call] = [
    ("ping", {}), ("stats", {}), ("registered", {"taskinfoitems": [], "builtins": False}), ("registered", {"taskinfoitems": ["max_retries"]}),
    ("dump_tasks", {}), ("active_queues", {}), ("conf", {"with_defaults": False}), ("conf", {"with_defaults": True}), ("dump_conf", {}),
    ("active", {"safe": None}), ("dump_active", {}), ("reserved", {}), ("dump_reserved", {}), ("scheduled", {"safe": None}), ("dump_schedule", {}),
    ("query_task", {"ids": [GONE]}), ("query_task", {"ids": GONE}), ("clock", {}), ("report", {}),
    ("hello", {"from_node": "new@test", "revoked": None}),
    ("revoked", {}), ("dump_revoked", {}), ("heartbeat", {}), ("enable_events", {}), ("enable_events", {}), ("disable_events", {}),
    ("disable_events", {}), ("revoke", {"task_id": GONE, "terminate": False, "signal": "SIGTERM"}), ("revoke", {"task_id": [GONE, "x"]}),
    ("revoke", {"task_id": "y", "terminate": True, "signal": "SIGTERM"}), ("terminate", {"signal": "SIGTERM", "task_id": "z"}),
    ("revoke_by_stamped_headers", {"headers": {"season": "spring"}, "terminate": False, "signal": "SIGTERM"}),
    ("revoke_by_stamped_headers", {"headers": ["season=summer"], "terminate": True, "signal": "SIGTERM"}),
    ("rate_limit", {"task_name": "fleet.note", "rate_limit": "10/s"}), ("rate_limit", {"task_name": "fleet.note", "rate_limit": 0}),
    ("rate_limit", {"task_name": "fleet.note", "rate_limit": "many"}), ("rate_limit", {"task_name": "nothing", "rate_limit": "1/s"}),
    ("time_limit", {"task_name": "fleet.note", "hard": 60, "soft": 30}), ("time_limit", {"task_name": "nothing", "hard": 60, "soft": None}),
    ("pool_grow", {"n": 1}), ("pool_shrink", {"n": 1}), ("autoscale", {"max": 3, "min": 1}), ("pool_restart", {"modules": None, "reload": False}),
    ("add_consumer", {"queue": "extra", "exchange": None, "exchange_type": "direct", "routing_key": None}), ("cancel_consumer", {"queue": "extra"}),
    ("cancel_consumer", {"queue": "never"}), ("nonsense", {}), ("rate_limit", {}),
]  # fmt: skip

TEXTS = frozenset({
    "ping", "query_task", "enable_events", "disable_events", "heartbeat", "revoke", "terminate", "revoke_by_stamped_headers", "rate_limit",
    "time_limit", "add_consumer", "cancel_consumer", "pool_grow", "pool_shrink", "autoscale", "pool_restart", "nonsense",
})  # fmt: skip
"""Commands whose answers are the same to the letter; of errors the kind is."""
OF_ITS_OWN = frozenset({"total", "rusage", "writes", "failover_strategy", "conf", "dump_conf"})
"""What names its own tasks, settings or means: that it is there, and of the same kind, is all."""


class Both:
    """A worker of each kind and a client of each, on one broker."""

    def __init__(self, fleet: Fleet) -> None:
        fleet.heartbeats = True
        self.fleet = fleet
        workers = [fleet.worker(side, QUEUES[side], "-c", "1", "-n", NODES[side]) for side in SIDES]
        self.clients = {side: Client(fleet, side, "event_side.py") for side in SIDES}
        for worker in workers:
            worker.ready()

    def ask(self, client: str, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Ask both workers by one kind of client; return the answers by the kind of worker."""
        named = {"method": "broadcast", "words": [command, arguments], "arguments": {"limit": 2}, "timeout": 10.0 * PATIENCE, "inspect": False}
        replies = self.clients[client].ask("remote", nodes=sorted(NODES.values()), **named)["answer"]
        found = {node: answer for each in replies for node, answer in each.items()}
        assert set(NODES.values()) == set(found), f"{command} by the client of {client}: {found}"
        return {side: found[node] for side, node in NODES.items()}


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    require_peers()
    folder = Path(tmp_path_factory.mktemp("commands"))
    if request.param == "redis":
        with running(folder) as redis:
            yield from _both(Fleet(folder, redis.new_url()))
    else:
        server: RabbitServer = request.getfixturevalue("rabbitmq")
        fleet = Fleet(folder, server.vhost())
        fleet.backend = "rpc://"
        yield from _both(fleet)


def _both(fleet: Fleet) -> Iterator[Both]:
    try:
        yield Both(fleet)
    finally:
        fleet.close()


@pytest.mark.parametrize("client", SIDES)
def test_every_command_is_answered_in_the_same_shape(both: Both, client: str) -> None:
    differing: list[str] = []
    for command, arguments in ASKED:
        answers = both.ask(client, command, arguments)
        differing += differences(answers["celery"], answers["ours"], (f"{command}({arguments})", command), to_the_letter=command in TEXTS)

    assert [] == differing, "\n".join(differing)


@pytest.mark.parametrize("client", SIDES)
def test_what_runs_and_what_is_delayed_is_told_in_the_same_shape(both: Both, client: str, tmp_path: Path) -> None:
    until = tmp_path / "until"
    sent: dict[str, list[str]] = {side: [] for side in SIDES}
    try:
        # A worker all of whose processes are busy fetches nothing, so what is delayed comes first.
        told: list[Any] = [("scheduled", "fleet.add", [1, 2], {"countdown": 600}), ("active", "fleet.hold", [str(until)], {})]
        for command, name, args, options in told:
            for side in SIDES:
                # Our client would let RabbitMQ hold what is delayed: Celery's worker could not tell of it.
                call = both.clients["celery"].ask("send", name=name, args=args, queue=QUEUES[side], options=options)
                sent[side].append(call["id"])
            answers = eventually(lambda command=command: _all_there(both.ask(client, command, {})), f"both tell what is {command}", timeout=15)
            assert [] == differences(answers["celery"], answers["ours"], (command,))
        answers = both.ask(client, "query_task", {"ids": [task_id for ids in sent.values() for task_id in ids]})
        for side in SIDES:
            assert dict(zip(reversed(sent[side]), ("active", "scheduled"))) == {task_id: word for task_id, (word, _) in answers[side].items()}
        assert [] == differences(*(answers[side][sent[side][-1]] for side in SIDES), ("query_task",))
    finally:
        until.touch()
        both.ask(client, "revoke", {"task_id": [ids[0] for ids in sent.values()]})


@pytest.mark.parametrize("client", SIDES)
def test_ours_answers_within_100_ms_while_its_process_is_busy(both: Both, client: str, tmp_path: Path) -> None:
    until = tmp_path / "until"
    both.clients[client].ask("send", name="fleet.hold", args=[str(until)], queue=QUEUES["ours"])
    try:
        eventually(lambda: both.ask(client, "active", {})["ours"], "it is busy", timeout=15)
        named = {"method": "broadcast", "words": ["ping"], "arguments": {"limit": 1}, "timeout": 5.0 * PATIENCE, "inspect": False}
        took = [both.clients[client].ask("remote", nodes=[NODES["ours"]], **named)["seconds"] for _ in range(15)]
    finally:
        until.touch()

    print(f"ping of a busy worker by the client of {client}, {both.fleet.url.partition(':')[0]}: {1000 * sorted(took)[7]:.1f} ms")
    assert sorted(took)[7] < 0.1 * PATIENCE, took


def _all_there(answers: dict[str, Any]) -> dict[str, Any] | None:
    return answers if all(answers.values()) else None


def differences(theirs: Any, ours: Any, path: tuple[str, ...], *, to_the_letter: bool = False) -> list[str]:
    """Return in what two answers differ: keys, kinds of values, whether it is an error; what they say, where that has to be the same."""
    if path[-1] == "priority" and not theirs and not ours:
        # Of a message without one on RabbitMQ Celery says None, ours 0.
        return []
    if kind(theirs) != kind(ours):
        return [f"{' '.join(path)}: {theirs!r} and {ours!r}"]
    if path[-1] in OF_ITS_OWN:
        return []
    if isinstance(theirs, dict) and theirs.keys() != ours.keys():
        return [f"{' '.join(path)}: only one has {sorted(theirs.keys() ^ ours.keys())}"]
    if isinstance(theirs, dict):
        return [each for key in theirs for each in differences(theirs[key], ours[key], (*path, key), to_the_letter=to_the_letter and key != "error")]
    if isinstance(theirs, list) and theirs and ours:
        return differences(theirs[0], ours[0], (*path, "[0]"), to_the_letter=to_the_letter)
    return [f"{' '.join(path)}: {theirs!r} and {ours!r}"] if to_the_letter and said(theirs) != said(ours) else []


def kind(value: Any) -> str:
    """Return what JSON knows a value as."""
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def said(text: Any) -> Any:
    """Return an answer without the order of a set's items."""
    return sorted(str(text))
