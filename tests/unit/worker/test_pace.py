from __future__ import annotations

from celeriac.worker.pace import MOST_JOBS, Pace


def test_a_task_that_was_never_seen_travels_alone() -> None:
    assert 1 == Pace(0.001).count(["new"] * 10)


def test_short_tasks_share_a_packet_up_to_the_packet_time() -> None:
    pace = Pace(1.0)
    pace.note("short", 0.125)

    assert 8 == pace.count(["short"] * 100)


def test_a_packet_has_a_largest_size() -> None:
    pace = Pace(0.001)
    pace.note("tiny", 0.0)

    assert MOST_JOBS == pace.count(["tiny"] * 1000)


def test_a_long_task_behind_short_ones_begins_the_next_packet() -> None:
    pace = Pace(0.001)
    pace.note("short", 0.0001)
    pace.note("long", 3.0)

    assert 2 == pace.count(["short", "short", "long", "short"])


def test_one_slow_run_counts_at_once_and_is_forgotten_slowly() -> None:
    pace = Pace(0.001)
    for _ in range(100):
        pace.note("mixed", 0.0001)
    pace.note("mixed", 0.1)

    assert 1 == pace.count(["mixed"] * 10)
    for _ in range(200):
        pace.note("mixed", 0.0001)
    assert pace.count(["mixed"] * 100) > 5


def test_fewer_packets_are_out_while_tasks_are_long() -> None:
    pace = Pace(0.001)

    pace.note("a", 2.0)
    assert (1, 1) == (pace.ahead, pace.appetite)
    pace.note("b", 0.0001)
    assert pace.ahead > 1


def test_the_appetite_grows_while_packets_are_full_and_falls_with_them() -> None:
    pace = Pace(0.001)
    pace.note("a", 0.00001)

    seen = []
    for jobs in (1, 2, 4, 8, 3):
        pace.composed(1, jobs)
        seen.append(pace.appetite)

    assert [2, 4, 8, 16, 3] == seen


def test_a_far_broker_is_asked_for_as_much_as_keeps_the_task_processes_busy_meanwhile() -> None:
    pace = Pace(0.001)
    pace.note("a", 0.01)
    assert (False, 2) == (pace.far, pace.wanted(2, 2))
    for _ in range(20):
        pace.fetched(0.4)

    assert pace.far
    assert 150 < pace.wanted(2, 2) <= 160
    pace.note("long", 10.0)
    assert 2 == pace.wanted(2, 2)
    for _ in range(20):
        pace.fetched(0.0005)
    assert not pace.far


def test_where_writes_take_long_as_much_is_out_as_begins_within_a_few_round_trips() -> None:
    pace = Pace(0.001)
    pace.note("a", 0.1)
    assert (0.0, 1, 1) == (pace.trip, pace.ahead, pace.count(["a"] * 100, alone=True))
    for seconds in (9.0, 0.4, 0.4, 0.5):
        pace.written(seconds)

    assert (0.4, 13) == (pace.trip, pace.ahead)
    assert (1, 12) == (pace.count(["a"] * 100), pace.count(["a"] * 100, alone=True))
    pace.note("longer than all that", 10.0)
    assert 1 == pace.ahead
    for _ in range(4):
        pace.written(0.02)
    assert not pace.far


def test_what_is_out_has_an_end_however_short_the_tasks_are() -> None:
    pace = Pace(0.001)
    pace.note("a", 0.00001)
    for _ in range(4):
        pace.written(10.0)

    assert 64 == pace.ahead
