"""A server as this process sees it: a few command connections shared by all threads, brokers and result stores that name the same address."""

from __future__ import annotations

import hashlib
import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from celeriac.drivers.redis import errors
from celeriac.drivers.redis.address import CONNECTIONS, Address
from celeriac.drivers.redis.connection import Command, Link, open_link
from celeriac.drivers.redis.errors import ProtocolError, ServerError
from celeriac.lib import deadline
from celeriac.model.errors import OperationalError

_REPLICAS = 0.5
"""The share of the read timeout in which replicas have to confirm."""
_SAME_AGE = 3
"""Seconds by which the age of a connection here may differ from what the server says."""


class Script:
    """A Lua script, called by its digest. What one that is to ``last`` writes may have to be on replicas too before it counts."""

    def __init__(self, text: str, *, last: bool = False) -> None:
        self.text = text
        self.last = last
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Server:
    """Runs commands. Each call borrows a connection; the one used last is taken first, so that most calls share one."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.where = address.where
        self.users = 0
        self.connections = address.connections
        """How many a process opens for commands at most; 0 for as many as are asked for."""
        self.patience = address.patience
        """For how long (seconds) who listens goes on while it cannot be reached; 0: as long as usual."""
        self.troubles = 0
        """How often a connection failed: whoever keeps one of his own looks to it when this grows."""
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._pid = os.getpid()
        self._idle: list[Link] = []
        self._changed = threading.Condition()
        self._open = 0
        self._queued = 0
        self._doubtful: list[Link] = []

    def run(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands, sent together; returns their replies. Raises OperationalError or ImproperlyConfigured when one fails."""
        link = self._borrow()
        try:
            link.hurry(deadline.at_most(self.address.read_timeout))
            if self._doubtful:
                self._end_doubtful(link)
            link.send(commands)
            receive = link.receive
            replies = [receive() for _ in commands]
        except BaseException as error:
            self.doubt(link)
            self._drop(link)
            self.troubles += 1
            # The others have gone the same way, or will show it by being opened anew.
            self.close()
            if isinstance(error, (OSError, ProtocolError)):
                raise OperationalError(f"Redis at {self.where} did not answer: {error or type(error).__name__}") from error
            raise
        self._give_back(link)
        for reply in replies:
            if isinstance(reply, ServerError):
                self._refused(reply)
        return replies

    def doubt(self, link: Link) -> None:
        """Say that a connection broke: what was sent on it may still be on its way, and the next ``run`` first makes sure that it never arrives."""
        if link.client:
            with self._changed:
                self._doubtful.append(link)

    def _end_doubtful(self, link: Link) -> None:
        """Let the server end the connections that broke here; what it has not read of them by now, it never will.

        A server that was restarted, or another one, may know somebody else by that number: the age tells.
        """
        doubted = list(self._doubtful)
        doubtful = {one.client: one for one in doubted}
        link.send([("CLIENT", "LIST", "ID", *doubtful)])
        rows = link.receive()
        now = time.monotonic()
        known = [dict(field.partition(b"=")[::2] for field in row.split()) for row in rows.splitlines()] if isinstance(rows, bytes) else []
        there = [int(row[b"id"]) for row in known if abs(now - doubtful[int(row[b"id"])].opened - int(row[b"age"])) <= _SAME_AGE]
        link.send([("CLIENT", "KILL", "ID", client) for client in there])
        for _ in there:
            link.receive()
        with self._changed:
            self._doubtful = [one for one in self._doubtful if one not in doubted]

    def one(self, *command: Any) -> Any:
        """Run one command."""
        return self.run((command,))[0]

    def call(self, script: Script, keys: Sequence[Any], arguments: Sequence[Any]) -> Any:
        """Run a script; it is sent whole when the server does not know it (any more)."""
        run = self.run_lastingly if script.last and self.address.replicas else self.run
        try:
            return run((("EVALSHA", script.digest, len(keys), *keys, *arguments),))[0]
        except OperationalError as error:
            if not isinstance(error.__cause__, ServerError) or error.__cause__.code != "NOSCRIPT":
                raise
        return run((("EVAL", script.text, len(keys), *keys, *arguments),))[0]

    def run_lastingly(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands; raises OperationalError also when too few replicas have what they wrote. It may be there then nevertheless."""
        wanted = self.address.replicas
        patience = max(1, int(deadline.at_most(self.address.read_timeout) * _REPLICAS * 1000))
        *replies, confirmed = self.run((*commands, ("WAIT", wanted, patience)))
        if confirmed < wanted:
            # The next connection may lead to another master.
            self.close()
            raise OperationalError(f"Redis at {self.where}: {confirmed} of {wanted} replicas (wait_replicas) have confirmed a write in time")
        return replies

    def call_many(self, script: Script, calls: Sequence[tuple[Sequence[Any], Sequence[Any]]]) -> None:
        """Run a script several times; in a cluster each on the server that has its keys."""
        for keys, arguments in calls:
            self.call(script, keys, arguments)

    def at(self, key: Any) -> Server:
        """Return the server that has a key."""
        return self

    def get_many(self, keys: Sequence[Any]) -> list[Any]:
        """Return the values of many keys, wherever they are."""
        return list(self.one("MGET", *keys)) if keys else []

    def slot(self, key: Any) -> int:
        """Return which part of the store a key is in: keys of one part can be written together."""
        return 0

    def together(self, queues: Sequence[str]) -> Sequence[Sequence[str]]:
        """Divide queues into those that one script can work on."""
        return [queues] if queues else []

    def link(self, key: Any = None) -> Link:
        """Return a connection of one's own, RESP3, to where a key is; the caller closes it."""
        return self._connect(3)

    def _connect(self, protocol: int = 2) -> Link:
        return open_link(self.address, protocol=protocol)

    def ready(self, link: Link, bell: int, seconds: float) -> bool:
        """Wait until a connection of one's own or a bell (a descriptor) can be read, and say whether.

        Raises OSError when the connection leads to a server that is not the right one any more.
        """
        return link.readable(0.0) or bool(polled(link.fileno(), bell).poll(seconds * 1000))

    def forget(self) -> None:
        """Nobody uses this server any more."""

    def close(self) -> None:
        """Close the connections that nobody uses."""
        if self._pid != os.getpid():
            self._forget_inherited()
        with self._changed:
            idle, self._idle = self._idle, []
            self._open -= len(idle)
        for link in idle:
            link.close()

    def _refused(self, reply: ServerError) -> None:
        if reply.code in errors.LEAVE:
            self.close()
        raise errors.of_reply(reply, self.where) from reply

    def _borrow(self) -> Link:
        if self._pid != os.getpid():
            self._forget_inherited()
        while True:
            try:
                link = self._idle.pop()
            except IndexError:
                break
            if link.fresh(self.address.checked_after):
                return link
            self._drop(link)
        return self._open_or_wait()

    def _open_or_wait(self) -> Link:
        ends = time.monotonic() + deadline.at_most(self.address.read_timeout)
        with self._changed:
            self._queued += 1
            try:
                while 0 < self.connections <= self._open:
                    if self._idle:
                        return self._idle.pop()
                    left = ends - time.monotonic()
                    if left <= 0 or not self._changed.wait(left):
                        raise OperationalError(f"Redis at {self.where} answers too slowly: all {self._open} connections are in use")
                self._open += 1
            finally:
                self._queued -= 1
        try:
            return self._connect()
        except BaseException:
            self._gone()
            raise

    def _give_back(self, link: Link) -> None:
        link.used = time.monotonic()
        self._idle.append(link)
        if self._queued:
            with self._changed:
                self._changed.notify()

    def _drop(self, link: Link) -> None:
        link.close()
        self._gone()

    def _gone(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify()

    def _forget_inherited(self) -> None:
        for link in self._idle:
            link.close(inherited=True)
        self._start_afresh()


def polled(*descriptors: int) -> select.poll:
    """Return what waits until one of these can be read."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return poll


_servers: dict[str, Server] = {}
_opening = threading.Lock()


def server_at(address: Address, make: Callable[[Address], Server] = Server) -> Server:
    """Return this process's server of an address, made when there is none yet; of two limits of its connections the higher one counts."""
    name = repr(address.replace(connections=CONNECTIONS, patience=0.0))
    with _opening:
        found = _servers.get(name)
        if found is None:
            found = _servers[name] = make(address)
        found.patience = address.patience or found.patience
        found.connections = 0 if 0 in (found.connections, address.connections) else max(found.connections, address.connections)
        return found


def enter(server: Server) -> None:
    """Say that somebody uses a server."""
    with _opening:
        server.users += 1


def leave(server: Server) -> None:
    """Say that somebody uses it no more; the last one closes its connections."""
    with _opening:
        server.users = max(0, server.users - 1)
        last = server.users == 0
    if last:
        server.close()
        server.forget()
