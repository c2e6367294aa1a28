"""How many messages the server may send before it is asked for: one window a queue, never wider than what is wanted.

A window is a consumer with its prefetch count. It counts what it delivered and is not settled; when too little room is left for what is wanted
now, a new consumer takes its place. (The count of a consumer cannot be changed; that of a whole channel can, but not for quorum queues.)
"""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.drivers.rabbitmq.channel import Channel

WIDEST = 65_535
_SMALL = 16
_MOST_SHUT = 256


@dataclass(slots=True)
class Window:
    """A consumer; ``used`` is what it delivered and is not settled."""

    tag: str
    queue: str
    size: int
    used: int = 0


class Windows:
    """The consumers of one channel. Every method must be called with the owner's lock held."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._open: dict[str, Window] = {}
        self._by_tag: dict[str, Window] = {}
        self._count = 0
        self._numbers = 0

    def want(self, queue: str, limit: int, arguments: dict[str, object]) -> None:
        """See that the server may send this many messages of a queue."""
        found = self._open.get(queue)
        if found is not None:
            room = found.size - found.used
            if limit <= room <= max(2 * limit, _SMALL) or (limit > _SMALL and limit // 2 <= room <= 4 * limit):
                return
            self.shut(queue)
        size = min(limit, WIDEST)
        if size != self._count:
            self._channel.send("basic.qos", 0, size, False)
            self._count = size
        self._numbers += 1
        window = Window(f"celeriac.{self._numbers}", queue, size)
        self._open[queue] = self._by_tag[window.tag] = window
        self._channel.send("basic.consume", 0, queue, window.tag, False, False, False, True, arguments)

    def of(self, tag: str) -> Window | None:
        """Return the window that a delivery came by, also one that was shut."""
        return self._by_tag.get(tag)

    def shut(self, queue: str) -> str | None:
        """Stop the deliveries of a queue; what is on its way still comes. Return the tag of the consumer that was ended."""
        window = self._open.pop(queue, None)
        if window is None:
            return None
        self._channel.send("basic.cancel", window.tag, True)
        if len(self._by_tag) > _MOST_SHUT:
            self._by_tag = {tag: w for tag, w in self._by_tag.items() if w.used or self._open.get(w.queue) is w}
        return window.tag

    def shut_all(self) -> int:
        """Stop all deliveries; return how many consumers were ended."""
        return sum(self.shut(queue) is not None for queue in list(self._open))

    def cancelled(self, tag: str) -> str | None:
        """The server ended a consumer (its queue was deleted, say); return the queue's name."""
        window = self._by_tag.get(tag)
        if window is None:
            return None
        if self._open.get(window.queue) is window:
            del self._open[window.queue]
        return window.queue

    def forget_count(self) -> None:
        """The prefetch count that new consumers get was changed by somebody else."""
        self._count = 0

    def any_open(self) -> bool:
        """Say whether the server may send something."""
        return bool(self._open)

    def settled(self, window: Window) -> None:
        """A message of this window was settled."""
        window.used -= 1
        if window.used <= 0 and self._open.get(window.queue) is not window:
            self._by_tag.pop(window.tag, None)
