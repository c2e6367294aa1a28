"""Broadcasts in memory: every listener has its own line."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from celeriac.contracts.broker import Listener
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.wire.bindings import matches


class Hub:
    """The listeners of one memory store."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.listeners: list[MemoryListener] = []

    def send(self, outgoing: Sequence[Outgoing]) -> bool:
        """Give each message to the listeners whose pattern matches; return whether there is any."""
        with self.lock:
            listeners = list(self.listeners)
        heard = False
        for listener in listeners:
            wanted = [(m.routing_key, m.envelope) for m in outgoing if listener.wants(m)]
            if wanted:
                heard = True
                listener.put(wanted)
        return heard


class MemoryListener(Listener):
    """One subscription."""

    def __init__(self, owner: Hub, exchange: str, patterns: Sequence[str]) -> None:
        self._hub = owner
        self._exchange = exchange
        self._patterns = tuple(patterns)
        self._changed = threading.Condition()
        self._line: list[tuple[str, Envelope]] = []
        self._closed = False
        with owner.lock:
            owner.listeners.append(self)

    def wants(self, outgoing: Outgoing) -> bool:
        """Say whether a message is for this listener."""
        return outgoing.exchange == self._exchange and any(matches(pattern, outgoing.routing_key) for pattern in self._patterns)

    def put(self, messages: Sequence[tuple[str, Envelope]]) -> None:
        """Add messages to the line."""
        with self._changed:
            self._line.extend(messages)
            self._changed.notify_all()

    def receive(self, timeout: float) -> Sequence[tuple[str, Envelope]]:
        with self._changed:
            self._changed.wait_for(lambda: self._line or self._closed, timeout)
            received, self._line = self._line, []
        return received

    def close(self) -> None:
        with self._hub.lock:
            if self in self._hub.listeners:
                self._hub.listeners.remove(self)
        with self._changed:
            self._closed = True
            self._changed.notify_all()


_hubs: dict[str, Hub] = {}
_opening = threading.Lock()


def hub(name: str) -> Hub:
    """Return this process's hub of that name."""
    with _opening:
        return _hubs.setdefault(name, Hub())
