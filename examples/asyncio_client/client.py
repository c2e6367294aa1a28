"""A program with one event loop that sends hundreds of tasks at the same time and awaits all of them, while something else ticks on."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time

from prices import price_of

TICK = 0.01


async def tick(pauses: list[float]) -> None:
    """Stand for everything else that the program does: note how late each turn on the event loop comes (seconds)."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(TICK)
        pauses.append(time.monotonic() - before - TICK)


async def price(product: int) -> int:
    """Send a task and await its result."""
    result = await price_of.adelay(product)
    return await result


async def main(products: int) -> None:
    """Ask for all prices at the same time."""
    pauses: list[float] = []
    ticking = asyncio.create_task(tick(pauses))
    began = time.monotonic()
    prices = await asyncio.gather(*(price(product) for product in range(products)))
    seconds = time.monotonic() - began
    ticking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ticking
    usual = sorted(pauses)[len(pauses) // 2] if pauses else 0.0
    print(f"{len(prices)} prices, together {sum(prices)}, in {seconds:.2f} s; the event loop was usually {usual * 1000:.1f} ms late")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=500)
    asyncio.run(main(parser.parse_args().products))
