"""Listening to news: a queue for this listener only, which goes when its connection does."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from celeriac.contracts.broker import Listener
from celeriac.drivers.rabbitmq.errors import ChannelClosed, of_closed
from celeriac.drivers.rabbitmq.link import Link
from celeriac.drivers.rabbitmq.methods import Method
from celeriac.drivers.rabbitmq.sending import news_exchange
from celeriac.drivers.rabbitmq.session import Session
from celeriac.drivers.rabbitmq.topology import Admin, Definitions, arguments_of
from celeriac.lib.ids import uuid
from celeriac.model.envelope import Envelope
from celeriac.model.errors import OperationalError
from celeriac.model.topology import Queue

EXPIRES, MESSAGE_TTL = 60.0, 5.0
_AGAIN = 1.0


class Subscription:
    """What is bound to one connection: the queue and its consumer."""

    def __init__(self, link: Link, exchange: str, patterns: Sequence[str]) -> None:
        self.link = link
        self.arrived: deque[tuple[str, Envelope]] = deque()
        self.ended = False
        name = f"{exchange}.{uuid()}"
        queue = Queue(name, durable=False, exclusive=True, auto_delete=True, expires=EXPIRES, message_ttl=MESSAGE_TTL)
        self._channel = link.channel(self._on_content, self._on_method)
        try:
            Admin(link, Definitions()).exchange(news_exchange(exchange))
            self._channel.call("queue.declare", 0, name, False, False, True, True, False, arguments_of(queue))
            for pattern in patterns:
                self._channel.call("queue.bind", 0, name, exchange, pattern, False, {})
            self._channel.call("basic.consume", 0, name, "", False, True, True, False, {})
        except ChannelClosed as error:
            raise of_closed(error) from error

    def _on_content(self, method: Method, envelope: Envelope, _priority: int) -> None:
        self.arrived.append((method.values[-1], envelope))

    def _on_method(self, _method: Method) -> None:
        self.ended = True

    def settle_down(self) -> None:
        """Return when everything has arrived that was on its way."""
        self._channel.call("basic.qos", 0, 0, False)


class AmqpListener(Listener):
    """One subscription, made again when its connection was cut; what was sent meanwhile is missed."""

    def __init__(self, open_link: Callable[[], Link], exchange: str, patterns: Sequence[str], left: Callable[["AmqpListener"], None]) -> None:
        self._session = Session(open_link, lambda link: Subscription(link, exchange, patterns))
        self._closed = threading.Event()
        self._left = left
        self._session.get()

    def receive(self, timeout: float) -> Sequence[tuple[str, Envelope]]:
        deadline = time.monotonic() + timeout
        while not self._closed.is_set():
            try:
                subscription = self._session.get()
                heard = self._hear(subscription, max(0.0, deadline - time.monotonic()))
            except OperationalError:
                if self._closed.is_set():
                    break
                if self._closed.wait(min(_AGAIN, max(0.0, deadline - time.monotonic()))):
                    break
                heard = []
            if heard or time.monotonic() >= deadline:
                return heard
        return []

    def _hear(self, subscription: Subscription, timeout: float) -> list[tuple[str, Envelope]]:
        link = subscription.link
        link.wait(lambda: bool(subscription.arrived) or subscription.ended or self._closed.is_set(), timeout)
        if self._closed.is_set():
            return []
        if subscription.ended:
            raise link.fail(OperationalError("the server ended the subscription"))
        subscription.settle_down()
        return [subscription.arrived.popleft() for _ in range(len(subscription.arrived))]

    def beat(self) -> None:
        """Keep the connection alive while nobody receives."""
        subscription = self._session.peek()
        if subscription is not None:
            with contextlib.suppress(OperationalError):
                subscription.link.beat()

    def close(self) -> None:
        self._closed.set()
        subscription = self._session.peek()
        if subscription is not None:
            subscription.link.wake()
        self._session.close()
        self._left(self)
