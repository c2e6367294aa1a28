from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from celeriac import Celeriac, signals
from celeriac.model.effects import Effects
from celeriac.model.envelope import Delivery
from celeriac.model.record import ResultMeta


@pytest.fixture
def listening() -> Iterator[Callable[..., None]]:
    connected: list[tuple[Any, Any]] = []

    def connect(signal: Any, receiver: Any) -> None:
        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))

    yield connect
    for signal, receiver in connected:
        signal.disconnect(receiver)


def test_receivers_of_before_task_publish_may_change_what_is_sent(
    app: Celeriac, sent: Callable[[], list[Delivery]], listening: Callable[..., None]
) -> None:
    def change(sender: str, body: Any, headers: dict[str, Any], properties: dict[str, Any], **rest: Any) -> None:
        body[1]["added"] = 1
        headers["tenant"] = sender
        properties["priority"] = 6

    listening(signals.before_task_publish, change)
    app.send_task("t", (1,), {"own": 2})

    (delivery,) = sent()
    envelope = delivery.envelope
    assert json.loads(envelope.body)[:2] == [[1], {"own": 2, "added": 1}]
    assert (envelope.headers["tenant"], envelope.properties["priority"], delivery.priority) == ("t", 6, 6)


def test_receivers_are_told_what_was_sent_and_where(app: Celeriac, listening: Callable[..., None]) -> None:
    seen: list[Any] = []

    def after(sender: str, headers: Any, body: Any, exchange: str, routing_key: str, **rest: Any) -> None:
        seen.append((sender, headers["id"], body[0], exchange, routing_key))

    listening(signals.after_task_publish, after)
    listening(signals.task_sent, lambda sender, task_id, **rest: seen.append(("sent", task_id)))
    app.send_task("t", (1,), task_id="one", queue="q")

    assert seen == [("t", "one", (1,), "", "q"), ("sent", "one")]


@pytest.mark.parametrize(("state", "ttl"), [("SUCCESS", 3600.0), ("FAILURE", 60.0)])
def test_results_have_the_settings_serializer_and_expiry(state: str, ttl: float) -> None:
    app = Celeriac(broker="memory://", set_as_current=False, result_serializer="msgpack", result_expires=3600, result_failure_expires=60)
    result: Any = 1 if state == "SUCCESS" else ValueError("x")

    (record,) = app.publisher.encode(Effects(result=ResultMeta("id", state, result))).records

    assert (record.content_type, record.ttl, record.state) == ("application/x-msgpack", ttl, state)


def test_extended_fields_are_stored_only_when_the_settings_say_so() -> None:
    meta = ResultMeta("id", "SUCCESS", 1, extended={"name": "t"})
    plain = Celeriac(broker="memory://", set_as_current=False)
    extended = Celeriac(broker="memory://", set_as_current=False, result_extended=True)

    assert "name" not in json.loads(plain.encode_result(meta).body)
    assert json.loads(extended.encode_result(meta).body)["name"] == "t"


@pytest.mark.parametrize(("task_id", "dated"), [(None, False), ("chosen", True), ("0189d3a5-6c00-7000-8000-000000000000", True)])
def test_a_message_says_when_it_was_sent_unless_its_id_was_made_for_it(
    app: Celeriac, sent: Callable[[], list[Delivery]], task_id: str | None, dated: bool
) -> None:
    app.send_task("t", task_id=task_id)

    (delivery,) = sent()
    assert ("celeriac_sent" in delivery.envelope.headers) == dated
