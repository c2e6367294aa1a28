from __future__ import annotations

from celeriac.worker.autoscale import Autoscaler


def test_it_doubles_while_everybody_is_busy_and_jobs_wait():
    scaler = Autoscaler(1, 10, 30.0)

    sizes = [1]
    for second in range(5):
        sizes.append(scaler.wanted(sizes[-1], sizes[-1], True, float(second)))

    assert sizes == [1, 2, 4, 8, 10, 10]


def test_it_stays_while_nobody_waits_or_somebody_is_idle():
    scaler = Autoscaler(1, 10, 30.0)

    assert scaler.wanted(4, 4, False, 0.0) == 4
    assert scaler.wanted(4, 3, True, 1.0) == 4


def test_it_shrinks_to_what_was_needed_when_that_was_less_for_long_enough():
    scaler = Autoscaler(2, 10, 30.0)

    assert scaler.wanted(8, 3, False, 0.0) == 8
    assert scaler.wanted(8, 5, False, 20.0) == 8
    assert scaler.wanted(8, 1, False, 30.0) == 5
    assert scaler.wanted(5, 0, False, 31.0) == 5
    assert scaler.wanted(5, 0, False, 61.0) == 2


def test_a_busy_moment_begins_the_waiting_anew():
    scaler = Autoscaler(1, 10, 30.0)
    scaler.wanted(4, 1, False, 0.0)
    scaler.wanted(4, 4, False, 29.0)

    assert scaler.wanted(4, 1, False, 31.0) == 4


def test_changed_bounds_are_in_force_at_once():
    scaler = Autoscaler(1, 10, 30.0)
    scaler.least, scaler.most = 3, 5

    assert (scaler.wanted(1, 0, False, 0.0), scaler.wanted(8, 8, True, 1.0)) == (3, 5)
