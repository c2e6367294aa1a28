"""One connection to the server. There is no thread that reads it: whoever waits for something reads, and dispatches what is for others.

So an answer needs no hand-over from one thread to another, which would take longer than the server does.
"""

from __future__ import annotations

import contextlib
import os
import platform
import select
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from celeriac.drivers.rabbitmq.address import Address, tls_context
from celeriac.drivers.rabbitmq.channel import Channel, OnContent, OnMethod
from celeriac.drivers.rabbitmq.errors import of_closing, of_connection
from celeriac.drivers.rabbitmq.methods import FRAME_BODY, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD, Method, decode, encode, frame
from celeriac.drivers.rabbitmq.tables import encode_table
from celeriac.model.errors import ImproperlyConfigured, OperationalError

CHUNK = 65_536
"""Bytes that are read at once: for more the system would map memory for each read."""
SLICE = 262_144
_HEARTBEAT = frame(FRAME_HEARTBEAT, 0, b"")
_USER_TIMEOUT = 10_000
_CAPABILITIES = {
    "publisher_confirms": True, "exchange_exchange_bindings": True, "basic.nack": True, "consumer_cancel_notify": True,
    "connection.blocked": True, "authentication_failure_close": True,
}  # fmt: skip
_read_head = struct.Struct(">BHI").unpack_from


