"""Reading the queues of chords: one reader at a time has a queue to itself, and what it writes and takes away is one transaction.

A transaction of AMQP holds against the death of a client: either all of it reaches the server or nothing. (Against the death of the server it
holds for each queue by itself; ``chord_queue`` says how the marks make up for that.) Who reads is an exclusive consumer, so the server
itself sees to it that there is one, and puts everything back when its connection ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from celeriac.drivers.rabbitmq.chord_queue import Contents, queue_of
from celeriac.drivers.rabbitmq.content import encode_message
from celeriac.drivers.rabbitmq.errors import ACCESS_REFUSED, LOCKED, NOT_FOUND, ChannelClosed, of_closed
from celeriac.drivers.rabbitmq.link import Link
from celeriac.drivers.rabbitmq.methods import Method
from celeriac.drivers.rabbitmq.topology import Admin, Definitions
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import OperationalError

_FIRST = 1
"""The channel on which messages are published (``content``)."""


class Busy(Exception):
    """Somebody else reads this queue at the moment."""


class Desk:
    """What is bound to one connection. For one thread at a time."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.admin = Admin(link, Definitions())
        self._arrived: deque[tuple[int, Envelope]] = deque()
        self._returned: list[Outgoing] = []
        self._number, self._tag = 0, ""
        self._committed = False
        self._open()

    def _open(self) -> None:
        self._arrived.clear()
        self._channel = self.link.channel(self._on_content, self._on_method)
        if self._channel.number != _FIRST:
            raise self.link.fail(OperationalError(f"RabbitMQ at {self.link.where}: the channel for chords was taken"))
        self._channel.call("tx.select")

    def _reopen(self) -> None:
        if self._channel.closed is None:
            self._channel.call("channel.close", 200, "", 0, 0)
            self.link.forget(_FIRST)
        self._open()

    def _on_content(self, method: Method, envelope: Envelope, priority: int) -> None:
        if method.name == "basic.return":
            self._returned.append(Outgoing(envelope, method.values[3], method.values[2], priority))
        elif method.values[0] == self._tag:
            self._arrived.append((method.values[1], envelope))

    def _on_method(self, method: Method) -> None:
        if method.name == "tx.commit-ok":
            self._committed = True

    @contextmanager
    def reading(self, group: str, *, head: bool = False) -> Iterator["Reading | None"]:
        """Have a chord's queue to oneself, what it holds (or only its ``head``) read; None when there is no such queue.

        Raises Busy when somebody else has it. What was not settled goes back to its place in the end.
        """
        reading = Reading(self, group)
        if not self._read(reading, head):
            yield None
            return
        try:
            yield reading
        finally:
            if self.link.failure is None and not reading.deleted:
                self._release()

    def _read(self, reading: "Reading", head: bool) -> bool:
        """Take what the server has sent by the time that it has no more; False when there is no such queue (any more)."""
        queue = queue_of(reading.contents.group)
        self._arrived.clear()
        self._number += 1
        self._tag = f"chord.{self._number}"
        try:
            self._channel.send("basic.qos", 0, 1 if head else 0, False)
            self._channel.send("basic.consume", 0, queue, self._tag, False, False, True, False, {})
            while True:
                ready = self._channel.call("queue.declare", 0, queue, True, False, False, False, False, {}).values[1]
                if head or not ready:
                    break
            # The queue has handed over everything, but its word of that may overtake it; the answer to something that is asked later does not.
            self._channel.call("basic.qos", 0, 0, False)
            reading.take(self._arrived)
            return True
        except ChannelClosed as error:
            self._reopen()
            if error.code == NOT_FOUND:
                return False
            if error.code in (ACCESS_REFUSED, LOCKED) and "exclusive" in error.text:
                raise Busy from error
            raise of_closed(error) from error

    def _release(self) -> None:
        """Let go of a queue: what was delivered and is not acknowledged goes back to its place."""
        if self._channel.closed is not None:
            self._reopen()
            return
        self._channel.send("basic.cancel", self._tag, True)
        self._channel.send("basic.nack", 0, True, True)
        self._commit()

    def commit(self, outgoing: Sequence[Outgoing], ack: int) -> list[Outgoing]:
        """Send messages and take away what was delivered up to a tag (0: nothing), both or neither; return what no queue took."""
        self._returned = []
        self.link.send(b"".join([encode_message(message, self.link.frame_max) for message in outgoing]))
        if ack:
            self._channel.send("basic.ack", ack, True)
        self._commit()
        return self._returned

    def _commit(self) -> None:
        link, channel = self.link, self._channel
        self._committed = False
        channel.send("tx.commit")
        if not link.wait(lambda: self._committed or channel.closed is not None, link.patience):
            raise link.fail(OperationalError(f"RabbitMQ at {link.where} did not commit in {link.patience:g} s"))
        if channel.closed is not None:
            raise of_closed(channel.closed) from channel.closed

    def delete(self, group: str) -> None:
        """Remove a chord's queue."""
        with suppress(ChannelClosed):
            self.admin.call("queue.delete", 0, queue_of(group), False, False, False)


class Reading:
    """A chord's queue in the hands of one who reads it."""

    def __init__(self, desk: Desk, group: str) -> None:
        self.contents = Contents(group)
        self._desk = desk
        self._last = 0
        self.deleted = False
        """Whether there is nothing to be let go of."""

    def take(self, arrived: deque[tuple[int, Envelope]]) -> None:
        """Take in what was delivered."""
        while arrived:
            self._last, envelope = arrived.popleft()
            self.contents.add(envelope)

    def commit(self, outgoing: Sequence[Outgoing], *, settle: bool = False) -> list[Outgoing]:
        """Send messages and, with ``settle``, take away all that was read; both or neither. Returns what no queue took."""
        return self._desk.commit(outgoing, self._last if settle else 0)

    def delete(self) -> None:
        """Remove the queue."""
        self._desk.delete(self.contents.group)
        self.deleted = True
