"""The client's end: a command to everybody, and the replies that come until time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from celeriac.contracts.broker import Broadcasts, Broker
from celeriac.lib.ids import uuid
from celeriac.lib.lamport import LamportClock
from celeriac.model.envelope import Envelope
from celeriac.model.errors import DecodeError, UnsupportedPower
from celeriac.wire.control import Command, Reply, decode_reply, encode_command, reply_mailbox

Hear = Callable[[dict[str, Any]], object]


class Mailbox:
    """Sends commands by a broker; ``namespace`` is the setting ``control_exchange``."""

    def __init__(self, namespace: str, logical: LamportClock) -> None:
        self._namespace = namespace
        self._logical = logical

    def tell(self, broker: Broker, command: Command, *, timeout: float | None) -> None:
        """Send a command and wait for nothing; it is obeyed within ``timeout`` seconds or not at all."""
        able(broker, command.method).broadcast([encode_command(self._dated(command, timeout), namespace=self._namespace)])

    def ask(self, broker: Broker, command: Command, *, timeout: float, limit: int | None, hear: Hear | None = None) -> list[dict[str, Any]]:
        """Send a command and return the replies that come within ``timeout`` seconds, no more than ``limit``; ``hear`` is told of each at once."""
        sender = able(broker, command.method)
        exchange, key = reply_mailbox(self._namespace), uuid()
        listener = sender.listen(exchange, (key,))
        try:
            asked = self._dated(command, timeout).replace(ticket=uuid(), reply_exchange=exchange, reply_key=key)
            sender.broadcast([encode_command(asked, namespace=self._namespace)])
            replies: list[dict[str, Any]] = []
            deadline = time.monotonic() + timeout
            while (left := deadline - time.monotonic()) > 0 and (limit is None or len(replies) < limit):
                for reply in self._read(listener.receive(left), asked.ticket):
                    replies.append({reply.node: reply.answer})
                    if hear is not None:
                        hear(replies[-1])
            return replies if limit is None else replies[:limit]
        finally:
            listener.close()

    def _dated(self, command: Command, timeout: float | None) -> Command:
        return command.replace(clock=self._logical.forward(), expires=time.time() + timeout if timeout else 0)

    def _read(self, received: Sequence[tuple[str, Envelope]], ticket: str | None) -> list[Reply]:
        replies = []
        for _, envelope in received:
            try:
                reply = decode_reply(envelope)
            except DecodeError:
                continue
            self._logical.adjust(reply.clock)
            if reply.ticket in (None, ticket):
                replies.append(reply)
        return replies


def able(broker: Broker, method: str) -> Broadcasts:
    """Return a broker that can broadcast, or raise ``UnsupportedPower``."""
    found: object = broker
    if isinstance(found, Broadcasts):
        return found
    raise UnsupportedPower(
        f"The broker {type(broker).__name__} cannot broadcast, so workers cannot be told to {method!r}; "
        "use a broker that can, such as redis or sqlite"
    )
