"""The thread of a worker that finishes chords: it is told by looks, durable messages that go back to others when it dies over one."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from celeriac.contracts.settler import BodyOf
from celeriac.drivers.rabbitmq.chord_desk import Busy, Desk, Reading
from celeriac.drivers.rabbitmq.chord_queue import DONE, Look, mark, read_look
from celeriac.drivers.rabbitmq.chords import Chords, Send
from celeriac.drivers.rabbitmq.link import Link
from celeriac.drivers.rabbitmq.methods import Method
from celeriac.drivers.rabbitmq.session import Session
from celeriac.lib.backoff import exponential
from celeriac.lib.signpost import reach
from celeriac.lib.value import Value
from celeriac.model.envelope import Envelope
from celeriac.model.errors import OperationalError
from celeriac.model.record import DueChord

logger = logging.getLogger("celeriac.worker")

GLANCE = 1.0
"""Seconds after which a chord that was not complete is looked at again, once: what the look tells of may still be on its way in a cluster."""
BUSY = 0.05
"""Seconds after which a chord that somebody else reads is looked at again."""
AT_ONCE = 100
"""Looks that one worker has in hand."""
IDLE = 5.0


class Held(Value, frozen=True):
    """A look that is to be made (again); one with a ``tag`` is not acknowledged."""

    look: Look
    tag: int
    at: float
    """Monotonic seconds."""
    last: bool


class Watchtower:
    """What is bound to one connection: the looks that come, and a desk to answer them."""

    def __init__(self, link: Link, chords: Chords) -> None:
        self.desk = Desk(link)
        self.link = link
        self.arrived: deque[tuple[int, Look | None]] = deque()
        self.held: dict[str, Held] = {}
        self._cancelled = False
        self._channel = link.channel(self._on_content, self._on_method)
        chords.make_looks(self.desk.admin)
        self._channel.call("basic.qos", 0, AT_ONCE, False)
        self._channel.call("basic.consume", 0, chords.looks, "", False, False, False, False, {})

    def _on_content(self, method: Method, envelope: Envelope, _priority: int) -> None:
        self.arrived.append((method.values[1], read_look(envelope)))

    def _on_method(self, method: Method) -> None:
        if method.name in ("basic.cancel", "channel.close"):
            self._cancelled = True

    def ack(self, tag: int) -> None:
        """A look was made."""
        if tag:
            self._channel.send("basic.ack", tag, False)

    def check(self) -> None:
        """Raise when the server sends no more looks."""
        if self._cancelled:
            why = self._channel.closed or "the queue of looks was deleted"
            raise OperationalError(f"RabbitMQ at {self.link.where} sends no more looks: {why}")

    def next_at(self, now: float) -> float:
        """Return the seconds until a look has to be made again."""
        return max(0.0, min((held.at for held in self.held.values()), default=now + IDLE) - now)

    def take(self, now: float) -> list[Held]:
        """Return the looks to be made now, the newest of each chord; the older ones are answered by it."""
        found: dict[str, Held] = {}
        while self.arrived:
            tag, look = self.arrived.popleft()
            if look is None:
                self.ack(tag)
                continue
            older = found.pop(look.group, None) or self.held.pop(look.group, None)
            if older is not None:
                self.ack(older.tag)
                look = look.replace(failed=look.failed or older.look.failed, size=max(look.size, older.look.size))
            found[look.group] = Held(look, tag, now, last=False)
        for group in [group for group, held in self.held.items() if held.at <= now]:
            found[group] = self.held.pop(group)
        return list(found.values())


class Tending:
    """Begins with ``start`` and ends with ``stop``; what is not finished then is finished by others."""

    def __init__(self, chords: Chords, open_link: Callable[[], Link], body_of: BodyOf, send: Send) -> None:
        self._chords = chords
        self._body_of = body_of
        self._send = send
        self._session = Session(open_link, lambda link: Watchtower(link, chords))
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chords", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when the looks that are not made have gone back."""
        self._stopped.set()
        tower = self._session.peek()
        if tower is not None:
            tower.link.wake()
        self._thread.join(10.0)
        self._session.close()

    def _run(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            try:
                self._round(self._session.get())
                failures = 0
            except Exception as error:
                if self._stopped.is_set():
                    return
                tower = self._session.peek()
                if tower is not None:
                    # The looks in hand go back.
                    tower.link.fail(error)
                seconds = exponential(failures, factor=0.1, maximum=2.0)
                failures += 1
                logger.warning("consumer: Cannot finish chords: %s. Trying again in %.1fs.", error, seconds)
                self._stopped.wait(seconds)

    def _round(self, tower: Watchtower) -> None:
        pause = min(tower.next_at(time.monotonic()), tower.link.heartbeat / 3 or IDLE)
        tower.link.wait(lambda: bool(tower.arrived) or self._stopped.is_set(), pause)
        self._beat(tower)
        for held in tower.take(time.monotonic()):
            if self._stopped.is_set():
                return
            try:
                self._look(tower, held)
            except OperationalError:
                raise
            except Exception:
                logger.exception("consumer: The chord %s cannot be looked at.", held.look.group)
                tower.ack(held.tag)

    def _beat(self, tower: Watchtower) -> None:
        tower.check()
        tower.link.beat()
        desk = self._chords.desk.peek()
        if desk is not None and desk.link.failure is None:
            desk.link.beat()

    def _look(self, tower: Watchtower, held: Held) -> None:
        look = held.look
        try:
            with self._chords.looking(tower.desk, look) as seen:
                if seen is not None:
                    self._finish(*seen)
        except Busy:
            tower.held[look.group] = held.replace(at=time.monotonic() + BUSY)
            return
        tower.ack(held.tag)
        if seen is None and not held.last and self._chords.open(look.group):
            tower.held[look.group] = held.replace(tag=0, at=time.monotonic() + GLANCE, last=True)

    def _finish(self, reading: Reading, due: DueChord) -> None:
        reach("chord.due")
        try:
            last = self._body_of(due)
        except Exception:
            logger.exception("consumer: The chord %s cannot be finished.", due.group)
            reading.commit([mark(DONE, due.group, durable=True)], settle=True)
            return
        self._chords.finish(reading, last, self._send)
