"""A master that sentinels know: they say when another server takes its place.

Until they demote the old master, which takes them ten seconds, it goes on answering, and what it accepts then is lost. So this process listens to
the sentinels and leaves it as soon as one of them promotes another. There is no thread for it: whoever needs a connection looks whether there is
news, and whoever waits on one waits for the sentinels too.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections.abc import Iterable
from typing import Any

from celeriac.drivers.redis import library
from celeriac.drivers.redis.address import Address
from celeriac.drivers.redis.connection import Link, keepalive, open_link
from celeriac.drivers.redis.errors import ProtocolError
from celeriac.drivers.redis.server import Server, polled
from celeriac.lib import deadline
from celeriac.model.errors import OperationalError

logger = logging.getLogger("celeriac.drivers.redis")

_BEGUN = (b"+failover-state-send-slaveof-noone", b"+failover-state-wait-promotion")
_DONE = (b"+promoted-slave", b"+switch-master")
_ABORTED = (b"-failover-abort-slave-timeout", b"-failover-abort-no-good-slave", b"-failover-abort-not-elected")
_EVENTS = (*_BEGUN, *_DONE, *_ABORTED)
_PATIENCE = 0.5
"""Seconds that one sentinel has to be reached; there are others."""
_AGAIN = 5.0
"""Seconds until sentinels of which none could be reached are tried again."""
_PROMOTION, _LOOK = 3.0, 0.05
"""Seconds that a promotion may take (a sentinel looks every second), and after which one that waits for it looks what others have heard."""
_FRESH = 10.0
"""Seconds for which what one sentinel said counts more than what another, who may not have heard of it, answers."""


class SentinelServer(Server):
    """Whichever server is the master."""

    def _start_afresh(self) -> None:
        super()._start_afresh()
        self._ears: dict[int, Link] = {}
        self._poll = select.poll()
        self._heeding = threading.Lock()
        self._listen_at = 0.0
        self._moved_at = 0.0
        self._between = 0.0
        self._promoted: tuple[tuple[str, int], float] | None = None

    def ready(self, link: Link, bell: int, seconds: float) -> bool:
        if not link.readable(0.0):
            polled(link.fileno(), bell, *self._ears).poll(seconds * 1000)
            self._heed()
        if link.opened < self._moved_at:
            raise OSError("another server becomes the master")
        return bool(polled(link.fileno(), bell).poll(0)) or link.readable(0.0)

    def _heed(self) -> None:
        """Hear what the sentinels have said."""
        if self._pid != os.getpid():
            self._forget_inherited()
        if self._heeding.acquire(blocking=False):
            try:
                if not self._ears:
                    self._listen()
                elif self._poll.poll(0):
                    self._hear()
            finally:
                self._heeding.release()

    def _heed_and_wait(self) -> None:
        """The same; while a replica is being promoted, wait until it has been: nobody knows yet where to go."""
        self._heed()
        if not self._between:
            return
        until = min(self._between, time.monotonic() + deadline.at_most(_PROMOTION))
        while self._between and (left := until - time.monotonic()) > 0:
            polled(*self._ears).poll(min(left, _LOOK) * 1000)
            self._heed()

    def _listen(self) -> None:
        """Subscribe to what the sentinels tell."""
        if time.monotonic() < self._listen_at:
            return
        self._poll = select.poll()
        for host, port in self.address.hosts:
            try:
                ear = _ear(self.address, host, port)
            except Exception as error:
                # Whatever it is: another one may do, and that none does shows when the master is asked for.
                logger.debug("The sentinel at %s:%s cannot be listened to: %s", host, port, error)
                continue
            self._ears[ear.fileno()] = ear
            self._poll.register(ear.fileno(), select.POLLIN)
        self._listen_at = time.monotonic() + _AGAIN

    def _hear(self) -> None:
        for descriptor, _ in self._poll.poll(0):
            try:
                news = self._ears[descriptor].pending()
            except (OSError, ProtocolError):
                self._poll.unregister(descriptor)
                self._ears.pop(descriptor).close()
                continue
            for one in news:
                if isinstance(one, list) and one[0] == b"message":
                    self._note(one[1], one[2].decode().split())

    def _note(self, event: bytes, words: list[str]) -> None:
        if self.address.master not in words:
            return
        if event in _ABORTED:
            self._between = 0.0
        elif event in _BEGUN:
            # What the old master is told from now on the new one does not learn.
            self._between = time.monotonic() + _PROMOTION
            self._move()
        else:
            place = (words[3], int(words[4])) if event == b"+switch-master" else (words[2], int(words[3]))
            self._between = 0.0
            known, self._promoted = self._promoted, (place, time.monotonic() + _FRESH)
            # Each sentinel tells it, and one after the other.
            if known is None or known[0] != place or time.monotonic() > known[1]:
                self._move()

    def _move(self) -> None:
        self._moved_at = time.monotonic()
        self.troubles += 1
        self.close()

    # connections

    def _connect(self, protocol: int = 2) -> Link:
        self._heed_and_wait()
        promoted = self._promoted
        if promoted is not None and time.monotonic() < promoted[1]:
            try:
                return open_link(self.address.replace(master="", hosts=(promoted[0],)), protocol=protocol)
            except OperationalError:
                self._promoted = None
        return open_link(self.address, protocol=protocol)

    def _borrow(self) -> Link:
        self._heed_and_wait()
        return super()._borrow()

    def _give_back(self, link: Link) -> None:
        if link.opened < self._moved_at:
            self._drop(link)
        else:
            super()._give_back(link)

    def _forget_inherited(self) -> None:
        _close(self._ears.values(), inherited=True)
        super()._forget_inherited()

    def forget(self) -> None:
        with self._heeding:
            _close(self._ears.values())
            self._ears = {}
            self._listen_at = 0.0


def _close(ears: Iterable[Link], *, inherited: bool = False) -> None:
    for ear in ears:
        ear.close(inherited=inherited)


def _ear(address: Address, host: str, port: int) -> Link:
    """Connect to a sentinel and subscribe to what it tells; raises whatever the library does."""
    patience = deadline.at_most(min(_PATIENCE, address.connect_timeout))
    named: dict[str, Any] = {"socket_keepalive": True, "socket_keepalive_options": keepalive(), **address.sentinel}
    named.update(socket_connect_timeout=patience, socket_timeout=patience)
    client = library.redis_py("client").Redis(host=host, port=port, **named)
    connection = client.connection_pool.make_connection()
    connection.connect()
    sock, connection._sock = connection._sock, None
    link = Link(sock, f"{host}:{port}", 2, patience)
    link.send([("SUBSCRIBE", *_EVENTS)])
    for _ in _EVENTS:
        link.receive()
    return link
