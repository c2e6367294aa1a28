"""Cameras: whoever takes a picture of the state now and then, to keep it somewhere."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from celeriac.contracts.current import current_client
from celeriac.engine.rate_limit import per_second
from celeriac.events.state import State
from celeriac.lib.dispatch import Signal
from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import ImproperlyConfigured

logger = logging.getLogger("celeriac.evcam")


class Polaroid:
    """A camera: a subclass's ``on_shutter(state)`` is called every ``freq`` seconds, no more often than ``maxrate`` ("10/m") allows.

    ``on_cleanup`` is called every ``cleanup_freq`` seconds. With ``clear_after`` the tasks that have ended are forgotten after each picture.
    """

    timer: Any = None
    clear_after = False

    def __init__(
        self, state: State, freq: float = 1.0, maxrate: str | float | None = None, cleanup_freq: float = 3600.0, timer: Any = None, app: Any = None
    ) -> None:
        self.app = app or current_client()
        self.state = state
        self.freq = freq
        self.cleanup_freq = cleanup_freq
        self.shutter_signal = Signal("shutter")
        self.cleanup_signal = Signal("cleanup")
        try:
            rate = per_second(maxrate)
        except ValueError as error:
            raise ImproperlyConfigured(f"maxrate: {error}") from None
        self._space = 1.0 / rate if rate else 0.0
        self._next = 0.0
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def install(self) -> None:
        """Begin to take pictures."""
        for interval, act in ((self.freq, self.capture), (self.cleanup_freq, self.cleanup)):
            thread = threading.Thread(target=self._repeat, args=(interval, act), name="camera", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _repeat(self, interval: float, act: Callable[[], object]) -> None:
        while not self._stopped.wait(interval):
            try:
                act()
            except Exception:
                logger.exception("The camera %s failed; it goes on.", type(self).__name__)

    def on_shutter(self, state: State) -> None:
        """Called with the state, which does not change meanwhile; for subclasses."""

    def on_cleanup(self) -> None:
        """Called now and then, to remove what is old; for subclasses."""

    def cleanup(self) -> None:
        """Clean up now."""
        self.cleanup_signal.send(sender=self.state)
        self.on_cleanup()

    def shutter(self) -> None:
        """Take a picture now, unless that would be too often."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._space
            self.shutter_signal.send(sender=self.state)
            self.on_shutter(self.state)

    def capture(self) -> None:
        """Take a picture of a state that stands still."""
        self.state.freeze_while(self.shutter, clear_after=self.clear_after)

    def cancel(self) -> None:
        """Take no more pictures."""
        self._stopped.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(5.0)

    def __enter__(self) -> Self:
        self.install()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.cancel()


def evcam(camera: Any, freq: float = 1.0, maxrate: str | float | None = None, app: Any = None, timer: Any = None, **_ignored: Any) -> None:
    """Listen to events and let a camera (a class or its dotted name) take pictures, until interrupted."""
    app = app or current_client()
    kind = symbol_by_name(camera) if isinstance(camera, str) else camera
    state = app.events.State()
    with kind(state, freq=freq, maxrate=maxrate, timer=timer, app=app):
        app.events.Receiver(handlers={"*": state.event}).capture(limit=None)
