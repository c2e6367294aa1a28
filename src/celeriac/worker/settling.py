"""The thread of an executor in one process that writes what jobs come to, so that nobody who runs jobs waits for the store."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from celeriac.model.effects import Writes
from celeriac.model.errors import OperationalError
from celeriac.worker.outbox import Outbox

logger = logging.getLogger("celeriac.worker")


class Settling:
    """Flushes the outbox whenever something is in it; what comes while it writes makes the next batch."""

    def __init__(self, outbox: Outbox, flush_log: Callable[[], object]) -> None:
        self._outbox = outbox
        self._flush_log = flush_log
        self._news = threading.Event()
        self._ended = False
        self._notes: list[Callable[[], object]] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="settler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def add(self, writes: Sequence[Writes], stored: Callable[[], object] | None = None) -> None:
        """Let these be written soon; ``stored`` is called when they are."""
        self._outbox.add(writes)
        if stored is not None:
            with self._lock:
                self._notes.append(stored)
        if not self._news.is_set():
            self._news.set()

    def add_and_wait(self, writes: Sequence[Writes]) -> None:
        """Return when these are written."""
        done = threading.Event()
        self.add(writes, done.set)
        done.wait()

    def end(self) -> None:
        """Write what is left and end."""
        self._ended = True
        self._news.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ended:
            self._news.wait()
            self._news.clear()
            with self._lock:
                notes, self._notes = self._notes, []
            try:
                self._outbox.flush()
            except OperationalError as error:
                # Only a cold shutdown ends the waiting for a store that is away.
                logger.error("The outcomes of tasks are not written: %s", error)
            for stored in notes:
                stored()
            self._flush_log()
