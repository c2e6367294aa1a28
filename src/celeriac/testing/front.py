"""The asyncio front of a test: what coroutines send is in the store at once, without a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from celeriac.app.aio import AsyncFront
from celeriac.model.plan import Plan


class InlineFront(AsyncFront):
    """Publishes in the thread of the event loop: the store in memory does not block it."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self._publisher = app

    async def send(self, plans: Iterable[Plan]) -> None:
        for plan in plans:
            self._publisher.publisher.send(plan)

    async def aside(self, function: Callable[[], Any]) -> Any:
        return function()
