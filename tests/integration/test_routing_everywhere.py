"""Queues, exchanges, broadcasts and workers' own queues: the same on every broker. Two workers and the client live in the test's process."""

from __future__ import annotations

import io
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from celeriac import Binding, Broadcast, Celeriac, Exchange, Queue, worker_direct
from celeriac.cli.main import run_for
from celeriac.contracts.broker import Exchanges
from celeriac.exceptions import QueueNotFound
from celeriac.testing.worker import start_worker
from tests.harness.rabbitmq import rabbitmq
from tests.harness.redis_server import running
from tests.harness.waiting import eventually

__all__ = ["rabbitmq"]

pytestmark = pytest.mark.timeout(120)

BROKERS = ["memory", "sqlite", "redis", "rabbitmq"]
NAMES = ("w1@here", "w2@here")


def of_kombu(name: str, exchange: str, kind: str, key: str = "", **more: Any) -> Any:
    """Something of the shape of kombu's objects, which settings may hold."""
    shape = {"durable": True, "auto_delete": False, "arguments": None, "delivery_mode": None}
    found = {"name": name, "exchange": SimpleNamespace(name=exchange, type=kind, **shape), "routing_key": key, "bindings": set()}
    return SimpleNamespace(**{**shape, "exclusive": False, "queue_arguments": None, "alias": None, **found, **more})


QUEUES = [
    Queue("celery"),
    Queue("one", Exchange("work"), "number.one"),
    Queue("images", Exchange("media", "topic"), "image.*"),
    Queue("all media", Exchange("media", "topic"), "#"),
    Queue("news a", Exchange("news", "fanout")),
    Queue("news b", bindings=(Binding(Exchange("news", "fanout")), Binding(Exchange("media", "topic"), "press.#"))),
    Queue("big", Exchange("by headers", "headers"), binding_arguments={"x-match": "all", "size": "big"}),
    of_kombu("small", "by headers", "headers", binding_arguments={"x-match": "any", "size": "small", "weight": "light"}),
    of_kombu("kombu topic", "kombus", "topic", "k.#"),
    Broadcast("reload"),
    of_kombu(f"bcast.{uuid.uuid4()}", "refresh", "fanout", alias="refresh", auto_delete=True),
]


class Place:
    """An application on one broker, what its tasks did, and its workers."""

    def __init__(self, broker: str) -> None:
        self.ran: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self.app = Celeriac("routed", broker=broker, backend="cache+memory://" + uuid.uuid4().hex, set_as_current=False)
        self.app.conf.update(task_queues=QUEUES, worker_direct=True, task_routes={"routed.reload": "reload", "routed.glob.*": "images"})
        for name in ("note", "reload", "glob.some"):
            self.app.task(self._noting(), name=f"routed.{name}", bind=True)

    def _noting(self) -> Callable[[Any], None]:
        def note(task: Any) -> None:
            with self._lock:
                self.ran.append((task.request.id, task.request.hostname))

        return note

    def send(self, name: str = "routed.note", **options: Any) -> str:
        """Send a call."""
        return str(self.app.send_task(name, **options).id)

    def runs(self, task_id: str, count: int) -> list[str]:
        """Return which workers ran a call, so many times, once something that was sent after it has run on both."""
        eventually(lambda: len(self._of(task_id)) >= count, f"{count} runs of {task_id}", timeout=20, explain=lambda: str(self.ran))
        later = [self.send(queue=worker_direct(name)) for name in NAMES]
        eventually(lambda: all(map(self._of, later)), "what was sent later has run", timeout=20, explain=lambda: str(self.ran))
        return sorted(self._of(task_id))

    def _of(self, task_id: str) -> list[str]:
        with self._lock:
            return [hostname for one, hostname in self.ran if one == task_id]


