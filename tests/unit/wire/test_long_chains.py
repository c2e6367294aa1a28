from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from celeriac.model.envelope import Envelope
from celeriac.model.errors import ContentDisallowed
from celeriac.model.steps import Steps
from celeriac.model.task_message import TaskMessage
from celeriac.wire.long_chains import LONG
from celeriac.wire.task import decode_task, encode_task

ACCEPT = frozenset({"application/json"})


def step(number: int, **kwargs: Any) -> dict[str, Any]:
    return {"task": "t", "args": [number, 'a "quoted" [text], {'], "kwargs": kwargs, "options": {"task_id": f"é{number}"}, "subtask_type": None}


def sent(count: int, **fields: Any) -> Envelope:
    return encode_task(TaskMessage(task="t", id="id", args=(1,), chain=[step(number) for number in range(count)], **fields))


def test_a_long_chain_is_handed_on_byte_for_byte_as_if_it_had_been_read() -> None:
    envelope = sent(40, callbacks=[step(1)], errbacks=[step(2)], chord={"task": "body", "options": {"chain": None}})

    message = decode_task(envelope, ACCEPT)
    assert isinstance(message.chain, Steps)
    following = message.replace(chain=message.chain[:-1])

    assert isinstance(following.chain, Steps)
    plain = message.replace(chain=[step(number) for number in range(39)])
    assert encode_task(following).body == encode_task(plain).body
    assert json.loads(encode_task(following).body)[2]["chain"] == [step(number) for number in range(39)]


def test_its_steps_are_read_when_somebody_looks() -> None:
    chain = decode_task(sent(40), ACCEPT).chain

    assert isinstance(chain, Steps)
    assert (len(chain), bool(chain), bool(chain[:0]), chain[-1], chain[0], list(chain)[7]) == (40, True, False, step(39), step(0), step(7))


@pytest.mark.parametrize("serializer", ["json", "yaml", "pickle", "msgpack"])
def test_it_can_go_on_by_any_serializer(serializer: str) -> None:
    message = decode_task(sent(40), ACCEPT)

    again = decode_task(encode_task(message, serializer=serializer), None)

    assert list(again.chain or ()) == [step(number) for number in range(40)]


def test_short_ones_and_those_with_types_are_read_at_once() -> None:
    short = decode_task(sent(2), ACCEPT)
    typed = [step(number, when=datetime(2026, 1, 1, tzinfo=UTC)) for number in range(40)]
    message = decode_task(encode_task(TaskMessage(task="t", id="id", chain=typed)), ACCEPT)

    assert isinstance(short.chain, list)
    assert isinstance(message.chain, list)
    assert message.chain == typed


def test_a_content_type_that_is_not_accepted_is_refused_as_ever() -> None:
    with pytest.raises(ContentDisallowed):
        decode_task(sent(40), frozenset({"application/x-yaml"}))


def test_compressed_ones_are_read_at_once() -> None:
    chain = [step(number) for number in range(40)]
    envelope = encode_task(TaskMessage(task="t", id="id", chain=chain), compression="zlib")

    assert decode_task(envelope, ACCEPT).chain == chain


def test_a_body_that_only_looks_like_one_is_read_in_the_ordinary_way() -> None:
    body = json.dumps([["x" * LONG, '"chain": ['], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]).encode()

    assert decode_task(Envelope({"task": "t", "id": "id"}, body), ACCEPT).chain is None
