"""A message outside and inside: what brokers carry without understanding it."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from celeriac.lib.value import Value

Tag = str | int


class Envelope(Value, frozen=True):
    """Headers, an encoded body and properties, as AMQP has them; nothing in it is decoded by a driver.

    ``headers`` and ``properties`` hold JSON values only. Known properties: correlation_id, reply_to, priority, delivery_mode, expiration.
    """

    headers: dict[str, Any]
    body: bytes
    content_type: str = "application/json"
    content_encoding: str = "utf-8"
    properties: dict[str, Any] = {}

    @property
    def task_id(self) -> str | None:
        """The id of the task, as far as the outside tells it: messages of protocol 1 do by their correlation id."""
        return self.headers.get("id") or self.properties.get("correlation_id")


class Outgoing(Value, frozen=True):
    """An envelope with its destination.

    An empty ``exchange`` is AMQP's default exchange: ``routing_key`` names the queue. ``due`` (epoch seconds) asks a broker that
    ``Delays`` to hold the message until then; other brokers deliver it at once and the worker postpones it by its eta header.
    """

    envelope: Envelope
    routing_key: str
    exchange: str = ""
    priority: int = 0
    due: float | None = None


class Delivery(Value, frozen=True):
    """A message in the hands of one owner (a worker), who must settle it.

    ``tag`` is the driver's own word for it; it stays valid for the owner when the owner's consumer is restarted. ``deliveries`` counts
    how often the message was handed out, this time included.
    """

    tag: Tag
    queue: str
    envelope: Envelope
    redelivered: bool = False
    deliveries: int = 1
    exchange: str = ""
    routing_key: str = ""
    priority: int = 0
    deaths: tuple[str, ...] = ()
    """How earlier attempts ended whose process died, a line each, as far as the store was told."""


class Verdict(IntEnum):
    """What becomes of a delivered message."""

    ACK = 1
    """Done with: the broker forgets it."""
    REQUEUE = 2
    """Back to the head of its queue, marked redelivered unless ``untouched``."""
    POSTPONE = 3
    """Not before ``until``."""
    REJECT = 4
    """To the dead letters, with ``reason``."""
    BEGIN = 5
    """It is being run and is never run again: a broker that ``RemembersBegun`` keeps it until another verdict says that it has ended."""


class Settlement(Value, frozen=True):
    """The verdict on one delivery; settling twice is harmless."""

    verdict: Verdict
    tag: Tag
    queue: str
    until: float | None = None
    """POSTPONE: epoch seconds."""
    reason: str = ""
    """REJECT: why, for the people who look at the dead letters."""
    untouched: bool = False
    """REQUEUE, POSTPONE: nobody began to run it, so it is not counted as a delivery."""
    deaths: tuple[str, ...] = ()
    """REQUEUE: what the message is to tell of its attempts from now on."""
    instead: Outgoing | None = None
    """BEGIN: it has ended, and this, which followed from it, has begun: it stands in its place, under its tag."""
