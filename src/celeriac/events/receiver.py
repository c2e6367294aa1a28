"""The listener's end: events as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from celeriac.contracts.broker import Listener
from celeriac.contracts.current import current_client
from celeriac.events.able import able
from celeriac.lib.ids import uuid
from celeriac.model.errors import ContentDisallowed, DecodeError
from celeriac.wire.events import decode_events
from celeriac.wire.serializers import content_types

_LOOK = 1.0
"""Seconds after which ``should_stop`` is looked at while nothing comes."""

Handler = Callable[[dict[str, Any]], object]


class EventReceiver:
    """Hands events to ``handlers``: a function for each type, ``*`` for all that have none.

    ``routing_key`` chooses (``task.#``, ``worker.*``), ``accept`` says which content types are read. ``channel`` may be a connection of the
    application's; ``queue_prefix``, ``queue_ttl`` and ``queue_expires`` are accepted for Celery's sake.
    """

    app: Any = None

    def __init__(
        self,
        channel: Any = None,
        handlers: Mapping[str, Handler] | None = None,
        routing_key: str = "#",
        node_id: str | None = None,
        app: Any = None,
        queue_prefix: str | None = None,
        accept: Any = None,
        queue_ttl: float | None = None,
        queue_expires: float | None = None,
    ) -> None:
        self.app = app or self.app or getattr(channel, "app", None) or current_client()
        self.handlers: dict[str, Handler] = dict(handlers or {})
        self.routing_key = routing_key
        self.node_id = node_id or uuid()
        self.accept = content_types(accept or {self.app.conf.event_serializer, "json"})
        self.should_stop = False

    def capture(self, limit: int | None = None, timeout: float | None = None, wakeup: bool = True) -> None:
        """Handle events until there were ``limit`` of them, or ``should_stop`` is set; TimeoutError when none comes for ``timeout`` seconds.

        ``wakeup`` asks all workers for a heartbeat first, so that they are known at once.
        """
        for _ in self.itercapture(limit, timeout, wakeup):
            pass

    def itercapture(self, limit: int | None = None, timeout: float | None = None, wakeup: bool = True) -> Iterator[dict[str, Any]]:
        """As ``capture``, yielding each event after it was handled."""
        listener = able(self.app.broker).listen(self.app.conf.event_exchange, (self.routing_key,))
        try:
            if wakeup:
                self.wakeup_workers()
            self.on_ready()
            for count, event in enumerate(self._events(listener, timeout), 1):
                self.process(event["type"], event)
                yield event
                if self.should_stop or (limit is not None and count >= limit):
                    return
        finally:
            listener.close()

    def on_ready(self) -> None:
        """Called when events are heard; for subclasses."""

    def wakeup_workers(self) -> None:
        """Ask all workers for a heartbeat."""
        self.app.control.broadcast("heartbeat")

    def process(self, type: str, event: dict[str, Any]) -> None:
        """Hand an event to its handler."""
        handler = self.handlers.get(type) or self.handlers.get("*")
        if handler is not None:
            handler(event)

    def event_from_message(self, body: dict[str, Any], localize: bool = True) -> tuple[str, dict[str, Any]]:
        """Take an event in: the logical clock follows it, ``local_received`` (epoch seconds) says when it came. Returns its type and itself."""
        clock = self.app.clock
        if body["type"] == "task-sent" or not isinstance(body.get("clock"), int):
            # Clients hear nothing and so count for themselves: by their clock everything they send would be long ago.
            body["clock"] = clock.forward()
        else:
            clock.adjust(body["clock"])
        body["local_received"] = time.time()
        return body["type"], body

    def _events(self, listener: Listener, timeout: float | None) -> Iterator[dict[str, Any]]:
        heard = time.monotonic()
        while not self.should_stop:
            left = None if timeout is None else heard + timeout - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"no event came within {timeout:g} seconds")
            for _, envelope in listener.receive(_LOOK if left is None else min(_LOOK, left)):
                heard = time.monotonic()
                try:
                    bodies = decode_events(envelope, self.accept)
                except (DecodeError, ContentDisallowed):
                    continue
                for body in bodies:
                    yield self.event_from_message(body)[1]