class Link:
    """A connection that is open until it fails; a new one is made then. For any thread."""

    def __init__(self, address: Address, *, name: str = "", heartbeat: float = 0.0) -> None:
        self.where = address.where
        self.patience = max(1.0, address.publish_timeout)
        self.frame_max = 131_072
        self.heartbeat = 0.0
        self.blocked: str | None = None
        """Why the server takes no messages at the moment."""
        self.failure: Exception | None = None
        self.address = address
        self._channels: dict[int, Channel] = {}
        self._numbers = 0
        self._buffer = b""
        self._sending = threading.RLock()
        self._state = threading.Condition()
        self._reading = False
        self._followers = 0
        self._sent = self._heard = time.monotonic()
        self._control: dict[str, tuple[Any, ...]] = {}
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_out, False)
        os.set_blocking(self._wake_in, False)
        self._poll = select.poll()
        self._poll.register(self._wake_out, select.POLLIN)
        try:
            self._socket = self._connect(address)
            self._poll.register(self._socket, select.POLLIN)
            self._shake_hands(address, name, heartbeat)
        except BaseException:
            self.drop()
            raise

    # opening

    def _connect(self, address: Address) -> socket.socket:
        try:
            found = socket.create_connection((address.host, address.port), address.connect_timeout)
            _tune(found)
            if address.tls is not None:
                found = tls_context(address.tls).wrap_socket(found, server_hostname=address.tls.get("server_hostname") or address.host)
            _be_patient(found, self.patience)
            return found
        except OSError as error:
            raise of_connection(error, self.where) from error

    def _shake_hands(self, address: Address, name: str, heartbeat: float) -> None:
        self.send(b"AMQP\0\0\x09\x01")
        self._greeted("connection.start", address.connect_timeout)
        known = {"product": "celeriac", "platform": platform.python_version(), "capabilities": _CAPABILITIES, "connection_name": name}
        self.send(encode("connection.start-ok", 0, known, address.mechanism, _credentials(address), "en_US"))
        channels, most, beat = self._greeted("connection.tune", address.connect_timeout)
        self.frame_max = min(most or self.frame_max, self.frame_max)
        self.heartbeat = min(heartbeat, beat) if beat and heartbeat else heartbeat
        self.send(encode("connection.tune-ok", 0, channels, self.frame_max, int(self.heartbeat)))
        self.send(encode("connection.open", 0, address.vhost, "", False))
        self._greeted("connection.open-ok", address.connect_timeout)

    def _greeted(self, name: str, timeout: float) -> tuple[Any, ...]:
        try:
            if self.wait(lambda: name in self._control, timeout):
                return self._control.pop(name)
        except OperationalError as error:
            if name in ("connection.tune", "connection.open-ok") and "the server closed it" in str(error):
                # Older servers say no by hanging up.
                raise ImproperlyConfigured(f"RabbitMQ at {self.where} refused the login: check user, password and virtual host in the URL") from error
            raise
        raise OperationalError(f"RabbitMQ at {self.where} did not answer in {timeout:g} s")

    def channel(self, on_content: OnContent | None = None, on_method: OnMethod | None = None) -> Channel:
        """Open a channel."""
        with self._sending:
            self._numbers = next(n for n in range(1, 2048) if n not in self._channels)
            channel = self._channels[self._numbers] = Channel(self, self._numbers, on_content, on_method)
        channel.call("channel.open", "")
        return channel

    def forget(self, number: int) -> None:
        """A channel is closed: its number may be used again."""
        self._channels.pop(number, None)

    # sending

    def send(self, data: bytes) -> None:
        """Send bytes, whole frames only."""
        if self.failure is not None:
            raise self.failure
        try:
            with self._sending:
                for at in range(0, len(data), SLICE):
                    self._socket.sendall(data[at : at + SLICE])
                self._sent = time.monotonic()
        except BlockingIOError as error:
            raise self.fail(of_connection(TimeoutError("timed out"), self.where)) from error
        except OSError as error:
            raise self.fail(of_connection(error, self.where)) from error

    def beat(self) -> None:
        """Send a heartbeat if it is time, and look whether the server has been heard of; for any thread, every third of ``heartbeat``."""
        if not self.heartbeat or self.failure is not None:
            return
        now = time.monotonic()
        if now - self._sent >= self.heartbeat / 2:
            self.send(_HEARTBEAT)
        self.wait(lambda: False, 0.0)
        if now - self._heard > 2 * self.heartbeat:
            self.fail(OperationalError(f"RabbitMQ at {self.where} has been silent for {now - self._heard:.0f} s"))

    # reading

    def wait(self, done: Callable[[], bool], timeout: float) -> bool:
        """Read and dispatch until ``done``, for up to ``timeout`` seconds; raises what the connection failed with."""
        deadline = time.monotonic() + timeout
        looked = False
        while not done():
            if self.failure is not None:
                raise self.failure
            left = deadline - time.monotonic()
            if left <= 0 and looked:
                return False
            looked = True
            with self._state:
                if self._reading:
                    if not done() and self.failure is None:
                        self._followers += 1
                        self._state.wait(max(0.0, left))
                        self._followers -= 1
                    continue
                self._reading = True
            try:
                self._read(max(0.0, left))
            finally:
                with self._state:
                    self._reading = False
                    if self._followers:
                        self._state.notify_all()
        return True

    def wake(self) -> None:
        """Let those who wait look again whether they are done."""
        with contextlib.suppress(OSError):
            os.write(self._wake_in, b"!")
        with self._state:
            self._state.notify_all()

    def _read(self, timeout: float) -> None:
        try:
            pending = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()
            ready = self._poll.poll(0 if pending else timeout * 1000)
            if not ready and not pending:
                return
            if any(descriptor == self._wake_out for descriptor, _ in ready):
                with contextlib.suppress(OSError):
                    os.read(self._wake_out, 4096)
                if len(ready) == 1 and not pending:
                    return
            data = self._receive()
        except (OSError, ValueError) as error:
            raise self.fail(of_connection(error, self.where)) from error
        if not data:
            raise self.fail(of_connection(ConnectionError("the server closed it"), self.where))
        self._heard = time.monotonic()
        try:
            self._dispatch(self._buffer + data if self._buffer else data)
        except (ValueError, IndexError, struct.error) as error:
            raise self.fail(OperationalError(f"RabbitMQ at {self.where} sent what is no AMQP: {error}")) from error

    def _receive(self) -> bytes:
        if not isinstance(self._socket, ssl.SSLSocket):
            return self._socket.recv(CHUNK)
        # One TLS session must not be read and written at the same time.
        with self._sending:
            return self._socket.recv(CHUNK)

    def _dispatch(self, data: bytes) -> None:
        at, end = 0, len(data)
        channels = self._channels
        while end - at >= 8:
            kind, number, size = _read_head(data, at)
            after = at + 8 + size
            if after > end:
                break
            payload = data[at + 7 : after - 1]
            at = after
            channel = channels.get(number)
            if channel is None:
                if number == 0 and kind == FRAME_METHOD:
                    self._on_control(decode(payload))
            elif kind == FRAME_METHOD:
                channel.on_frame_method(payload)
            elif kind == FRAME_HEADER:
                channel.on_frame_header(payload)
            elif kind == FRAME_BODY:
                channel.on_frame_body(payload)
        self._buffer = data[at:]

    def _on_control(self, method: Method) -> None:
        if method.name == "connection.blocked":
            self.blocked = method.values[0]
        elif method.name == "connection.unblocked":
            self.blocked = None
        elif method.name == "connection.close":
            code, text, _, _ = method.values
            with contextlib.suppress(OSError, OperationalError):
                self.send(encode("connection.close-ok", 0))
            raise self.fail(of_closing(code, text, self.where))
        else:
            self._control[method.name] = method.values

    # ending

    def fail(self, error: Exception) -> Exception:
        """The connection is no good any more; return the error that everybody who uses it gets, the first one."""
        first = self.failure is None
        if first:
            self.failure = error
            with contextlib.suppress(OSError, AttributeError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self.wake()
        assert self.failure is not None
        return self.failure

    def close(self) -> None:
        """Take leave of the server, if it listens, and close."""
        if self.failure is None:
            with contextlib.suppress(Exception):
                self.send(encode("connection.close", 0, 200, "", 0, 0))
                self.wait(lambda: "connection.close-ok" in self._control, 1.0)
        self.fail(OperationalError(f"The connection to RabbitMQ at {self.where} was closed"))
        self.drop()

    def drop(self) -> None:
        """Let go of the descriptors only: in a forked child the connection goes on being the parent's."""
        with contextlib.suppress(OSError, AttributeError):
            self._socket.close()
        with self._state:
            for descriptor in (self._wake_out, self._wake_in):
                with contextlib.suppress(OSError):
                    os.close(descriptor)
            self._wake_out = self._wake_in = -1


def _tune(found: socket.socket) -> None:
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", _USER_TIMEOUT)):
        if hasattr(socket, name):
            found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _be_patient(found: socket.socket, seconds: float) -> None:
    """Bound how long a send may take: by the system, where the socket is its own and no library's, since Python polls before each call otherwise."""
    if type(found).__module__ == "socket" and hasattr(socket, "SO_SNDTIMEO") and sys.platform == "linux":
        found.settimeout(None)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000)))
    else:
        found.settimeout(seconds)


def _credentials(address: Address) -> bytes:
    if address.mechanism == "EXTERNAL":
        return b""
    if address.mechanism == "AMQPLAIN":
        return encode_table({"LOGIN": address.user, "PASSWORD": address.password})[4:]
    return f"\0{address.user}\0{address.password}".encode()
