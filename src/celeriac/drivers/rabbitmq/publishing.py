"""Publishing with confirms: a batch is sent whole and waited for once; what no queue took comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from celeriac.drivers.rabbitmq.content import encode_message
from celeriac.drivers.rabbitmq.errors import ChannelClosed, of_closed
from celeriac.drivers.rabbitmq.link import Link
from celeriac.drivers.rabbitmq.methods import Method
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import OperationalError

AT_ONCE = 2_000
"""Messages that are on their way before their confirms are waited for: bounds what both sides keep in memory."""


class Batch:
    """What was sent together; ``returned`` holds what no queue took, as it came back."""

    __slots__ = ("left", "refused", "returned")

    def __init__(self, size: int) -> None:
        self.left = size
        self.refused = 0
        self.returned: list[Outgoing] = []


class PublishingChannel:
    """Channel 1 of a connection on which nothing is consumed, so that a server that is short of memory may stop reading it."""

    def __init__(self, link: Link, *, confirm: bool) -> None:
        self.link = link
        self._confirm = confirm
        self._lock = threading.Lock()
        self._number = 0
        self._lowest = 1
        self._open: dict[int, tuple[Batch, str, str]] = {}
        self._came_back: dict[tuple[str, str], int] = {}
        self._channel = link.channel(self._on_content, self._on_method)
        if confirm:
            self._channel.call("confirm.select", False)

    def publish(self, outgoing: Sequence[Outgoing], *, mandatory: bool = True) -> list[Outgoing]:
        """Send messages and wait until the server has them all; return those that no queue took (when ``mandatory``)."""
        deadline = time.monotonic() + self.link.patience
        returned: list[Outgoing] = []
        for at in range(0, len(outgoing), AT_ONCE):
            batch = self._send(outgoing[at : at + AT_ONCE], mandatory, deadline)
            self._wait(batch, deadline if at == 0 else time.monotonic() + self.link.patience)
            returned += batch.returned
        return returned

    def _send(self, outgoing: Sequence[Outgoing], mandatory: bool, deadline: float) -> Batch:
        link = self.link
        self._wait_until_unblocked(deadline)
        data = b"".join([encode_message(message, link.frame_max, mandatory=mandatory) for message in outgoing])
        batch = Batch(len(outgoing) if self._confirm else 0)
        with self._lock:
            if self._channel.closed is not None:
                raise self._closed(self._channel.closed)
            if self._confirm:
                for message in outgoing:
                    self._number += 1
                    self._open[self._number] = (batch, message.exchange, message.routing_key)
            link.send(data)
        return batch

    def _wait_until_unblocked(self, deadline: float) -> None:
        link = self.link
        if link.blocked is not None and not link.wait(lambda: link.blocked is None, max(0.0, deadline - time.monotonic())):
            raise link.fail(self._blocked())

    def _wait(self, batch: Batch, deadline: float) -> None:
        link, channel = self.link, self._channel
        if not link.wait(lambda: batch.left == 0 or channel.closed is not None, max(0.0, deadline - time.monotonic())):
            # Whether the server will still take it cannot be known; a connection in this state is of no more use.
            silent = OperationalError(f"RabbitMQ at {link.where} did not confirm in {link.patience:g} s")
            raise link.fail(self._blocked() if link.blocked is not None else silent)
        if batch.left and channel.closed is not None:
            raise self._closed(channel.closed)
        if batch.refused:
            why = "a queue is full (its x-overflow says reject-publish) or has failed"
            raise OperationalError(f"RabbitMQ at {link.where} refused {batch.refused} messages: {why}")

    def _closed(self, error: ChannelClosed) -> Exception:
        self.link.fail(OperationalError(str(error)))
        return of_closed(error)

    def _blocked(self) -> OperationalError:
        link = self.link
        return OperationalError(f"RabbitMQ at {link.where} takes no messages at the moment: {link.blocked} (blocked for {link.patience:g} s)")

    # in the reading thread

    def _on_method(self, method: Method) -> None:
        if method.name in ("basic.ack", "basic.nack"):
            number, multiple, refused = method.values[0], method.values[1], method.name == "basic.nack"
            if not multiple:
                self._settle(number, refused)
                return
            last = number or self._number
            for older in range(self._lowest, last + 1):
                self._settle(older, refused)
            self._lowest = max(self._lowest, last + 1)

    def _settle(self, number: int, refused: bool) -> None:
        found = self._open.pop(number, None)
        if found is not None:
            found[0].refused += refused
            found[0].left -= 1

    def _on_content(self, method: Method, envelope: Envelope, priority: int) -> None:
        if method.name != "basic.return":
            return
        where: tuple[str, str] = (method.values[2], method.values[3])
        # A message comes back before it is confirmed, and those with one destination in their order.
        for number in range(max(self._lowest, self._came_back.get(where, 0) + 1), self._number + 1):
            found = self._open.get(number)
            if found is not None and found[1:] == where:
                self._came_back[where] = number
                found[0].returned.append(Outgoing(envelope, where[1], where[0], priority))
                return
