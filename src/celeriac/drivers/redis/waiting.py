"""Waiting for messages without asking for them.

An idle worker holds one connection of its own, and on it one ``BLMOVE`` from the plain list of its first queue to its list of arrivals: a
message that anybody pushes there (Celery's clients too) goes to the worker that has waited longest, to it alone, and is never in neither place.
That is the common case, and it costs one wake-up and no further round trip.

The other lists (further queues, lower priorities) cannot be blocked on at the same time, so the same connection, speaking RESP3, asks the
server to track them (``CLIENT TRACKING``): it reads them with ``EXISTS`` right before it blocks, and the server pushes a word when one of them
changes, again whoever did it. Such a word reaches everyone who tracks, so among the workers that wait for the same queues only the first
``WATCHERS`` do; one that goes to work hands that over by touching another's bell, a key that each waiting worker tracks. One that dies does
not: whoever renews its lease next notices that there are too few, and whoever looks after the dead looks into the other lists too (``custody``).

A ``fetch`` that found nothing after a second or more leaves all this in place for the next, which a worker calls at once: an idle worker sends
nothing while it waits. Should the next call not come, ``tend`` (called with the lease) takes it down, and what arrived meanwhile is the next
fetch's.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from celeriac.drivers.redis import scripts
from celeriac.drivers.redis.bell import Bell
from celeriac.drivers.redis.connection import Command, Link
from celeriac.drivers.redis.errors import ProtocolError, ServerError
from celeriac.drivers.redis.flight import Flight
from celeriac.drivers.redis.keys import BrokerKeys
from celeriac.drivers.redis.server import Server
from celeriac.model.envelope import Delivery
from celeriac.model.errors import OperationalError

PERIOD, WATCHERS, LINGER = 120.0, 2, 1.0
"""Seconds: a fetch that may wait for so long is a worker's, and another follows."""
_GRACE, _TRIES = 5.0, 5
_ENROLLED, _KNOWN = 45.0, 60.0
"""Seconds for which a waiter does not say again that it is one, and for which it counts as one. An idle lease's renewal says it too."""
_MEASURED = 2.0
"""Seconds for which the round trip that was measured holds, while messages come."""
_AT_ONCE = 0.0002
"""Seconds: what arrives so soon (or within a slower server's round trip) was there already, and so may be more."""
_POLL_UNTRACKED, _POLL_CROWDED = 0.1, 0.02

Take = Callable[[], list[Delivery]]


