from __future__ import annotations

import json
import sys
import tempfile
import time
from types import SimpleNamespace
from typing import Any

import pytest

from celeriac.control import control_command
from celeriac.control.node import Node, matches
from celeriac.control.panel import Panel, visible_commands
from celeriac.control.state import ControlState
from celeriac.lib.clock import SystemClock
from celeriac.lib.lamport import LamportClock
from celeriac.model.envelope import Envelope
from celeriac.wire.control import Command, decode_reply, encode_command


@pytest.fixture
def worker() -> Any:
    return SimpleNamespace(hostname="w1@h", clock=SystemClock(), app=SimpleNamespace(), did=[])


@pytest.fixture
def node(worker) -> Node:
    return Node(ControlState(worker, LamportClock()))


def ask(node: Node, method: str, **more) -> Any:
    """Return the answer of a node, None when it says nothing."""
    command = Command(method, ticket="t1", reply_exchange="reply.celery.pidbox", reply_key="k1", clock=7, **more)
    sent = node.receive(encode_command(command).envelope)
    if sent is None:
        return None
    assert ("reply.celery.pidbox", "k1") == (sent.exchange, sent.routing_key)
    reply = decode_reply(sent.envelope)
    assert ("w1@h", "t1") == (reply.node, reply.ticket)
    assert reply.clock > 7
    return reply.answer


@pytest.mark.parametrize(
    "to",
    [{}, {"destination": ["w1@h"]}, {"pattern": "w*"}, {"pattern": r"w\d@", "matcher": "pcre"}, {"pattern": "w1@?", "matcher": "glob"}],
)
def test_what_is_meant_for_it_is_answered(node, to):
    assert ask(node, "ping", **to) == {"ok": "pong"}


@pytest.mark.parametrize("to", [{"destination": ["w2@h"]}, {"pattern": "x*"}, {"pattern": "(", "matcher": "pcre"}, {"expires": 1.0}])
def test_what_is_not_meant_for_it_or_has_expired_is_passed_over(node, to):
    assert ask(node, "ping", **to) is None


def test_a_command_without_ticket_is_obeyed_silently(node, worker):
    worker.stop = lambda: worker.did.append("stopped")

    assert node.receive(encode_command(Command("shutdown")).envelope) is None
    assert worker.did == ["stopped"]


def test_a_message_that_cannot_be_read_is_passed_over(node):
    assert node.receive(Envelope({}, b"[1, 2]")) is None
    assert node.receive(Envelope({}, b"\x80", "application/x-python-serialize", "binary")) is None


def test_an_answer_that_cannot_be_sent_is_an_error(node):
    @control_command(name="test_unsendable", visible=False)
    def unsendable(state):
        return object()

    try:
        assert "cannot be sent" in ask(node, "test_unsendable")["error"]
    finally:
        del Panel.data["test_unsendable"], Panel.meta["test_unsendable"]


def test_errors_are_answers(node):
    assert ask(node, "nonsense") == {"error": "KeyError('nonsense')"}
    assert "missing 2 required" in ask(node, "rate_limit")["error"]


def test_object_graphs_are_drawn_by_a_library_that_is_named_where_it_is_missing(node, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "objgraph", None)
    assert "pip install objgraph" in ask(node, "objgraph")["error"]

    drawn = []
    library = SimpleNamespace(
        by_type=lambda name: [1, 2, 3] if name == "Request" else [],
        most_common_types=lambda limit: [("dict", 9)],
        show_backrefs=lambda found, **options: drawn.append((found, options["max_depth"], options["filename"])),
    )
    monkeypatch.setitem(sys.modules, "objgraph", library)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    answer = ask(node, "objgraph", arguments={"num": 2, "max_depth": 5, "type": "Request"})
    assert [([2, 3], 5, answer["filename"])] == drawn
    assert "its most common ones are dict" in ask(node, "objgraph", arguments={"type": "Nothing"})["error"]


def test_revoking_tells_the_worker(node, worker):
    worker.revoke = lambda ids: worker.did.append(ids)
    worker.terminate = lambda ids, number: ["b"] if number == 9 else []

    assert ask(node, "revoke", arguments={"task_id": "a"}) == {"ok": "tasks {'a'} flagged as revoked"}
    assert ask(node, "revoke", arguments={"task_id": ["a", "b"], "terminate": True, "signal": "SIGKILL"}) == {"ok": "terminate: b"}
    assert ask(node, "terminate", arguments={"task_id": "a", "signal": "TERM"}) == {"ok": "terminate: tasks unknown"}
    assert "there is no signal 'SIGNOPE'" in ask(node, "revoke", arguments={"task_id": "c", "terminate": True, "signal": "SIGNOPE"})["error"]
    assert worker.did == [["a"], ["a", "b"], ["a"]]


def test_every_command_of_celery_is_there():
    known = (
        "active active_queues add_consumer autoscale cancel_consumer clock conf disable_events dump_active dump_conf dump_reserved dump_revoked "
        "dump_schedule dump_tasks election enable_events heartbeat hello memdump memsample objgraph ping pool_grow pool_restart pool_shrink "
        "query_task rate_limit registered report reserved revoke revoke_by_stamped_headers revoked scheduled shutdown stats terminate time_limit"
    )

    assert set(known.split()) <= set(Panel.data)
    assert "hello" not in visible_commands("inspect")
    assert {info.type for info in Panel.meta.values()} == {"inspect", "control"}


def test_patterns_fit_names():
    assert matches("w1@h", "w?@h", None)
    assert not matches("w1@h", "W?@h", "glob")
    assert matches("w1@h", "w", "pcre")


def test_commands_expire_by_the_clock_of_the_worker(node):
    assert ask(node, "ping", expires=time.time() + 5) == {"ok": "pong"}
    assert json.dumps(ask(node, "ping"))
