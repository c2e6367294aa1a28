"""The asyncio front: what coroutines send at the same time goes to the broker in one publish, on one I/O thread."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from celeriac.canvas.sending import collecting
from celeriac.model.envelope import Outgoing
from celeriac.model.plan import Plan

Waiting = tuple[Plan, list[Outgoing], asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class AsyncFront:
    """Owns the I/O thread of an application and what waits to be published by it."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._waiting: list[Waiting] = []
        self._publishing = False
        self._thread: ThreadPoolExecutor | None = None

    def deferring(self) -> AbstractContextManager[list[Plan]]:
        """Collect the plans of calls instead of sending them."""
        return collecting()

    async def send(self, plans: Iterable[Plan]) -> None:
        """Send plans without blocking the event loop; on return the broker has them. Raises what ``Publisher.send`` raises."""
        loop = asyncio.get_running_loop()
        sent = []
        for plan in plans:
            future: asyncio.Future[None] = loop.create_future()
            self._put((plan, self._app.publisher.encode_plan(plan), loop, future))
            sent.append(future)
        for future in sent:
            await future

    def _put(self, waiting: Waiting) -> None:
        if self._pid != os.getpid():
            self._reset()
        with self._lock:
            self._waiting.append(waiting)
            if self._publishing:
                return
            self._publishing = True
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "celeriac-publish")
            thread = self._thread
        thread.submit(self._publish_waiting)

    def _publish_waiting(self) -> None:
        while True:
            with self._lock:
                batch, self._waiting = self._waiting, []
                if not batch:
                    self._publishing = False
                    return
            self._publish(batch)

    def _publish(self, batch: list[Waiting]) -> None:
        plain = [w for w in batch if not w[0].groups and not w[0].kept and _is_plain(w[0])]
        error = self._attempt(plain)
        for waiting in plain:
            _settle(waiting, error)
        for waiting in batch:
            if waiting not in plain:
                _settle(waiting, self._attempt([waiting]))

    def _attempt(self, batch: list[Waiting]) -> BaseException | None:
        try:
            if len(batch) == 1:
                self._app.publisher.send_encoded(batch[0][0], batch[0][1])
            elif batch:
                self._app.publisher.publish([outgoing for waiting in batch for outgoing in waiting[1]])
                for waiting in batch:
                    self._app.publisher.announce_sent(waiting[0], waiting[1])
        except BaseException as error:
            return error
        return None

    async def aside(self, function: Callable[[], Any]) -> Any:
        """Return what a function returns that may block; it runs in a thread, in this context, and the event loop goes on."""
        return await asyncio.to_thread(function)

    def close(self) -> None:
        """Let the I/O thread end."""
        thread, self._thread = self._thread, None
        if thread is not None and self._pid == os.getpid():
            thread.shutdown(wait=True)


def _is_plain(plan: Plan) -> bool:
    return all(planned.options.retry is None and planned.options.retry_policy is None for planned in plan.messages)


def _settle(waiting: Waiting, error: BaseException | None) -> None:
    _, _, loop, future = waiting

    def tell() -> None:
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    if not loop.is_closed():
        loop.call_soon_threadsafe(tell)