class Waiting:
    """The waiting of one broker; one thread waits by the connection, others that come meanwhile look every now and then."""

    def __init__(self, server: Server, keys: BrokerKeys, flight: Flight, owner: str) -> None:
        self._server = server
        self._keys = keys
        self._flight = flight
        self._owner = owner
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._pid = os.getpid()
        self._busy = threading.Lock()
        self._link: Link | None = None
        self._node = self._server
        """Where the connection leads."""
        self._tracks = True
        self._tracked = False
        self._armed_at = 0.0
        self._round_trip = self._measured_at = 0.0
        self._nothing_came = False
        self._queues: tuple[str, ...] = ()
        self._blocked_until = 0.0
        self.watches = False
        """Whether it is one of those that watch the other lists."""
        self._others = 0
        self._enrolled_at = -1e9
        self._troubles = 0
        self._left_at = 0.0
        self._late: list[Delivery] = []
        self._late_lock = threading.Lock()
        self._unsure = ""
        """The queue from which something may have arrived on a connection that broke."""
        self._unread = 0
        self._closed = False
        self._woken = False
        self._bell = Bell()

    def open(self) -> None:
        """Allow waiting (again)."""
        if self._pid != os.getpid():
            self._forget_inherited()
        self._closed = False

    def close(self) -> None:
        """Wake everybody who waits; nobody waits any more."""
        if self._pid != os.getpid():
            self._forget_inherited()
        self._closed = True
        if self._busy.locked():
            self._bell.ring()
        with self._busy:
            self._cut()
            self._woken = False
            self._bell.close()

    def wake(self) -> None:
        """Let who waits return now; when nobody does, the next one will not wait."""
        if self._pid != os.getpid():
            self._forget_inherited()
        if not self._woken:
            self._woken = True
            self._bell.ring()

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The queues that this owner is enrolled for as one that waits; none while it does not."""
        return self._queues if self.armed else ()

    def enrolled(self) -> None:
        """Others have been told again that this owner waits."""
        if self._enrolled_at > 0:
            self._enrolled_at = time.monotonic()

    def look(self, *, enroll: bool = False) -> None:
        """Something is there of which nobody seems to have heard, or too few watch the other lists: begin to wait anew."""
        if self.armed:
            self._enrolled_at = -1e9 if enroll else self._enrolled_at
            self._flight.busy = self._flight.busy or not enroll
            self.wake()

    @property
    def armed(self) -> bool:
        """Whether the connection is waiting from an earlier call."""
        return self._blocked_until > 0

    def late(self) -> list[Delivery]:
        """Take what arrived after the waiting was over, or while its connection broke."""
        with self._late_lock:
            found, self._late = self._late, []
            unsure, self._unsure = self._unsure, ""
        if unsure:
            try:
                # The server may not know yet that the connection is dead: the broken one has been doubted, and is ended before it is asked.
                found += self._flight.missed_arrivals(unsure)
            except BaseException:
                self._came_late(found)
                self._unsure = unsure
                raise
        return found

    def _came_late(self, found: list[Delivery]) -> None:
        if found:
            with self._late_lock:
                self._late = [*self._late, *found]

    def wait(self, queues: Sequence[str], seconds: float, take: Take) -> list[Delivery]:
        """Wait until ``take`` gets something or a message arrives by itself; nothing when the time is over or on ``close``."""
        if self._pid != os.getpid():
            self._forget_inherited()
        deadline = time.monotonic() + seconds
        if not self._busy.acquire(blocking=False):
            return self._wait_beside(deadline, take)
        try:
            return self._wait(tuple(queues), deadline, take, linger=seconds >= LINGER)
        except (OSError, ProtocolError) as error:
            self._cut()
            # A server whose memory is full lets nobody wait, but does hand out.
            self._flight.busy = True
            raise OperationalError(f"The connection that waits for messages broke: {error or type(error).__name__}") from error
        except BaseException:
            self._cut()
            raise
        finally:
            self._left_at = time.monotonic()
            self._busy.release()

    def stop(self) -> None:
        """End waiting that nobody resumed; what arrived is not handed out."""
        with self._busy:
            if not self._closed:
                self._disarm()
            with self._late_lock:
                self._late = []
            if self._queues:
                self._server.call(scripts.LEAVE, self._keys.waiters(self._queues), (self._owner, self._keys.bell(self._queues, "")))
                self._server.one("DEL", self._keys.bell(self._queues, self._owner))
                self._enrolled_at = -1e9

    def tend(self) -> None:
        """Take down a waiting that nobody resumed."""
        if self.armed and time.monotonic() - self._left_at > LINGER and self._busy.acquire(blocking=False):
            try:
                self._came_late(self._disarm())
            except (OSError, ProtocolError, OperationalError):
                self._cut()
            finally:
                self._busy.release()

    # with _busy held

    def _wait(self, queues: tuple[str, ...], deadline: float, take: Take, *, linger: bool) -> list[Delivery]:
        if self.armed and (queues != self._queues or self._troubles != self._server.troubles):
            self._came_late(self._disarm())
        while not self._closed:
            if not self.armed and (found := self._begin(queues, take)):
                return found
            if not self.armed:
                # The other lists change all the time, and others are faster: do not wait on the connection for this once.
                if self._pause(deadline):
                    break
                continue
            news, look = self._listen(deadline)
            found = self._heed(news, look, take)
            if found:
                return self._leave(found)
            if self._woken or time.monotonic() >= deadline:
                break
        if self._woken:
            self._woken, linger = False, False
            self._bell.hush()
        if self._closed or not linger:
            return self._disarm()
        return []

    def _begin(self, queues: tuple[str, ...], take: Take) -> list[Delivery]:
        """Begin to wait; returns what turned up in that moment."""
        found = self.late()
        if found:
            return found
        if self._link is None:
            self._link = self._connect(queues[0])
        for _ in range(_TRIES):
            if self._arm(queues):
                break
            # There is something that nobody would tell us of.
            self._flight.keep(self._disarm())
            found = take()
            if found:
                return self._leave(found)
        return []

    def _pause(self, deadline: float) -> bool:
        """Wait a moment; say whether the waiting is over."""
        poll = select.poll()
        poll.register(self._bell.fileno(), select.POLLIN)
        poll.poll(max(0.0, min(_POLL_CROWDED, deadline - time.monotonic())) * 1000)
        return self._woken or time.monotonic() >= deadline

    def _connect(self, queue: str) -> Link:
        first = self._keys.queue(queue).lists[0]
        link, self._node = self._server.link(first), self._server.at(first)
        self._troubles = self._server.troubles
        link.send([("CLIENT", "TRACKING", "ON"), ("SCRIPT", "LOAD", scripts.LEAVE.text)])
        tracking, _ = link.receive(), link.receive()
        self._tracks = not isinstance(tracking, ServerError)
        self._unread, self._tracked = 0, False
        return link

    def _arm(self, queues: tuple[str, ...]) -> bool:
        """Begin to wait on the connection; False when there is something in one of the other lists, or they changed just now."""
        assert self._link is not None
        enrolled = queues == self._queues and time.monotonic() - self._enrolled_at < _ENROLLED and not self._link.readable(0.0)
        if not enrolled:
            arguments = (self._owner, _KNOWN, WATCHERS, self._keys.bell(queues, ""))
            watches, self._others = self._server.call(scripts.ARM, self._keys.waiters(queues), arguments)
            self._queues, self.watches, self._enrolled_at = queues, bool(watches), time.monotonic()
            if self._others:
                self._flight.lease.joined()
        first = self._keys.queue(queues[0])
        block = ("BLMOVE", first.lists[0], first.taken(self._owner), "RIGHT", "LEFT", PERIOD)
        known = self._nothing_came or time.monotonic() - self._measured_at < _MEASURED
        if enrolled and self._tracked and not self._unread and known:
            # Nothing has changed since the server was asked to tell.
            self._link.send([block])
            self._armed_at = time.monotonic()
            self._blocked_until = self._armed_at + PERIOD
            return True
        questions = self._questions(queues)
        self._link.send([*questions, block])
        self._armed_at = time.monotonic()
        self._blocked_until = self._armed_at + PERIOD
        for _ in range(self._unread):
            self._next_reply()
        self._unread, self._tracked = 0, True
        replies = [self._next_reply()]
        self._measured_at = time.monotonic()
        self._round_trip = self._measured_at - self._armed_at
        replies += [self._next_reply() for _ in questions[1:]]
        return self._tracked and not any(replies[1:])

    def _questions(self, queues: tuple[str, ...]) -> list[Command]:
        """Return what is asked so that the server tells of changes: the keys that are read are tracked."""
        found: list[Command] = [("GET", self._keys.bell(queues, self._owner))]
        if self.watches and self._tracks:
            # The delayed sets are tracked too: what is due before the others changes how long to sleep, also when it came after the last look.
            known = "+inf" if self._flight.next_due is None else f"({self._flight.next_due!r}"
            each = [self._keys.queue(name) for name in self._server.together(queues)[0]]
            others = [one for queue in each for one in queue.lists][1:]
            found += [("ZCOUNT", queue.delayed, "-inf", known) for queue in each]
            found += [("EXISTS", *others)] if others else []
        return found

    def _next_reply(self) -> Any:
        assert self._link is not None
        while isinstance(reply := self._link.receive(), self._link.pushed):
            self._tracked = False
        return reply

    def _listen(self, deadline: float) -> tuple[list[Any], bool]:
        """Return what the connection says until a deadline, and whether it is time to look without having been told."""
        assert self._link is not None
        until, looks = min(deadline, self._blocked_until + _GRACE), float("inf")
        if self.watches and self._flight.next_due is not None:
            looks = time.monotonic() + self._flight.next_due - time.time()
        if self.watches and (not self._tracks or len(self._server.together(self._queues)) > 1):
            looks = min(looks, time.monotonic() + _POLL_UNTRACKED)
        if self._node.ready(self._link, self._bell.fileno(), max(0.0, min(until, looks) - time.monotonic())):
            return (self._link.pending() if not self._closed else []), False
        now = time.monotonic()
        if now >= self._blocked_until + _GRACE:
            raise OSError("no answer in time")
        return [], now >= looks - 0.001

    def _heed(self, news: list[Any], look: bool, take: Take) -> list[Delivery]:
        """Do what the news ask for: hand out what arrived, look where something changed."""
        assert self._link is not None
        found: list[Delivery] = []
        for one in news:
            if isinstance(one, self._link.pushed):
                look, self._tracked = True, False
                # It may have been the bell: then something has changed among those who wait.
                self._enrolled_at = -1e9
                continue
            self._blocked_until = 0.0
            if isinstance(one, ServerError):
                self._flight.keep(found)
                raise OSError(str(one))
            self._nothing_came = one is None
            if one is not None:
                self._flight.busy = time.monotonic() - self._armed_at < max(_AT_ONCE, 1.5 * self._round_trip)
                found += self._flight.arrivals(one, self._queues[0])
        if found or not look or self._closed:
            return found
        found = take()
        if not found and news:
            # What was told of is not tracked any more: begin anew.
            found = self._disarm()
        return found

    def _leave(self, found: list[Delivery]) -> list[Delivery]:
        """Go to work: nothing may arrive any more, and somebody else has to watch."""
        try:
            found += self._disarm()
            if self._others and self._link is not None:
                keys = self._keys.waiters(self._queues)
                self._link.send([("EVALSHA", scripts.LEAVE.digest, len(keys), *keys, self._owner, self._keys.bell(self._queues, ""))])
                self._unread += 1
                self._enrolled_at = -1e9
        except (OSError, ProtocolError, OperationalError):
            self._cut()
        return found

    def _disarm(self) -> list[Delivery]:
        """End the blocked command; a message may have arrived in the last moment."""
        if self._link is None or not self.armed:
            return []
        if self._closed:
            self._cut()
            return []
        self._node.one("CLIENT", "UNBLOCK", self._link.client)
        reply = self._next_reply()
        self._blocked_until = 0.0
        return [] if reply is None or isinstance(reply, ServerError) else self._flight.arrivals(reply, self._queues[0])

    def _cut(self) -> None:
        if self._link is not None and self.armed and not self._closed:
            self._node.doubt(self._link)
            self._unsure = self._queues[0]
        self._blocked_until = 0.0
        if self._link is not None:
            self._link.close()
            self._link = None

    # beside

    def _wait_beside(self, deadline: float, take: Take) -> list[Delivery]:
        while not self._closed and time.monotonic() < deadline:
            found = take()
            if found or self._woken:
                return found
            time.sleep(min(_POLL_CROWDED, max(0.0, deadline - time.monotonic())))
        return []

    def _forget_inherited(self) -> None:
        if self._link is not None:
            self._link.close(inherited=True)
        self._bell.close()
        self._start_afresh()
