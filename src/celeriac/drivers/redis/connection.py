"""One connection: redis-py makes it, then commands are packed and replies read by hiredis directly, which takes a third of the time."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable, Sequence
from typing import Any

from celeriac.drivers.redis import errors, library
from celeriac.drivers.redis.address import Address
from celeriac.drivers.redis.errors import ProtocolError, ServerError
from celeriac.lib import deadline

_CHUNK = 1 << 18
_LINGER = 0.0001
"""Seconds; a wake-up between two idle processors of a virtual machine takes about as long."""
_SKIP = 20
_NOTHING: Any = object()

Command = tuple[Any, ...]


def keepalive() -> dict[int, int]:
    """A peer that vanished without a word is noticed within half a minute even by a connection that only listens."""
    wanted = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
    return {getattr(socket, name): value for name, value in wanted if hasattr(socket, name)}


class Link:
    """A connection that is open. Not for two threads at once."""

    def __init__(self, sock: Any, where: str, protocol: int, patience: float) -> None:
        hiredis = library.hiredis()
        self._sock = sock
        self._patience = patience
        sock.settimeout(patience)
        self._pack = hiredis.pack_command
        self._reader = hiredis.Reader(protocolError=ProtocolError, replyError=ServerError, notEnoughData=_NOTHING)
        self.pushed: type[Any] = hiredis.PushNotification
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._misses = 0
        self.where = where
        self.protocol = protocol
        self.opened = self.used = time.monotonic()
        self.client = 0
        """By which number the server knows it; 0 where it does not tell."""

    def fileno(self) -> int:
        """The socket's descriptor."""
        return int(self._sock.fileno())

    def introduce(self) -> None:
        """Learn by which number the server knows this connection; raises OSError."""
        self.send([("CLIENT", "ID")])
        reply = self.receive()
        self.client = reply if isinstance(reply, int) else 0

    def hurry(self, patience: float) -> None:
        """Wait no longer than so many seconds for each answer from now on."""
        if patience != self._patience:
            self._patience = patience
            self._sock.settimeout(patience)

    def send(self, commands: Iterable[Command]) -> None:
        """Send commands; raises OSError."""
        pack = self._pack
        self._sock.sendall(b"".join([pack(command) for command in commands]))

    def receive(self) -> Any:
        """Return the next reply (an error reply as an object), waiting up to the read timeout; raises OSError."""
        reader = self._reader
        reply = reader.gets()
        while reply is _NOTHING:
            self._linger()
            content = self._sock.recv(_CHUNK)
            if not content:
                raise ConnectionResetError("the server closed the connection")
            reader.feed(content)
            reply = reader.gets()
        return reply

    def _linger(self) -> None:
        """Look for the answer a little before sleeping: where it comes that soon, being woken would take longer than it does.

        Where it did not come soon the last times (a server that is far away or busy), only now and then.
        """
        self._misses -= 1
        if self._misses > 0:
            return
        until = time.perf_counter() + _LINGER
        while not self._poll.poll(0):
            if time.perf_counter() > until:
                self._misses = _SKIP
                return
        self._misses = 0

    def pending(self) -> list[Any]:
        """Return the replies that are there already, without waiting; raises OSError."""
        found = []
        while True:
            while (reply := self._reader.gets()) is not _NOTHING:
                found.append(reply)
            if not self.readable(0.0):
                return found
            content = self._sock.recv(_CHUNK)
            if not content:
                if found:
                    return found
                raise ConnectionResetError("the server closed the connection")
            self._reader.feed(content)

    def readable(self, seconds: float) -> bool:
        """Say whether bytes (or the end of the connection) can be read."""
        if self._reader.has_data():
            return True
        decrypted = getattr(self._sock, "pending", None)
        if decrypted is not None and decrypted():
            return True
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def fresh(self, checked_after: float) -> bool:
        """Say whether a connection that lay idle can still be used: nothing has come, not even its end.

        One that was idle for longer than ``checked_after`` seconds (unless that is 0) has to answer.
        """
        idle = time.monotonic() - self.used
        if idle < 1.0:
            return True
        if self.readable(0.0):
            return False
        return not 0 < checked_after < idle or self._answers()

    def _answers(self) -> bool:
        try:
            self.send([("PING",)])
            return not isinstance(self.receive(), ServerError)
        except (OSError, ProtocolError):
            return False

    def close(self, *, inherited: bool = False) -> None:
        """Let go; an ``inherited`` one stays open for the process it belongs to."""
        try:
            if not inherited:
                self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._sock.close()


def open_link(address: Address, *, protocol: int = 2) -> Link:
    """Connect, log in, choose the database; the hosts are tried in turn. Raises OperationalError or ImproperlyConfigured."""
    module = library.redis_py()
    failed: Exception | None = None
    for host, port in _hosts(address):
        connection = _connection(module, _hurried(address), host, port, protocol)
        try:
            connection.connect()
            sock, connection._sock = connection._sock, None
            link = Link(sock, address.where, protocol, address.read_timeout)
            link.introduce()
        except Exception as error:
            # Whatever the library or the resolver raises: this host is not to be had.
            failed = errors.of_connection(error, address.where)
            failed.__cause__ = error
            continue
        return link
    assert failed is not None
    raise failed


def _hurried(address: Address) -> Address:
    """Return the address with timeouts that fit into the time that is left."""
    connect, read = deadline.at_most(address.connect_timeout), deadline.at_most(address.read_timeout)
    if (connect, read) == (address.connect_timeout, address.read_timeout):
        return address
    return address.replace(connect_timeout=connect, read_timeout=read)


def _hosts(address: Address) -> Sequence[tuple[str, int]]:
    if address.path:
        return [("", 0)]
    if not address.master:
        return address.hosts
    address = _hurried(address)
    timeouts = {"socket_connect_timeout": address.connect_timeout, "socket_timeout": address.read_timeout}
    known = {"min_other_sentinels": address.other_sentinels, "sentinel_kwargs": {**timeouts, **address.sentinel}}
    sentinel = library.redis_py("sentinel").Sentinel(address.hosts, **known)
    try:
        return [sentinel.discover_master(address.master)]
    except Exception as error:
        raise errors.of_connection(error, address.where) from error
    finally:
        for client in sentinel.sentinels:
            client.close()


def _login(address: Address) -> dict[str, Any]:
    if address.credentials is not None:
        return {"credential_provider": address.credentials}
    return {"username": address.user, "password": address.password}


def _connection(module: Any, address: Address, host: str, port: int, protocol: int) -> Any:
    named: dict[str, Any] = {
        "db": address.db,
        **_login(address),
        "socket_timeout": address.read_timeout,
        "client_name": address.client_name,
        "protocol": protocol,
        # Its buffer is used for the login only, and lives until the collector comes by.
        "socket_read_size": 1024,
    }
    if address.path:
        return module.UnixDomainSocketConnection(path=address.path, **named)
    named.update(host=host, port=port, socket_connect_timeout=address.connect_timeout, socket_keepalive=address.keepalive)
    if address.keepalive:
        named["socket_keepalive_options"] = address.keepalive_options or keepalive()
    if address.tls is None:
        return module.Connection(**named)
    return module.SSLConnection(**named, **address.tls)
