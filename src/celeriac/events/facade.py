"""``app.events``: the classes of events, bound to an application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any

from celeriac.events.dispatcher import EventDispatcher
from celeriac.events.receiver import EventReceiver
from celeriac.events.state import State


class Events:
    """``Receiver``, ``Dispatcher`` and ``State`` make such objects for this application."""

    receiver_cls = EventReceiver
    dispatcher_cls = EventDispatcher
    state_cls = State

    def __init__(self, app: Any) -> None:
        self.app = app

    @cached_property
    def Receiver(self) -> Any:
        """Makes an ``EventReceiver``."""
        return partial(self.receiver_cls, app=self.app)

    @cached_property
    def Dispatcher(self) -> Any:
        """Makes an ``EventDispatcher``."""
        return partial(self.dispatcher_cls, app=self.app)

    @cached_property
    def State(self) -> Any:
        """Makes a ``State``."""
        return self.state_cls

    @contextmanager
    def default_dispatcher(self, hostname: str | None = None, enabled: bool = True, buffer_while_offline: bool = False) -> Iterator[EventDispatcher]:
        """Give a dispatcher for a block: ``with app.events.default_dispatcher() as dispatcher: dispatcher.send("task-mine", uuid=...)``."""
        with self.dispatcher_cls(hostname=hostname, app=self.app, enabled=enabled, buffer_while_offline=buffer_while_offline) as dispatcher:
            yield dispatcher
