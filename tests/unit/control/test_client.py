from __future__ import annotations

import threading
import uuid
from types import SimpleNamespace

import pytest

import celeriac
from celeriac.control import Control, Inspect
from celeriac.control.node import Node
from celeriac.control.state import ControlState
from celeriac.lib.clock import SystemClock
from celeriac.lib.lamport import LamportClock
from celeriac.model.errors import UnsupportedPower
from celeriac.wire.control import decode_command, mailbox


@pytest.fixture
def app():
    with celeriac.Celeriac("client", broker=f"memory://{uuid.uuid4().hex}", set_as_current=False) as app:
        yield app


@pytest.fixture
def nodes(app):
    """Two workers that answer pings."""
    stopped = threading.Event()
    threads = []
    for name in ("w1@h", "w2@h"):
        listener = app.broker.listen(mailbox())
        node = Node(ControlState(SimpleNamespace(hostname=name, clock=SystemClock()), LamportClock()))

        def serve(listener=listener, node=node):
            while not stopped.is_set():
                for _, envelope in listener.receive(0.05):
                    if reply := node.receive(envelope):
                        app.broker.broadcast([reply])

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
    yield
    stopped.set()
    for thread in threads:
        thread.join()


def heard(app, act):
    """Return the command that is broadcast by ``act``."""
    listener = app.broker.listen(mailbox())
    act(app.control)
    ((_, envelope),) = listener.receive(5)
    return decode_command(envelope)


def test_the_application_has_one_control(app):
    assert isinstance(app.control, Control)
    assert app.control is app.control
    assert isinstance(app.control.inspect(), Inspect)


def test_replies_are_a_list_by_node(app, nodes):
    replies = app.control.ping(timeout=0.3)

    assert [{"w1@h": {"ok": "pong"}}, {"w2@h": {"ok": "pong"}}] == sorted(replies, key=str)


def test_a_callback_hears_every_reply(app, nodes):
    seen = []

    app.control.broadcast("ping", reply=True, timeout=0.3, callback=seen.append)

    assert len(seen) == 2


def test_a_limit_and_a_destination_end_the_waiting(app, nodes):
    assert len(app.control.ping(limit=1, timeout=20)) == 1
    assert app.control.ping(destination=["w2@h"], timeout=20) == [{"w2@h": {"ok": "pong"}}]


def test_inspect_answers_by_node(app, nodes):
    inspect = app.control.inspect

    assert inspect(timeout=0.3).ping() == {"w1@h": {"ok": "pong"}, "w2@h": {"ok": "pong"}}
    assert inspect(destination="w1@h").ping() == {"ok": "pong"}
    assert inspect(pattern="w1*", timeout=0.3).ping() == {"w1@h": {"ok": "pong"}}
    assert inspect(pattern="x*", timeout=0.1).ping() == {}
    assert inspect(destination=["x@h"], timeout=0.1).ping() is None


CALLS = {
    "revoke": (lambda c: c.revoke("a"), {"task_id": "a", "terminate": False, "signal": "SIGTERM"}),
    "revoke ": (lambda c: c.terminate(["a", "b"], signal="KILL"), {"task_id": ["a", "b"], "terminate": True, "signal": "KILL"}),
    "revoke_by_stamped_headers": (
        lambda c: c.revoke_by_stamped_headers({"h": ["v"]}), {"headers": {"h": ["v"]}, "terminate": False, "signal": "SIGTERM"},
    ),
    "rate_limit": (lambda c: c.rate_limit("t", "1/m"), {"task_name": "t", "rate_limit": "1/m"}),
    "time_limit": (lambda c: c.time_limit("t", soft=1, hard=2), {"task_name": "t", "soft": 1, "hard": 2}),
    "add_consumer": (
        lambda c: c.add_consumer("q", exchange="e", exchange_type="topic", routing_key="k", options={"durable": False}),
        {"queue": "q", "exchange": "e", "exchange_type": "topic", "routing_key": "k", "durable": False},
    ),
    "cancel_consumer": (lambda c: c.cancel_consumer("q"), {"queue": "q"}),
    "pool_grow": (lambda c: c.pool_grow(3), {"n": 3}),
    "pool_shrink": (lambda c: c.pool_shrink(), {"n": 1}),
    "autoscale": (lambda c: c.autoscale(10, 2), {"max": 10, "min": 2}),
    "pool_restart": (lambda c: c.pool_restart(), {"modules": None, "reload": False, "reloader": None}),
    "shutdown": (lambda c: c.shutdown(), {}),
    "enable_events": (lambda c: c.enable_events(), {}),
    "heartbeat": (lambda c: c.heartbeat(), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_methods_send_the_arguments_that_celery_sends(app, name):
    act, arguments = CALLS[name]

    command = heard(app, act)

    assert (name.strip(), arguments) == (command.method, command.arguments)
    assert command.expires > 0
    assert command.ticket is None


def test_revocations_are_kept_in_the_store(app):
    app.control.revoke(["a", "b"])
    app.control.broadcast("revoke_by_stamped_headers", {"headers": ["tenant=x"]})
    app.control.revoke("only there", destination=["w1@h"])

    assert {"a", "b", 'stamp:tenant="x"'} == {mark for mark, _ in app.broker.revoked_since(0)}


def test_results_are_revoked_through_control(app):
    command = heard(app, lambda _: app.AsyncResult("r1").revoke(terminate=True, signal="SIGINT"))

    assert {"task_id": "r1", "terminate": True, "signal": "SIGINT"} == command.arguments


def test_purge_counts_what_is_thrown_away(app):
    for _ in range(3):
        app.send_task("t")

    assert (app.control.purge(), app.control.discard_all()) == (3, 0)


def test_a_broker_that_cannot_broadcast_is_named():
    app = SimpleNamespace(conf=SimpleNamespace(control_exchange="celery"), broker=object(), clock=LamportClock())

    with pytest.raises(UnsupportedPower, match="cannot broadcast, so workers cannot be told to 'ping'"):
        Control(app).ping()