def url_of(name: str, request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> str:
    if name == "memory":
        return f"memory://{uuid.uuid4().hex}"
    if name == "sqlite":
        return f"sqlite:///{folder / 'queues.sqlite3'}"
    if name == "redis":
        return stack.enter_context(running(folder)).new_url()
    return str(request.getfixturevalue("rabbitmq").vhost())


@pytest.fixture(scope="module", params=BROKERS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with ExitStack() as stack:
        place = Place(url_of(request.param, request, tmp_path_factory.mktemp(request.param), stack))
        stack.callback(place.app.close)
        for name in NAMES:
            stack.enter_context(start_worker(place.app, hostname=name))
        yield place


def test_every_worker_runs_a_broadcast_task_once(place: Place) -> None:
    assert place.runs(place.send("routed.reload"), 2) == list(NAMES)


def test_kombus_broadcast_is_known_by_its_shape(place: Place) -> None:
    assert place.runs(place.send(queue="refresh"), 2) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_worker_is_addressed_by_its_name(place: Place, name: str) -> None:
    assert place.runs(place.send(queue=worker_direct(name)), 1) == [name]
    assert place.runs(place.send(queue=f"{name}.dq2"), 1) == [name]
    assert place.runs(place.send(exchange="C.dq2", routing_key=name), 1) == [name]


@pytest.mark.parametrize(
    ("options", "copies"),
    [
        ({"queue": "one"}, 1),
        ({"exchange": "work", "routing_key": "number.one"}, 1),
        ({"exchange": "media", "routing_key": "image.png"}, 2),
        ({"exchange": "media", "routing_key": "film"}, 1),
        ({"exchange": "media", "routing_key": "press.a.b"}, 2),
        ({"exchange": "news"}, 2),
        ({"exchange": "by headers", "headers": {"size": "big"}}, 1),
        ({"exchange": "by headers", "headers": {"size": "small", "weight": "light"}}, 1),
        ({"exchange": "by headers", "headers": {"size": "big", "weight": "light"}}, 2),
        ({"exchange": "kombus", "routing_key": "k.x.y"}, 1),
    ],
    ids=["by-queue", "direct", "topic-two", "topic-one", "topic-and-bindings", "fanout", "headers-all", "headers-any", "headers-both", "kombus"],
)
def test_an_exchange_hands_a_message_to_every_queue_that_asks_for_it(place: Place, options: dict[str, Any], copies: int) -> None:
    assert len(place.runs(place.send(**options), copies)) == copies


def test_a_route_to_a_queue_of_a_topic_exchange_goes_by_that_exchange(place: Place) -> None:
    # The routing key of the queue is its pattern, which a topic exchange takes literally: "image.*" is matched by "image.*" and by "#".
    assert len(place.runs(place.send("routed.glob.some"), 2)) == 2


@pytest.mark.parametrize("options", [{"exchange": "work", "routing_key": "number.two"}, {"exchange": "by headers", "headers": {"size": "none"}}])
def test_what_no_queue_takes_is_refused(place: Place, options: dict[str, Any]) -> None:
    with pytest.raises(QueueNotFound, match="No queue is bound to exchange"):
        place.send(**options)


def test_a_message_waits_for_its_time_before_an_exchange_too(place: Place) -> None:
    assert place.runs(place.send("routed.reload", countdown=0.3), 2) == list(NAMES)


def test_a_worker_that_ends_in_good_order_gets_no_broadcasts_any_more(place: Place) -> None:
    with start_worker(place.app, hostname="w3@here", queues="reload"):
        assert Counter(place.runs(place.send("routed.reload"), 3)) == Counter([*NAMES, "w3@here"])

    assert place.runs(place.send("routed.reload"), 2) == list(NAMES)
    assert place.app.broker.depth("reload.w3@here") == 0


# by hand: celeriac amqp


def amqp(place: Place, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run a command of ``celeriac amqp``; return its exit status and what it wrote."""
    status = run_for(place.app, ["amqp", *words])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_single_messages_are_looked_at_and_taken_by_hand(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert amqp(place, capsys, "basic.publish", "hello", "", "by hand")[:2] == (0, "OK\n")

    shown = amqp(place, capsys, "basic.get", "by hand")[1]
    again = amqp(place, capsys, "basic.get", "by hand", "true")[1]

    assert ["'body': 'hello'" in text for text in (shown, again)] == [True, True]
    assert amqp(place, capsys, "basic.get", "by hand")[1] == "The queue is empty.\n"


def test_a_sitting_keeps_what_was_taken_until_it_is_acknowledged(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ['basic.publish "a b" "" desk', "basic.publish c '' desk", "basic.get desk", "basic.ack 1", "basic.ack 1", "nonsense", "queue.purge desk"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))

    status, output, errors = amqp(place, capsys, "repl")

    assert (status, "'body': 'a b'" in output, output.splitlines()[-2:]) == (0, True, ["1 messages deleted.", "OK"])
    assert "No message with the tag 1" in errors
    assert "No such command 'nonsense'" in errors


def test_queues_are_made_and_removed_by_hand(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert amqp(place, capsys, "queue.declare", "mine")[1].startswith("queue:mine messages:0")
    amqp(place, capsys, "basic.publish", "x", "", "mine")

    refused = amqp(place, capsys, "queue.delete", "mine", "false", "true")
    removed = amqp(place, capsys, "queue.delete", "mine")

    assert (refused[0], "1 messages wait" in refused[2]) == (1, True)
    assert removed[1] == "1 messages deleted.\nOK\n"


def test_exchanges_are_made_by_hand_where_there_are_any(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    made = amqp(place, capsys, "exchange.declare", "drawn", "topic")
    if not isinstance(place.app.broker, Exchanges):
        assert (made[0], "needs a broker with exchanges of its own (RabbitMQ)" in made[2]) == (1, True)
        return
    amqp(place, capsys, "queue.declare", "drawn by hand")
    amqp(place, capsys, "queue.bind", "drawn by hand", "drawn", "a.*")

    sent = amqp(place, capsys, "basic.publish", "x", "drawn", "a.b")
    used = amqp(place, capsys, "exchange.delete", "drawn", "true")
    gone = amqp(place, capsys, "exchange.delete", "drawn")
    missing = amqp(place, capsys, "exchange.declare", "drawn", "topic", "true")

    assert (made[1], sent[1], gone[1]) == ("OK\n", "OK\n", "OK\n")
    assert (used[0], "in use" in used[2]) == (1, True)
    assert (missing[0], "no exchange 'drawn'" in missing[2]) == (1, True)
    assert place.app.broker.measure("drawn by hand") == (1, 0)
