from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from celeriac import Celeriac, signals
from celeriac.lib.dispatch import Signal


def test_every_signal_is_named_as_its_variable():
    found = {name: value for name, value in vars(signals).items() if isinstance(value, Signal)}

    assert 34 == len(found)
    assert {name: name for name in found} == {name: value.name for name, value in found.items()}


ARGUMENTS = {
    "before_task_publish": ["body", "declare", "exchange", "headers", "properties", "retry_policy", "routing_key", "signal"],
    "after_task_publish": ["body", "exchange", "headers", "routing_key", "signal"],
    "task_sent": ["args", "eta", "kwargs", "signal", "task", "task_id", "taskset"],
}


@pytest.fixture
def told() -> Iterator[list[tuple[str, Any, dict[str, Any]]]]:
    """What is told while a test runs: the signal, its sender, its arguments."""
    found: list[tuple[str, Any, dict[str, Any]]] = []
    receivers = []
    for name in ARGUMENTS:

        def receive(sender: Any = None, name: str = name, **named: Any) -> None:
            found.append((name, sender, named))

        getattr(signals, name).connect(receive)
        receivers.append((getattr(signals, name), receive))
    yield found
    for signal, receive in receivers:
        signal.disconnect(receive)


def test_a_call_tells_of_itself_before_and_after_it_is_sent(told: list[tuple[str, Any, dict[str, Any]]]) -> None:
    app = Celeriac("told", broker="memory://", set_as_current=False)

    sent = app.send_task("some.task", (1,), {"a": 2}, queue="blue", countdown=60)

    assert list(ARGUMENTS) == [name for name, _, _ in told]
    assert ARGUMENTS == {name: sorted(named) for name, _, named in told}
    assert ["some.task"] * 3 == [sender for _, sender, _ in told]
    before, after, legacy = (named for _, _, named in told)
    assert (sent.id, "blue", sent.id) == (before["headers"]["id"], before["routing_key"], after["headers"]["id"])
    assert ([1], {"a": 2}) == (list(before["body"][0]), before["body"][1])
    assert (sent.id, "some.task", [1], {"a": 2}) == (legacy["task_id"], legacy["task"], list(legacy["args"]), legacy["kwargs"])


def test_a_receiver_before_can_change_what_is_sent(told: list[tuple[str, Any, dict[str, Any]]]) -> None:
    app = Celeriac("told", broker="memory://changed", set_as_current=False)

    @signals.before_task_publish.connect
    def change(headers: Any, properties: Any, **named: Any) -> None:
        headers["tenant"] = "acme"
        properties["correlation_id"] = "mine"

    try:
        app.send_task("some.task")
    finally:
        signals.before_task_publish.disconnect(change)

    broker = app.open_broker(owner="reader")
    (found,) = broker.fetch(["celery"], limit=1, wait=0)
    assert ("acme", "mine") == (found.envelope.headers["tenant"], found.envelope.properties["correlation_id"])
