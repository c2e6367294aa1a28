"""One channel: calls that are answered, and content that arrives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from celeriac.drivers.rabbitmq.content import decode_header
from celeriac.drivers.rabbitmq.errors import ChannelClosed
from celeriac.drivers.rabbitmq.methods import Method, decode, encode
from celeriac.model.envelope import Envelope
from celeriac.model.errors import OperationalError

OnContent = Callable[[Method, Envelope, int], None]
OnMethod = Callable[[Method], None]

_WITH_CONTENT = frozenset({"basic.deliver", "basic.get-ok", "basic.return"})
_TOLD = frozenset({"basic.ack", "basic.nack", "basic.cancel", "basic.get-empty", "tx.commit-ok"})


class Carrier(Protocol):
    """The connection, as a channel sees it."""

    where: str
    patience: float

    def send(self, data: bytes) -> None: ...
    def wait(self, done: Callable[[], bool], timeout: float) -> bool: ...
    def fail(self, error: Exception) -> Exception: ...
    def forget(self, number: int) -> None: ...


class Channel:
    """Calls may come from any thread, one at a time; ``on_content`` and ``on_method`` run in whichever thread reads the connection."""

    def __init__(self, link: Carrier, number: int, on_content: OnContent | None = None, on_method: OnMethod | None = None) -> None:
        self.number = number
        self.closed: ChannelClosed | None = None
        self._link = link
        self._on_content = on_content
        self._on_method = on_method
        self._calling = threading.RLock()
        self._answers: dict[str, tuple[Any, ...]] = {}
        self._head: Method | None = None
        self._envelope: Envelope | None = None
        self._priority = 0
        self._left = 0
        self._parts: list[bytes] = []

    def call(self, name: str, *values: Any, answers: Sequence[str] = ()) -> Method:
        """Ask and wait for the answer; raises ChannelClosed when the server closes the channel instead, OperationalError when it is silent."""
        wanted = answers or (f"{name}-ok",)
        with self._calling:
            for answer in wanted:
                self._answers.pop(answer, None)
            self.send(name, *values)
            if not self._link.wait(lambda: self.closed is not None or any(a in self._answers for a in wanted), self._link.patience):
                raise self._link.fail(OperationalError(f"RabbitMQ at {self._link.where} did not answer {name} in {self._link.patience:g} s"))
            for answer in wanted:
                if answer in self._answers:
                    return Method(answer, self._answers.pop(answer))
            raise self._refused()

    def send(self, name: str, *values: Any) -> None:
        """Send a method that is not answered (or whose answer nobody waits for)."""
        if self.closed is not None:
            raise self._refused()
        self._link.send(encode(name, self.number, *values))

    def _refused(self) -> Exception:
        error = self.closed
        assert error is not None
        return ChannelClosed(error.code, error.text, error.where)

    # what arrives, in the reading thread

    def on_frame_method(self, payload: bytes) -> None:
        """Take a method."""
        method = decode(payload)
        if method.name in _WITH_CONTENT:
            self._head = method
        elif method.name == "channel.close":
            code, text, _, _ = method.values
            self._link.send(encode("channel.close-ok", self.number))
            self.closed = ChannelClosed(code, text, self._link.where)
            self._link.forget(self.number)
            if self._on_method is not None:
                self._on_method(method)
        elif method.name in _TOLD:
            if self._on_method is not None:
                self._on_method(method)
        elif method.name == "channel.flow":
            self._link.send(encode("channel.flow-ok", self.number, method.values[0]))
        else:
            self._answers[method.name] = method.values

    def on_frame_header(self, payload: bytes) -> None:
        """Take the properties of the message that a method announced."""
        self._left, self._envelope, self._priority = decode_header(payload)
        self._parts = []
        if not self._left:
            self._complete(b"")

    def on_frame_body(self, payload: bytes) -> None:
        """Take a part of its body."""
        self._left -= len(payload)
        if self._left > 0 or self._parts:
            self._parts.append(payload)
            if self._left > 0:
                return
            payload = b"".join(self._parts)
            self._parts = []
        self._complete(payload)

    def _complete(self, body: bytes) -> None:
        head, envelope = self._head, self._envelope
        self._head = self._envelope = None
        if head is None or envelope is None or self._on_content is None:
            return
        whole = Envelope(envelope.headers, body, envelope.content_type, envelope.content_encoding, envelope.properties)
        self._on_content(head, whole, self._priority)
