"""The sender's end: completes events, gathers them, sends them."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from celeriac.contracts.broker import Broadcasts
from celeriac.contracts.current import current_client
from celeriac.events.able import able
from celeriac.events.event import Event, group_from, utcoffset
from celeriac.model.envelope import Outgoing
from celeriac.model.errors import OperationalError
from celeriac.model.event import Event as Occurrence
from celeriac.wire.events import body_of, encode_batch, encode_event

BATCH = 200
"""The most task events in one message."""
_PROBE = 20
KEPT = 10_000
"""The most events that are kept while the broker is away; then the oldest are dropped."""


class EventDispatcher:
    """Sends events in the name of a node.

    ``groups`` restricts it to some groups (such as ``{"worker"}``). Events of the groups in ``buffer_group`` leave together, ``buffer_limit`` at a
    time or with ``flush``. While the broker is away events are kept (``buffer_while_offline``) and sent with the next ones, else ``send`` raises
    ``OperationalError``. ``on_enabled`` and ``on_disabled`` are sets of functions that are called then. ``connection`` and ``channel`` are
    accepted for Celery's sake.
    """

    def __init__(
        self,
        connection: Any = None,
        hostname: str | None = None,
        enabled: bool = True,
        channel: Any = None,
        buffer_while_offline: bool = True,
        app: Any = None,
        serializer: str | None = None,
        groups: Collection[str] | None = None,
        delivery_mode: int = 1,
        buffer_group: Collection[str] | None = None,
        buffer_limit: int = 24,
        on_send_buffered: Callable[[], object] | None = None,
        *,
        broker: Broadcasts | None = None,
    ) -> None:
        self.app = app or getattr(connection, "app", None) or current_client()
        self.connection = connection
        self.channel = channel
        self.hostname: str = hostname or self.app.origin
        self.buffer_while_offline = buffer_while_offline
        self.buffer_group = frozenset(buffer_group or ())
        self.buffer_limit = buffer_limit
        self.on_send_buffered = on_send_buffered
        self.groups = set(groups or ())
        self.serializer: str = serializer or self.app.conf.event_serializer
        self.delivery_mode = delivery_mode
        self.exchange: str = self.app.conf.event_exchange
        self.clock = self.app.clock
        self.pid = os.getpid()
        self.enabled = False
        self.on_enabled: set[Callable[[], object]] = set()
        self.on_disabled: set[Callable[[], object]] = set()
        self._broker = broker
        self._gathered: list[Occurrence] = []
        self._kept: deque[Occurrence] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        if enabled:
            self.enable()

    @property
    def broker(self) -> Broadcasts:
        """What carries the events."""
        return self._broker if self._broker is not None else able(self.app.broker)

    def enable(self) -> None:
        """Send from now on."""
        self.enabled = True
        for callback in self.on_enabled:
            callback()

    def disable(self) -> None:
        """Send no more."""
        if self.enabled:
            self.enabled = False
            for callback in self.on_disabled:
                callback()

    def send(self, type: str, blind: bool = False, utcoffset: Any = None, retry: bool = False, retry_policy: Any = None, **fields: Any) -> None:
        """Send an event; ``blind`` ones do not count in the logical clock. Raises OperationalError (see ``buffer_while_offline``)."""
        if not self.wants(type):
            return
        made = Event(type, fields)
        occurrence = Occurrence(type, {name: value for name, value in made.items() if name not in ("type", "timestamp")}, made["timestamp"])
        if blind:
            occurrence.fields.setdefault("clock", self.clock.value)
        if group_from(type) in self.buffer_group:
            with self._lock:
                self._gathered.append(occurrence)
                full = len(self._gathered) >= self.buffer_limit
            if full:
                self.flush()
            elif self.on_send_buffered is not None:
                self.on_send_buffered()
            return
        self._send_or_keep([occurrence])

    def publish(self, type: str, fields: dict[str, Any], producer: Any = None, blind: bool = False, **_options: Any) -> None:
        """As ``send``, with the fields as a dict."""
        self.send(type, blind=blind, **fields)

    def flush(self, errors: bool = True, groups: bool = True) -> None:
        """Send what was kept while the broker was away (``errors``) and what is gathered (``groups``)."""
        with self._lock:
            waiting = [*self._kept] if errors else []
            if errors:
                self._kept.clear()
            if groups:
                waiting += self._gathered
                self._gathered = []
        if waiting:
            self._send_or_keep(waiting)

    def extend_buffer(self, other: EventDispatcher) -> None:
        """Take over what another dispatcher could not send."""
        self._kept.extend(other._kept)

    def post(self, occurrences: Sequence[Occurrence], *, plain: bool = False) -> bool | None:
        """Send many at once, task events in batches; returns what ``Broadcasts.broadcast`` does. Raises OperationalError.

        ``plain`` as for ``wire.events.encode_batch``. When nobody hears the first of them the others are not written at all.
        """
        first = self.broker.broadcast(list(self._encoded(occurrences[:_PROBE], plain)))
        if first is False or len(occurrences) <= _PROBE:
            return first
        return self.broker.broadcast(list(self._encoded(occurrences[_PROBE:], plain)))

    def wants(self, type: str) -> bool:
        """Whether events of a type are sent."""
        return self.enabled and (not self.groups or group_from(type) in self.groups)

    def _send_or_keep(self, occurrences: list[Occurrence]) -> None:
        with self._lock:
            occurrences = [*self._kept, *occurrences]
            self._kept.clear()
        try:
            self.post(occurrences)
        except OperationalError:
            if not self.buffer_while_offline:
                raise
            with self._lock:
                self._kept.extendleft(reversed(occurrences))

    def _encoded(self, occurrences: Sequence[Occurrence], plain: bool) -> Iterable[Outgoing]:
        how: dict[str, Any] = {"exchange": self.exchange, "serializer": self.serializer, "delivery_mode": self.delivery_mode}
        hostname, pid, offset = self.hostname, self.pid, utcoffset()
        clock = self.clock.reserve(len(occurrences))
        gathered: list[dict[str, Any]] = []
        for occurrence in occurrences:
            body = body_of(occurrence, hostname=hostname, pid=pid, clock=clock, utcoffset=offset)
            clock += 1
            if self.buffer_group and group_from(occurrence.type) in self.buffer_group:
                gathered.append(body)
            else:
                yield encode_event(body, **how)
        for at in range(0, len(gathered), BATCH):
            yield encode_batch(gathered[at : at + BATCH], plain=plain, **how)

    def close(self) -> None:
        """Send what is gathered; nothing is held afterwards."""
        self.flush(errors=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()
