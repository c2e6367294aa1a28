"""The thread of a worker that hears remote control: whatever its tasks do, it answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from celeriac.contracts.broker import Broadcasts, Listener
from celeriac.control.node import Node
from celeriac.lib.service import Service
from celeriac.model.errors import OperationalError
from celeriac.wire.control import mailbox

logger = logging.getLogger("celeriac.worker.pidbox")

_WAIT = 5.0
_AGAIN = 1.0
_START = 2.0


class RemoteControl(Service):
    """Listens to the mailbox of commands, obeys them one by one, and sends the replies.

    ``stop_worker`` is called when a command raises SystemExit.
    """

    def __init__(self, broker: Broadcasts, namespace: str, node: Node, stop_worker: Callable[[], object]) -> None:
        self._broker = broker
        self._exchange = mailbox(namespace)
        self._node = node
        self._stop_worker = stop_worker
        self._stopped = threading.Event()
        self._listening = threading.Event()
        self._listener: Listener | None = None
        self._thread = threading.Thread(target=self._run, name="remote control", daemon=True)

    def start(self) -> None:
        """Begin; returns when commands are heard, or the broker cannot be reached."""
        self._thread.start()
        self._listening.wait(_START)

    def stop(self) -> None:
        self._stopped.set()
        listener = self._listener
        if listener is not None:
            listener.close()

    def join(self, timeout: float | None = None) -> bool:
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                listener = self._listener = self._broker.listen(self._exchange)
                self._listening.set()
                self._hear(listener)
            except OperationalError as error:
                self._listening.set()
                logger.warning("Remote control cannot listen: %s. Trying again in %.0fs.", error, _AGAIN)
                self._stopped.wait(_AGAIN)
            except Exception:
                logger.exception("Remote control failed; it goes on.")
                self._stopped.wait(_AGAIN)

    def _hear(self, listener: Listener) -> None:
        try:
            while not self._stopped.is_set():
                for _, envelope in listener.receive(_WAIT):
                    try:
                        reply = self._node.receive(envelope)
                    except SystemExit:
                        self._stop_worker()
                        continue
                    if reply is not None:
                        self._broker.broadcast([reply])
        finally:
            listener.close()
