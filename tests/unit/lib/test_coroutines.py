from __future__ import annotations

import asyncio
import signal

import pytest

from celeriac.lib.coroutines import run_coroutine


class TooLong(Exception):
    pass


@pytest.fixture
def alarm():
    def ring(_signum, _frame):
        raise TooLong

    before = signal.signal(signal.SIGALRM, ring)
    yield lambda: signal.setitimer(signal.ITIMER_REAL, 0.02)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_a_coroutine_runs_to_its_end():
    async def body():
        await asyncio.sleep(0)
        return 4

    assert [4, 4] == [run_coroutine(body()), run_coroutine(body())]


def test_its_exception_comes_out():
    async def body():
        raise KeyError("x")

    with pytest.raises(KeyError):
        run_coroutine(body())


def test_what_a_signal_handler_raises_is_raised_inside(alarm):
    async def body():
        try:
            await asyncio.sleep(10)
        except TooLong:
            await asyncio.sleep(0)
            return "cleaned up"

    alarm()

    assert "cleaned up" == run_coroutine(body())


def test_what_is_not_caught_inside_comes_out_and_the_loop_goes_on(alarm):
    async def body():
        await asyncio.sleep(10)

    async def other():
        await asyncio.sleep(0)
        return asyncio.current_task().cancelling()

    alarm()
    with pytest.raises(TooLong):
        run_coroutine(body())

    assert 0 == run_coroutine(other())
