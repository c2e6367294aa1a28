"""Dead letters: for each queue another one beside it, ``<queue>.dead``, that holds rejected messages with the reason in their headers."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from celeriac.contracts.broker import DeadLetter
from celeriac.drivers.rabbitmq.channel import Channel
from celeriac.drivers.rabbitmq.link import Link
from celeriac.drivers.rabbitmq.methods import Method, encode
from celeriac.drivers.rabbitmq.sending import Sending
from celeriac.drivers.rabbitmq.topology import DEAD
from celeriac.lib.clock import Clock
from celeriac.lib.ids import uuid
from celeriac.model.envelope import Delivery, Envelope, Outgoing
from celeriac.model.errors import OperationalError

SENT = "celeriac_sent"
KEY, REASON, DIED = "celeriac-key", "celeriac-reason", "celeriac-died"
_AT_ONCE = 200
_LONGEST_REASON = 4_000


def dead_queue(queue: str) -> str:
    """Return the name of the queue that holds another's dead letters."""
    return f"{queue}{DEAD}"


class Peek:
    """Takes the messages of a queue in order, to look at them: those that are not acknowledged go back to their places when it is closed."""

    def __init__(self, link: Link, queue: str) -> None:
        self._link = link
        self._queue = queue
        self._arrived: deque[tuple[int, Envelope]] = deque()
        self._open = 0
        self._empty = False
        self._channel: Channel = link.channel(self._on_content, self._on_method)

    def _on_content(self, method: Method, envelope: Envelope, _priority: int) -> None:
        self._open -= 1
        self._arrived.append((method.values[0], envelope))

    def _on_method(self, method: Method) -> None:
        if method.name == "basic.get-empty":
            self._open -= 1
            self._empty = True

    def messages(self) -> Iterable[tuple[int, Envelope]]:
        """Yield delivery tags and messages, the oldest first."""
        while not self._empty:
            self._open = _AT_ONCE
            self._link.send(encode("basic.get", self._channel.number, 0, self._queue, False) * _AT_ONCE)
            if not self._link.wait(lambda: self._open <= 0 or self._channel.closed is not None, self._link.patience) or self._channel.closed:
                why = self._channel.closed or "no answer"
                raise OperationalError(f"RabbitMQ at {self._link.where} did not let the queue {self._queue!r} be read: {why}")
            while self._arrived:
                yield self._arrived.popleft()

    def take(self, tag: int) -> None:
        """Remove a message."""
        self._channel.send("basic.ack", tag, False)

    def remove(self, ids: Collection[str]) -> list[str]:
        """Remove the messages with these task ids and close; return the ids that were found."""
        try:
            found = [(tag, str(envelope.headers["id"])) for tag, envelope in self.messages() if envelope.headers.get("id") in ids]
            for tag, _ in found:
                self.take(tag)
            return [task_id for _, task_id in found]
        finally:
            self.close()

    def close(self) -> None:
        """Put the others back."""
        if self._channel.closed is None and self._link.failure is None:
            self._channel.call("channel.close", 200, "", 0, 0)
            self._link.forget(self._channel.number)


class Letters:
    """The dead letters of the queues that this process knows."""

    def __init__(self, sending: Sending, clock: Clock) -> None:
        self._sending = sending
        self._clock = clock

    def keep(self, rejected: Sequence[tuple[Delivery, str]]) -> None:
        """Set messages aside."""
        if rejected:
            self._sending.publish([self._letter(delivery, reason) for delivery, reason in rejected])

    def _letter(self, delivery: Delivery, reason: str) -> Outgoing:
        envelope = delivery.envelope
        marks = {KEY: uuid(), REASON: reason[:_LONGEST_REASON], DIED: self._clock.now()}
        return Outgoing(envelope.replace(headers={**envelope.headers, **marks}), dead_queue(delivery.queue))

    def list(self, queues: Iterable[str], limit: int) -> Sequence[DeadLetter]:
        """Return the newest letters of these queues."""
        found: list[DeadLetter] = []
        for queue in queues:
            peek = self._peek(queue)
            if peek is not None:
                try:
                    found += [_read(queue, envelope) for _, envelope in peek.messages()]
                finally:
                    peek.close()
        found.reverse()
        return sorted(found, key=lambda letter: -letter.died)[:limit]

    def _peek(self, queue: str) -> Peek | None:
        sender = self._sending.get()
        return Peek(sender.channel.link, dead_queue(queue)) if sender.admin.count(dead_queue(queue)) is not None else None

    def remove(self, keys: Collection[str], *, replay: bool) -> int:
        """Take letters out, by their keys, and send them to their queues again when asked to; return how many."""
        wanted: dict[str, set[str]] = {}
        for key in keys:
            queue, slash, name = key.rpartition("/")
            if slash:
                wanted.setdefault(queue, set()).add(name)
        return sum(self._remove(queue, names, replay) for queue, names in wanted.items())

    def _remove(self, queue: str, names: set[str], replay: bool) -> int:
        peek = self._peek(queue)
        if peek is None:
            return 0
        try:
            found = []
            for tag, envelope in peek.messages():
                if envelope.headers.get(KEY) in names:
                    found.append((tag, envelope))
                    if len(found) == len(names):
                        break
            if replay:
                # Sent anew: the failure that is stored is older than what comes of this.
                now = self._clock.now()
                again = [_without_marks(envelope) for _, envelope in found]
                self._sending.publish([Outgoing(each.replace(headers={**each.headers, SENT: now}), queue) for each in again])
            for tag, _ in found:
                peek.take(tag)
            return len(found)
        finally:
            peek.close()


def _read(queue: str, envelope: Envelope) -> DeadLetter:
    headers = envelope.headers
    key = f"{queue}/{headers.get(KEY)}"
    return DeadLetter(key, queue, _without_marks(envelope), str(headers.get(REASON) or ""), float(headers.get(DIED) or 0.0))


def _without_marks(envelope: Envelope) -> Envelope:
    return envelope.replace(headers={name: value for name, value in envelope.headers.items() if name not in (KEY, REASON, DIED)})
