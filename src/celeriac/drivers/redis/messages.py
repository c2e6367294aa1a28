"""Messages as the lists keep them: Celery's JSON envelope, with two properties of ours that Celery passes over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import msgspec

from celeriac.contracts.broker import MOST_DEATHS, lost_with_its_worker
from celeriac.drivers.redis.keys import BrokerKeys
from celeriac.lib.ids import uuid
from celeriac.model.envelope import Delivery, Envelope, Outgoing
from celeriac.model.errors import DecodeError, InvalidTaskError
from celeriac.wire import virtual
from celeriac.wire.times import parse_time

DELIVERIES = "celeriac-deliveries"
"""How often a message was handed out before."""
DEATHS = "celeriac-deaths"
"""How earlier attempts ended whose process died, a line each."""
DUE = "celeriac-due"
"""Not before this time: written when no worker of ours lives that would promote the message from the delayed set."""
_ARRIVED = "t-"


def pack(outgoing: Outgoing, **properties: Any) -> bytes:
    """Write a message."""
    if properties:
        envelope = outgoing.envelope
        outgoing = outgoing.replace(envelope=envelope.replace(properties={**envelope.properties, **properties}))
    return virtual.pack(outgoing, tag=uuid())


def clamped(outgoing: Outgoing, lowest: int) -> Outgoing:
    """Return a message whose priority is within 0 (first) and ``lowest``."""
    priority = outgoing.priority
    return outgoing if 0 <= priority <= lowest else outgoing.replace(priority=min(max(priority, 0), lowest))


def delayed_name(task_id: str | None, step: int) -> str:
    """Return the name that a message has in the delayed set: the index of its list, and by what it is found."""
    return f"{step}|{task_id or uuid()}"


def taken_apart(name: bytes) -> tuple[int, str]:
    """Take a name in the delayed set apart: the index of the list, and what makes it unique."""
    step, _, tag = name.decode("utf-8", "surrogateescape").partition("|")
    return int(step), tag


def readable(text: bytes) -> bool:
    """Say whether any worker could read a message."""
    try:
        virtual.unpack(text)
    except DecodeError:
        return False
    return True


def foreign(text: bytes, *, eta: str | None = None, redelivered: bool | None = None) -> bytes:
    """Return a message as a client of Celery's would have sent it; ``eta`` is written into it unless it says so already."""
    found = _decoded(text)
    if found is None:
        return text
    for name in (DELIVERIES, DEATHS, DUE):
        found["properties"].pop(name, None)
    way = found["properties"].get("delivery_info")
    if isinstance(way, dict) and redelivered is not None:
        way.pop("redelivered", None)
        way.update({"redelivered": True} if redelivered else {})
    headers = found.get("headers")
    # A message of protocol 1 has no task among its headers, and its eta in its body.
    if eta is not None and isinstance(headers, dict) and "task" in headers and not _same_time(headers.get("eta"), eta):
        headers["eta"] = eta
    return _encoded(found)


def _same_time(one: Any, other: str) -> bool:
    try:
        return abs(parse_time(one) - parse_time(other)) < 0.001
    except InvalidTaskError:
        return False


def _decoded(text: bytes) -> dict[str, Any] | None:
    """Return a message as an object with properties, or None when it is malformed."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return None
    return found if isinstance(found, dict) and isinstance(found.get("properties"), dict) else None


def _encoded(message: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(message)
    except UnicodeEncodeError:
        return json.dumps(message).encode("ascii")


def delivery(text: bytes, tag: str, queue: str) -> Delivery:
    """Read a message; one that is malformed is delivered as it is, without headers, for the engine to refuse."""
    try:
        found = virtual.unpack(text)
    except DecodeError:
        return Delivery(tag, queue, Envelope({}, text, "application/octet-stream", "binary"), routing_key=queue)
    properties = found.envelope.properties
    if not found.priority:
        properties.pop("priority", None)
    before = properties.pop(DELIVERIES, 0)
    if not before and found.redelivered:
        before = 1
    deaths = tuple(properties.pop(DEATHS, ()))
    return Delivery(tag, queue, found.envelope, before > 0, before + 1, found.exchange, found.routing_key, found.priority, deaths)


def due_of(found: Delivery) -> float | None:
    """Take out of a delivery the time before which it must not be handed out, if it has one."""
    due = found.envelope.properties.pop(DUE, None)
    return float(due) if isinstance(due, (int, float)) else None


def redelivered(text: bytes, deliveries: int | None = None, *, deaths: Sequence[str] = (), owner: str = "", now: float = 0.0) -> bytes:
    """Mark a message as handed out once more, or ``deliveries`` times in all (0: as if never); one that is malformed stays as it is.

    ``deaths`` is what it tells of its attempts from now on; ``owner`` names a worker that was lost with it, which it tells as well.
    """
    found = _decoded(text)
    if found is None:
        return text
    properties = found["properties"]
    way = properties.get("delivery_info")
    way = properties["delivery_info"] = dict(way) if isinstance(way, dict) else {}
    marked = way.get("redelivered") or properties.get("redelivered")
    count = (properties.get(DELIVERIES) or (1 if marked else 0)) + 1 if deliveries is None else deliveries
    properties.pop(DELIVERIES, None)
    way.pop("redelivered", None)
    told = list(deaths or (properties.pop(DEATHS, ()) if count else ()))
    properties.pop(DEATHS, None)
    if count:
        properties[DELIVERIES] = count
        way["redelivered"] = True
        if owner:
            told.append(lost_with_its_worker(count, now, owner))
        if told:
            properties[DEATHS] = told[-MOST_DEATHS:]
    return _encoded(found)


def step_of(text: bytes, keys: BrokerKeys) -> int:
    """Return the list that a message belongs to by its priority."""
    return keys.step(delivery(text, "", "").priority)


class Tags:
    """Tags of one broker's deliveries: ``<made at>-<chance>.<number>.<list>``. They sort by age, and no other broker makes the same."""

    def __init__(self, made: int, chance: str) -> None:
        self.prefix = f"{made:x}-{chance}."
        self._next = 0

    def reserve(self, count: int) -> int:
        """Return the first of ``count`` numbers; call it with a lock held."""
        first, self._next = self._next, self._next + count
        return first


def tag_of(text: bytes) -> str:
    """Return the tag of a message that arrived while its owner waited."""
    return f"{_ARRIVED}{hashlib.sha1(text, usedforsecurity=False).hexdigest()[:20]}.0.0"


def age(tag: str) -> tuple[str, int]:
    """Return what tags are sorted by."""
    made, _, rest = tag.partition(".")
    number = rest.partition(".")[0]
    return made, int(number) if number.isdigit() else 0


def list_of(tag: str) -> int:
    """Return the index of the list that a delivery came from."""
    last = tag.rpartition(".")[2]
    return int(last) if last.isdigit() else 0
