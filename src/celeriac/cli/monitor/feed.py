"""Where the monitor's knowledge comes from: a thread that listens to events, and goes on when the broker was away."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any

from celeriac.cli.monitor.rates import Rates
from celeriac.events.able import able
from celeriac.events.receiver import EventReceiver
from celeriac.events.state import State, Worker
from celeriac.model.errors import OperationalError

_AGAIN = 1.0
_LEFT = 20
"""How many workers that have gone are shown."""


class _Receiver(EventReceiver):
    """Tells its feed when events are heard, and stops when the feed does."""

    feed: Feed

    def on_ready(self) -> None:
        self.feed.trouble = None
        self.feed.listening = True


class Feed:
    """Feeds a state from the application's broker; ``state`` and ``rates`` may be read at any time."""

    def __init__(self, app: Any, *, most_tasks: int) -> None:
        self._app = app
        self._receiver: _Receiver | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="events", daemon=True)
        self.state: State = app.events.State(max_tasks_in_memory=most_tasks, on_node_leave=self._left, on_node_join=self._joined)
        self.rates = Rates()
        self.gone: OrderedDict[str, Worker] = OrderedDict()
        self.listening = False
        self.trouble: str | None = None
        """Why nothing is heard, if the broker is away."""

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._stopped.set()
        if self._receiver is not None:
            self._receiver.should_stop = True
        if self._thread.is_alive():
            self._thread.join(2.0)

    def take(self, event: dict[str, Any]) -> None:
        """Learn from an event."""
        self.rates.count(event["type"], time.time())
        self.state.event(event)

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                able(self._app.broker)
                self._receiver = receiver = _Receiver(app=self._app, handlers={"*": self.take})
                receiver.feed = self
                receiver.should_stop = self._stopped.is_set()
                receiver.capture(limit=None, timeout=None, wakeup=True)
            except OperationalError as error:
                self.listening, self.trouble = False, str(error)
                self._stopped.wait(_AGAIN)

    def _left(self, worker: Worker) -> None:
        self.gone[worker.hostname or ""] = worker
        while len(self.gone) > _LEFT:
            self.gone.popitem(last=False)

    def _joined(self, worker: Worker) -> None:
        self.gone.pop(worker.hostname or "", None)
