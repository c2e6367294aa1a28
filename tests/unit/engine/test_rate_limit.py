from __future__ import annotations

import heapq
import random

import pytest

from celeriac.engine.rate_limit import AHEAD, Limiter, RateLimits, per_second


@pytest.mark.parametrize(
    ("text", "rate"),
    [("10/s", 10.0), ("100/m", 100 / 60), ("3/h", 3 / 3600), ("0.5/s", 0.5), (5, 5.0), (2.5, 2.5), ("7", 7.0), (None, 0.0), ("", 0.0), (0, 0.0)],
)
def test_rates_are_read_as_celery_writes_them(text, rate):
    assert rate == pytest.approx(per_second(text))


@pytest.mark.parametrize("text", ["many", "10/x", "/s", "a/m"])
def test_a_rate_that_makes_no_sense_is_refused_by_name(text):
    with pytest.raises(ValueError, match="a rate limit is a number with /s, /m or /h"):
        per_second(text)


def simulate(limiter: Limiter, count: int, until: float, late: float = 0.0) -> tuple[list[float], int]:
    """Let ``count`` messages ask whenever they are told to; return when they started, and how often they asked."""
    line = [(0.0, number) for number in range(count)]
    moments, asked = [], 0
    while line and line[0][0] <= until:
        when, number = heapq.heappop(line)
        asked += 1
        again = limiter.ask(str(number), when + late)
        if again is None:
            moments.append(when + late)
        else:
            assert again > when
            heapq.heappush(line, (again, number))
    return moments, asked


@pytest.mark.parametrize("rate", [1 / 60, 1.0, 20.0, 100.0, 1000.0])
def test_starts_are_as_many_as_the_rate_says_and_no_more(rate):
    seconds = max(10.0, 3 / rate)
    moments, _ = simulate(Limiter(rate), int(rate * seconds) + 500, seconds)

    assert rate * seconds == pytest.approx(len(moments), rel=0.05, abs=1.5)
    for moment in moments[:: max(1, len(moments) // 50)]:
        window = sum(1 for other in moments if moment <= other < moment + 1.0)
        assert window <= rate * 1.02 + 1


def test_a_start_that_comes_late_is_made_up_for():
    moments, _ = simulate(Limiter(100.0), 2000, 10.0, late=0.002)

    assert 1000 == pytest.approx(len(moments), rel=0.03)


def test_those_who_wait_ask_no_more_than_some_hundred_times_a_second():
    _, asked = simulate(Limiter(1 / 60), 5000, 60.0)

    assert asked - 5000 < 60 * 210


def test_whoever_waits_is_told_to_come_again_soon():
    limiter = Limiter(1 / 3600)
    assert limiter.ask("first", 100.0) is None

    again = limiter.ask("second", 100.0)

    assert 100.0 < again <= 100.0 + AHEAD + 0.01


def test_an_appointment_is_kept_before_others_are_let_in():
    limiter = Limiter(10.0)
    limiter.ask("a", 0.0)
    agreed = limiter.ask("b", 0.01)

    assert 0.1 == pytest.approx(agreed)
    assert limiter.ask("newcomer", agreed) is not None
    assert limiter.ask("b", agreed) is None


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_that_share_a_queue_make_use_of_their_limits(workers):
    chance = random.Random(7)
    limiters = [Limiter(20.0) for _ in range(workers)]
    line = [(number * 0.0005, number) for number in range(2000)]
    started = 0
    while line[0][0] < 10.0:
        when, number = heapq.heappop(line)
        again = chance.choice(limiters).ask(str(number), when)
        started += again is None
        if again is not None:
            heapq.heappush(line, (again, number))

    assert 0.85 * 200 * workers < started <= 202 * workers


def test_an_appointment_that_is_not_kept_blocks_nobody():
    limiter = Limiter(10.0)
    limiter.ask("a", 0.0)
    agreed = limiter.ask("went to another worker", 0.01)

    assert limiter.ask("c", agreed + 0.2) is None


def test_limits_are_changed_and_taken_away():
    limits = RateLimits()
    limits.set("t", 1 / 3600)
    assert limits.ask("t", "1", 0.0) is None
    assert limits.ask("t", "2", 0.0) is not None
    assert limits.ask("other", "3", 0.0) is None

    limits.set("t", 10.0)
    assert limits.ask("t", "2", 0.5) is None
    limits.set("t", 0.0)

    assert (limits.limited, limits.rate("t")) == (False, 0.0)
