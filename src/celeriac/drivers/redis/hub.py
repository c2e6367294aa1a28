"""One connection a process listens on, for whoever waits for results or broadcasts: any number of threads, any number of channels.

There is no thread for it. Of the threads that wait one reads the connection and hands out what it reads; when it has what it wanted, another takes
over. A single waiter thus wakes up once for its result, by the message itself.

The connection speaks RESP3, so that ordinary commands can follow a subscription on it: what was there before is asked for right behind the
``SUBSCRIBE``, and nothing can fall between the two.
"""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from celeriac.drivers.redis.bell import Bell
from celeriac.drivers.redis.connection import Command, Link
from celeriac.drivers.redis.errors import ProtocolError, ServerError
from celeriac.drivers.redis.server import Server, polled
from celeriac.model.errors import ImproperlyConfigured, OperationalError

PATIENCE = 15.0
"""Seconds for which a waiter goes on while the server cannot be reached; then it is told."""
_PING = 20.0
_ANSWER = 1.0
"""Seconds that the server has for its answer where the caller wants to wait for less."""
_MANY = 64

Answered = Callable[[Any], None]


class Subscriber(ABC):
    """Somebody who waits; its methods are called with the hub's lock held."""

    def __init__(self, hub: Hub) -> None:
        self.changed = threading.Condition(hub.lock)
        self.closed = False

    @abstractmethod
    def deliver(self, channel: bytes, text: bytes) -> None:
        """Something was published on one of its channels."""

    @abstractmethod
    def satisfied(self) -> bool:
        """Whether there is something that it waited for."""

    @abstractmethod
    def again(self) -> Sequence[tuple[Command, Answered]]:
        """The connection is a new one and all subscriptions have been renewed: return what has to be asked to learn what was missed."""


