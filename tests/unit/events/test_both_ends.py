"""Dispatchers and receivers, over a broker in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from celeriac import Celeriac
from celeriac.events import EventDispatcher, EventReceiver, Polaroid, State
from celeriac.events.dumper import Dumper
from celeriac.lib.ids import uuid
from celeriac.model.errors import ImproperlyConfigured, OperationalError
from celeriac.model.event import Event as Occurrence


@pytest.fixture
def app() -> Iterator[Celeriac]:
    with Celeriac("proj", broker=f"memory://{uuid()}", backend="cache+memory://", set_as_current=False) as app:
        yield app


class Heard:
    """A receiver in a thread."""

    def __init__(self, app: Celeriac, **options: Any) -> None:
        self.events: list[dict[str, Any]] = []
        ready = threading.Event()
        self.receiver: EventReceiver = app.events.Receiver(handlers={"*": self.events.append}, **options)
        self.receiver.on_ready = ready.set  # type: ignore[method-assign]
        self.thread = threading.Thread(target=self.receiver.capture, kwargs={"limit": 3, "timeout": 20}, daemon=True)
        self.thread.start()
        assert ready.wait(10)

    def types(self) -> list[str]:
        self.thread.join(20)
        return [event["type"] for event in self.events]


def test_what_is_sent_is_heard_with_the_fields_that_all_events_have(app: Celeriac) -> None:
    heard = Heard(app)
    with app.events.default_dispatcher(hostname="me@here") as dispatcher:
        for number in range(3):
            dispatcher.send("task-mine", uuid="1", number=number)

    assert ["task-mine"] * 3 == heard.types()
    first = heard.events[0]
    assert ("me@here", "1", 0) == (first["hostname"], first["uuid"], first["number"])
    assert {"pid", "clock", "utcoffset", "timestamp", "local_received"} <= first.keys()
    assert [1, 2, 3] == sorted(event["clock"] - first["clock"] + 1 for event in heard.events)


def test_gathered_events_leave_together(app: Celeriac) -> None:
    heard = Heard(app)
    called: list[int] = []
    dispatcher = app.events.Dispatcher(buffer_group={"task"}, buffer_limit=3, on_send_buffered=lambda: called.append(1))

    dispatcher.send("task-a", uuid="1")
    dispatcher.send("task-b", uuid="1")
    assert ([], [1, 1]) == (heard.events, called)
    dispatcher.send("task-c", uuid="1")

    assert ["task-a", "task-b", "task-c"] == heard.types()


def test_groups_and_the_switch_choose(app: Celeriac) -> None:
    heard = Heard(app, routing_key="worker.#")
    said: list[str] = []
    dispatcher = app.events.Dispatcher(groups={"worker"}, enabled=False)
    dispatcher.on_enabled.add(lambda: said.append("on"))
    dispatcher.on_disabled.add(lambda: said.append("off"))

    dispatcher.send("worker-early")
    dispatcher.enable()
    dispatcher.send("task-unwanted", uuid="1")
    for kind in ("worker-online", "worker-heartbeat", "worker-offline"):
        dispatcher.send(kind)
    dispatcher.disable()

    assert ["worker-online", "worker-heartbeat", "worker-offline"] == heard.types()
    assert ["on", "off"] == said


class Away:
    """A broker that cannot be reached at first."""

    def __init__(self) -> None:
        self.there = False
        self.sent: list[Any] = []

    def broadcast(self, outgoing: list[Any]) -> None:
        if not self.there:
            raise OperationalError("away")
        self.sent += [message.routing_key for message in outgoing]


def test_while_the_broker_is_away_events_are_kept_or_refused(app: Celeriac) -> None:
    broker = Away()
    keeps = EventDispatcher(app=app, broker=broker)  # type: ignore[arg-type]
    refuses = EventDispatcher(app=app, broker=broker, buffer_while_offline=False)  # type: ignore[arg-type]

    keeps.send("task-a", uuid="1")
    with pytest.raises(OperationalError):
        refuses.send("task-b", uuid="1")
    broker.there = True
    keeps.send("task-c", uuid="1")

    assert ["task.a", "task.c"] == broker.sent


class Deaf:
    """A broker to whose broadcasts nobody listens."""

    def __init__(self) -> None:
        self.sent = 0

    def broadcast(self, outgoing: list[Any]) -> bool:
        self.sent += len(outgoing)
        return False


def test_what_nobody_would_hear_is_not_written(app: Celeriac) -> None:
    broker = Deaf()
    dispatcher = EventDispatcher(app=app, broker=broker, buffer_group=("task",))  # type: ignore[arg-type]

    assert dispatcher.post([Occurrence("task-started", {"uuid": str(number)}, 1.0) for number in range(5000)]) is False
    assert 1 == broker.sent


def test_a_receiver_gives_up_when_nothing_comes(app: Celeriac) -> None:
    with pytest.raises(TimeoutError, match=r"no event came within 0\.05 seconds"):
        app.events.Receiver().capture(timeout=0.05)


def test_a_call_that_is_sent_is_told_when_that_is_wanted(app: Celeriac) -> None:
    app.conf.task_send_sent_event = True
    add = app.task(name="proj.add")(lambda x, y: x + y)
    heard = Heard(app)

    sent = [add.delay(number, 2) for number in range(3)]

    assert ["task-sent"] * 3 == heard.types()
    assert [result.id for result in sent] == [event["uuid"] for event in heard.events]
    first = heard.events[0]
    assert ("proj.add", "(0, 2)", "celery", "celery", "") == tuple(first[key] for key in ("name", "args", "queue", "routing_key", "exchange"))


def test_a_camera_takes_no_more_pictures_than_it_may(app: Celeriac) -> None:
    taken: list[State] = []

    class Camera(Polaroid):
        def on_shutter(self, state: State) -> None:
            taken.append(state)

    camera = Camera(State(), maxrate="1/h", app=app)
    camera.capture()
    camera.capture()

    assert 1 == len(taken)
    with pytest.raises(ImproperlyConfigured, match="maxrate"):
        Camera(State(), maxrate="often", app=app)


def test_a_camera_that_fails_goes_on(app: Celeriac) -> None:
    enough = threading.Event()
    taken: list[int] = []

    class Camera(Polaroid):
        def on_shutter(self, state: State) -> None:
            taken.append(1)
            if len(taken) == 3:
                enough.set()
            raise RuntimeError("no film")

    with Camera(State(), freq=0.01, app=app):
        assert enough.wait(20)


def test_events_are_dumped_as_lines() -> None:
    class Out:
        text = ""

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None:
            return

    out = Out()
    dumper = Dumper(out)
    dumper.on_event({"type": "task-received", "hostname": "w1@h", "timestamp": 0.0, "uuid": "1", "name": "a", "args": "()", "kwargs": "{}"})
    dumper.on_event({"type": "task-succeeded", "hostname": "w1@h", "timestamp": 0.0, "uuid": "1", "result": "a b"})

    received, succeeded = out.text.splitlines()
    assert "task-received: a(1) args=() kwargs={}" in received
    assert succeeded.endswith("task-succeeded: a(1) result='a b'")
