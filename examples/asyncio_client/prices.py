"""A task that is a coroutine. No broker is named, so client and worker meet in an embedded file beside this module."""

from __future__ import annotations

import asyncio

from celeriac import Celeriac

app = Celeriac("prices")


@app.task
async def price_of(product: int) -> int:
    """Ask another service what a product costs (here it only takes as long as that)."""
    await asyncio.sleep(0.01)
    return product * 100