class Hub:
    """The listening connection of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._pid = os.getpid()
        self.lock = threading.RLock()
        self._link: Link | None = None
        self._reader: Subscriber | None = None
        self._waiting: list[Subscriber] = []
        self._channels: dict[tuple[str, bytes], list[Subscriber]] = {}
        self._answers: deque[Answered] = deque()
        self._leaving: set[tuple[str, bytes]] = set()
        self._lost_at = 0.0
        self._retry_at = 0.0
        self._heard_at = 0.0
        self._pinged = False
        self._bell = Bell()

    def check_process(self) -> bool:
        """Say whether this is still the process that the hub was made in; a child begins anew."""
        if self._pid == os.getpid():
            return True
        if self._link is not None:
            self._link.close(inherited=True)
        self._bell.close()
        self._start_afresh()
        return False

    # what is listened to

    def add(
        self, subscriber: Subscriber, channels: Iterable[bytes], *, patterns: Iterable[bytes] = (), then: tuple[Command, Answered] | None = None
    ) -> None:
        """Listen to channels for a subscriber; ``then`` is asked right behind the subscription."""
        with self.lock:
            new: dict[str, list[bytes]] = {"SUBSCRIBE": [], "PSUBSCRIBE": []}
            for kind, names in (("SUBSCRIBE", channels), ("PSUBSCRIBE", patterns)):
                for name in names:
                    listeners = self._channels.setdefault((kind, name), [])
                    if not listeners:
                        new[kind].append(name)
                    if subscriber not in listeners:
                        listeners.append(subscriber)
                    self._leaving.discard((kind, name))
            if self._link is None:
                # This renews all subscriptions, and every subscriber asks for what it wants.
                self._connect()
            elif any(new.values()) or then is not None:
                commands: list[Command] = [(kind, *names) for kind, names in new.items() if names]
                self._send([*self._goodbyes(), *commands], [then] if then is not None else [])

    def drop(self, subscriber: Subscriber, names: Iterable[tuple[str, bytes]]) -> None:
        """Listen to channels no longer; the server is told with the next thing that is sent."""
        with self.lock:
            for name in names:
                listeners = self._channels.get(name)
                if listeners and subscriber in listeners:
                    listeners.remove(subscriber)
                    if not listeners:
                        del self._channels[name]
                        self._leaving.add(name)
            if len(self._leaving) >= _MANY and self._link is not None:
                self._send(self._goodbyes(), [])

    def end(self, subscriber: Subscriber) -> None:
        """A subscriber waits no more; the connection stays for the next one."""
        with self.lock:
            subscriber.closed = True
            self.drop(subscriber, [name for name, listeners in self._channels.items() if subscriber in listeners])
            subscriber.changed.notify_all()
            if self._reader is not None:
                self._bell.ring()

    def close(self) -> None:
        """Close the connection if nobody listens."""
        with self.lock:
            if self._reader is None and not self._channels:
                self._cut()
                self._bell.close()

    # waiting

    def wait(self, subscriber: Subscriber, timeout: float, done: Callable[[], bool] | None = None) -> None:
        """Wait until a subscriber is satisfied or closed, or for the time; raises OperationalError when the server is away for long."""
        done = done or subscriber.satisfied
        deadline = time.monotonic() + timeout
        with self.lock:
            self._waiting.append(subscriber)
            try:
                while not (done() or subscriber.closed) and (left := deadline - time.monotonic()) > 0:
                    if self._reader is None:
                        self._read_for(subscriber, left)
                    else:
                        subscriber.changed.wait(left)
            finally:
                self._waiting.remove(subscriber)
                if self._reader is None and self._waiting:
                    self._waiting[0].changed.notify()

    def wait_until(self, subscriber: Subscriber, timeout: float, done: Callable[[], bool]) -> None:
        """Wait until ``done`` (asked without the lock whenever the subscriber is satisfied), or it is closed, or the time is over.

        What the server was asked before is heard even with a timeout of 0.
        """
        begun = time.monotonic()
        patient = begun + max(timeout, min(_ANSWER, self._server.address.read_timeout))
        while not done() and not subscriber.closed:
            left = begun + timeout - time.monotonic()
            if left <= 0 and not (self._link is not None and self._answers):
                return
            self.wait(subscriber, max(left, 0.001))
            if time.monotonic() >= patient:
                return

    def _read_for(self, subscriber: Subscriber, seconds: float) -> None:
        self._reader = subscriber
        try:
            if self._link is None:
                seconds = min(seconds, self._reconnect())
            if self._leaving and self._link is not None:
                self._send(self._goodbyes(), [])
            link = self._link
            self.lock.release()
            try:
                news, failed = self._listen(link, seconds)
            finally:
                self.lock.acquire()
            if failed is not None and self._link is link:
                self._cut()
            for one in news:
                self._heed(one)
        finally:
            self._reader = None

    def _listen(self, link: Link | None, seconds: float) -> tuple[list[Any], BaseException | None]:
        bell, seconds = self._bell.fileno(), min(seconds, _PING)
        try:
            if link is None:
                if polled(bell).poll(seconds * 1000):
                    self._bell.hush()
                return [], None
            if self._pinged and time.monotonic() - self._heard_at > 2 * _PING:
                raise OSError("the server does not answer")
            if self._server.ready(link, bell, seconds) and not link.readable(0.0):
                self._bell.hush()
            return link.pending() if link.readable(0.0) else [], None
        except (OSError, ProtocolError, ValueError) as error:
            return [], error

    # with the lock held

    def _heed(self, one: Any) -> None:
        link = self._link
        if link is None:
            return
        self._heard_at = time.monotonic()
        self._pinged = False
        if not isinstance(one, link.pushed):
            if self._answers:
                self._answers.popleft()([] if isinstance(one, ServerError) else one)
            return
        kind = bytes(one[0])
        if kind == b"message":
            self._hand_out(("SUBSCRIBE", one[1]), one[1], one[2])
        elif kind == b"pmessage":
            self._hand_out(("PSUBSCRIBE", one[1]), one[2], one[3])

    def _hand_out(self, name: tuple[str, bytes], channel: bytes, text: bytes) -> None:
        for subscriber in list(self._channels.get(name, ())):
            subscriber.deliver(channel, text)
            if subscriber.satisfied():
                subscriber.changed.notify()

    def _goodbyes(self) -> list[Command]:
        found: dict[str, list[bytes]] = {}
        for kind, name in self._leaving:
            found.setdefault("UNSUBSCRIBE" if kind == "SUBSCRIBE" else "PUNSUBSCRIBE", []).append(name)
        self._leaving.clear()
        return [(command, *names) for command, names in found.items()]

    def _send(self, commands: Sequence[Command], asked: Sequence[tuple[Command, Answered]]) -> None:
        if self._link is None:
            return
        self._answers.extend(answered for _, answered in asked)
        try:
            self._link.send([*commands, *(command for command, _ in asked)])
        except OSError:
            self._cut()

    def _reconnect(self) -> float:
        """Connect again, not too often; return for how long to wait now."""
        now = time.monotonic()
        if now < self._retry_at:
            return self._retry_at - now
        self._retry_at = now + 0.5
        self._connect(strict=True)
        return 3600.0 if self._link is not None else 0.5

    def _connect(self, *, strict: bool = False) -> None:
        """Connect and renew all subscriptions; whoever waits asks again for what was missed."""
        try:
            self._link = self._server.link()
        except ImproperlyConfigured:
            raise
        except OperationalError:
            now = time.monotonic()
            self._lost_at = self._lost_at or now
            if strict and now - self._lost_at > (self._server.patience or PATIENCE):
                raise
            return
        self._lost_at = 0.0
        self._heard_at = time.monotonic()
        self._leaving.clear()
        names: dict[str, list[bytes]] = {}
        for kind, name in self._channels:
            names.setdefault(kind, []).append(name)
        subscribers = {id(one): one for listeners in self._channels.values() for one in listeners}
        self._send([(kind, *found) for kind, found in names.items()], [question for one in subscribers.values() for question in one.again()])

    def _cut(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        self._answers.clear()


_hubs: dict[int, Hub] = {}
_making = threading.Lock()


def hub_of(server: Server) -> Hub:
    """Return this process's hub for a server."""
    with _making:
        found = _hubs.get(id(server))
        if found is None:
            found = _hubs[id(server)] = Hub(server)
    found.check_process()
    return found
