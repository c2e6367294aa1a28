"""Delays, retries, limits and schedules in time that a test moves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from celeriac import Celeriac
from celeriac.exceptions import (
    MaxRetriesExceededError,
    SoftTimeLimitExceeded,
    TaskRevokedError,
    TimeLimitExceeded,
)
from celeriac.exceptions import TimeoutError as TooLate
from celeriac.testing import Stand, VirtualClock, WaitsInVain, testing

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_countdown_waits_for_the_clock(t: Stand, tasks: Any) -> None:
    result = tasks.add.apply_async((1, 2), countdown=3600)

    assert [] == t.drain()
    t.advance(3599.5)
    assert [] == t.drain()
    t.advance(0.5)
    assert 1 == len(t.drain())
    assert 3 == result.result
    assert T0 + timedelta(hours=1) == t.clock.datetime() == result.date_done


def test_an_eta_is_a_moment_of_the_virtual_clock(t: Stand, app: Celeriac, tasks: Any) -> None:
    tasks.add.apply_async((1,), eta=app.now() + timedelta(minutes=5))

    assert 300.0 == t.sent[0].countdown
    assert [] == t.advance(299, work=True)
    assert 1 == len(t.advance(1, work=True))


def test_waiting_for_a_result_lets_virtual_time_pass(t: Stand, tasks: Any) -> None:
    assert 3 == tasks.add.apply_async((1, 2), countdown=86_400).get()
    assert T0 + timedelta(days=1) == t.clock.datetime()


def test_waiting_ends_at_its_timeout_of_virtual_time(t: Stand, tasks: Any) -> None:
    result = tasks.add.apply_async((1,), countdown=60)

    with pytest.raises(TooLate, match="not ready within 10 seconds"):
        result.get(timeout=10)

    assert T0 + timedelta(seconds=10) == t.clock.datetime()
    assert 1 == result.get(timeout=50)


def test_waiting_for_what_never_comes_is_an_error_and_no_hang(t: Stand, tasks: Any, app: Celeriac) -> None:
    result = tasks.add.delay(1)
    t.clear()

    with pytest.raises(WaitsInVain, match="nothing is left to run"):
        result.get()
    with pytest.raises(WaitsInVain, match="was not sent in this block"):
        app.AsyncResult("unheard-of").get()
    with pytest.raises(TooLate):
        app.AsyncResult("unheard-of").get(timeout=5)


def test_retries_come_after_their_delay(t: Stand, tasks: Any) -> None:
    result = tasks.flaky.delay(2)

    assert ["RETRY"] == [run.state for run in t.drain()]
    assert ["RETRY"] == [run.state for run in t.advance(60, work=True)]
    assert ["SUCCESS"] == [run.state for run in t.advance(60, work=True)]
    assert 2 == result.get()
    t.assert_enqueued(tasks.flaky, retries=1, countdown=60)


def test_retries_with_backoff_take_their_time(t: Stand, app: Celeriac) -> None:
    at: list[float] = []

    @app.task(autoretry_for=(OSError,), retry_backoff=2, retry_jitter=False, max_retries=4)
    def fetch() -> None:
        at.append(t.clock.now() - T0.timestamp())
        raise OSError("down")

    result = fetch.delay()
    t.drain(delayed=True)

    assert [0, 2, 6, 14, 30] == at
    with pytest.raises(OSError, match="down"):
        result.get()


def test_too_many_retries_end_in_failure(t: Stand, tasks: Any) -> None:
    result = tasks.flaky.delay(9)

    with pytest.raises(MaxRetriesExceededError):
        result.get()
    assert 4 == len(t.assert_enqueued(tasks.flaky))


def test_what_expires_before_it_runs_is_revoked(t: Stand, tasks: Any) -> None:
    late, in_time = tasks.add.apply_async((1,), expires=60), tasks.add.apply_async((2,), expires=62)
    t.advance(61)

    assert ["REVOKED", "SUCCESS"] == [run.state for run in t.drain()]
    assert isinstance(late.result, TaskRevokedError)
    assert 2 == in_time.get()


def test_soft_and_hard_time_limits_count_virtual_time(t: Stand, app: Celeriac) -> None:
    told: list[str] = []

    @app.task(soft_time_limit=10, time_limit=20, on_failure=lambda *_: told.append("on_failure"))
    def sleeps(*naps: float) -> str:
        for nap in naps:
            try:
                t.clock.sleep(nap)
            except SoftTimeLimitExceeded:
                told.append("soft")
        return "slept"

    assert "slept" == sleeps.delay(9).get()
    assert "slept" == sleeps.delay(15, 5).get()
    with pytest.raises(TimeLimitExceeded):
        sleeps.delay(11, 11).get()
    assert ["soft", "soft", "on_failure"] == told


def test_rate_limits_spread_starts_over_virtual_time(t: Stand, app: Celeriac) -> None:
    at: list[float] = []

    @app.task(rate_limit="1/m")
    def limited() -> None:
        at.append(round(t.clock.now() - T0.timestamp()))

    for _ in range(3):
        limited.delay()

    assert 1 == len(t.drain())
    t.advance(180, work=True)
    assert 3 == len(at)
    assert at[1] >= 59
    assert at[2] - at[1] >= 59


def test_entries_of_the_schedule_fire_while_time_passes(app: Celeriac, tasks: Any) -> None:
    app.conf.beat_schedule = {"often": {"task": "add", "schedule": 3600.0, "args": (1, 1)}}

    with testing(app, start=T0) as t:
        t.advance(86_400, beat=True)

        assert 24 == len(t.assert_enqueued("add", args=(1, 1)))
        assert [3600.0 * n for n in range(1, 25)] == [sent.at - T0.timestamp() for sent in t.sent if sent.task == "add"]
        assert [] == tasks.seen
        t.advance(3600, beat=True, work=True)
        assert [1] * 25 == tasks.seen


def test_coroutines_send_and_await(t: Stand, app: Celeriac, tasks: Any) -> None:
    @app.task
    async def doubles(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    async def main() -> list[Any]:
        first = await tasks.add.aapply_async((1, 2), countdown=60)
        second = await doubles.adelay(4)
        return [await first, await second, *await asyncio.gather(*[doubles.delay(n) for n in (1, 2)])]

    assert [3, 8, 2, 4] == asyncio.run(main())
    assert 6 == doubles.delay(3).get()


def test_a_coroutine_that_waits_hears_of_what_others_send(t: Stand, app: Celeriac, tasks: Any) -> None:
    async def main() -> int:
        result = app.AsyncResult("chosen")
        waiting = asyncio.ensure_future(result.aget())
        await asyncio.sleep(0)
        tasks.add.apply_async((1, 1), task_id="chosen")
        return int(await waiting)

    assert 2 == asyncio.run(main())
    with pytest.raises(WaitsInVain):
        asyncio.run(app.AsyncResult("never").aget())


def test_tasks_that_never_end_are_stopped(t: Stand, app: Celeriac) -> None:
    @app.task(name="again", bind=True)
    def again(self: Any) -> None:
        self.delay()

    again.delay()
    with pytest.raises(AssertionError, match=r"100 messages were run and more follow .*again"):
        t.drain(limit=100)


def test_schedules_are_exact_wherever_the_clock_begins(app: Celeriac, tasks: Any) -> None:
    app.conf.beat_schedule = {"often": {"task": "add", "schedule": 10, "args": (1, 1)}}

    for start in (None, 1_795_235_897.9068031, datetime(2026, 1, 1, 0, 0, 0, 333_333)):
        with testing(app, start=start) as t:
            t.advance(60, beat=True)
            t.assert_enqueued("add", times=6)


def test_an_eta_of_the_machines_time_is_due_when_that_much_has_passed(app: Celeriac, tasks: Any) -> None:
    with testing(app) as now:
        tasks.add.apply_async((1,), eta=datetime.now(UTC) + timedelta(minutes=5))
        assert [] == now.drain()
        now.advance(300)
        assert 1 == len(now.drain())


def test_a_virtual_clock_stands_alone() -> None:
    clock = VirtualClock(T0)
    clock.sleep(1.5)

    assert T0.timestamp() + 1.5 == clock.now()
    assert 1_001.5 == clock.monotonic()
