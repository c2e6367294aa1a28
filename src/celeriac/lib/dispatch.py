"""Signals: named occasions that code connects receivers to."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar, overload

logger = logging.getLogger("celeriac.signals")

Receiver = Callable[..., Any]
F = TypeVar("F", bound=Receiver)


class Signal:
    """An occasion; receivers are called with ``signal``, ``sender`` and the arguments the signal names.

    An exception in a receiver is logged and does not reach the sender. References to receivers are weak unless ``weak=False``.
    """

    def __init__(self, name: str, provides: frozenset[str] = frozenset()) -> None:
        self.name = name
        self.provides = provides
        self._connections: list[tuple[Any, Any, Callable[[], Receiver | None]]] = []
        self._lock = threading.Lock()

    @property
    def connected(self) -> bool:
        """Whether anybody listens; hot paths ask before they collect arguments."""
        return bool(self._connections)

    @overload
    def connect(self, receiver: F, sender: Any = None, weak: bool = True, dispatch_uid: Any = None, retry: bool = False) -> F: ...
    @overload
    def connect(
        self, receiver: None = None, sender: Any = None, weak: bool = True, dispatch_uid: Any = None, retry: bool = False
    ) -> Callable[[F], F]: ...
    def connect(
        self, receiver: F | None = None, sender: Any = None, weak: bool = True, dispatch_uid: Any = None, retry: bool = False
    ) -> F | Callable[[F], F]:
        """Connect a receiver; also a decorator. ``sender`` (an object or its name) filters, ``dispatch_uid`` replaces an earlier one."""
        if receiver is None:
            return lambda function: self.connect(function, sender, weak, dispatch_uid, retry)
        key = dispatch_uid if dispatch_uid is not None else _identity(receiver)
        with self._lock:
            kept = [c for c in self._connections if not (c[0] == key and c[1] is sender)]
            self._connections = [*kept, (key, sender, _reference(receiver, weak))]
        return receiver

    def disconnect(self, receiver: Receiver | None = None, sender: Any = None, weak: bool | None = None, dispatch_uid: Any = None) -> bool:
        """Disconnect a receiver; return whether it was connected."""
        key = dispatch_uid if dispatch_uid is not None else _identity(receiver)
        with self._lock:
            before = len(self._connections)
            self._connections = [c for c in self._connections if not (c[0] == key and c[1] is sender)]
            return len(self._connections) < before

    def send(self, sender: Any = None, **named: Any) -> list[tuple[Receiver, Any]]:
        """Call every receiver; return pairs of the receiver and what it returned, or the exception it raised."""
        answers = []
        for receiver in self._live_receivers(sender):
            try:
                answers.append((receiver, receiver(signal=self, sender=sender, **named)))
            except Exception as error:
                logger.exception("Signal handler %r raised: %r", receiver, error)
                answers.append((receiver, error))
        return answers

    send_robust = send

    def _live_receivers(self, sender: Any) -> list[Receiver]:
        found = [(c, c[2]()) for c in self._connections if c[1] is None or _same_sender(c[1], sender)]
        dead = [c for c, receiver in found if receiver is None]
        if dead:
            with self._lock:
                self._connections = [c for c in self._connections if c not in dead]
        return [receiver for _, receiver in found if receiver is not None]

    def __repr__(self) -> str:
        return f"<Signal: {self.name}>"


def _same_sender(wanted: Any, sender: Any) -> bool:
    return wanted is sender or (isinstance(wanted, str) and wanted in (sender, getattr(sender, "name", None)))


def _identity(receiver: Any) -> Any:
    owner = getattr(receiver, "__self__", None)
    return (id(owner), id(receiver.__func__)) if owner is not None and hasattr(receiver, "__func__") else id(receiver)


def _reference(receiver: Receiver, weak: bool) -> Callable[[], Receiver | None]:
    if not weak:
        return lambda: receiver
    if hasattr(receiver, "__self__") and hasattr(receiver, "__func__"):
        return weakref.WeakMethod(receiver)
    return weakref.ref(receiver)
