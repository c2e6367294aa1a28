from __future__ import annotations

import logging
import threading

import pytest

from celeriac.lib.clock import ManualClock
from celeriac.worker.loop_watch import LoopWatch


@pytest.mark.parametrize(("busy", "seconds", "expected"), [(True, 5.0, 1), (True, 2.0, 0), (False, 5.0, 0)])
def test_only_a_busy_loop_that_does_not_turn_is_reported_and_once(
    caplog: pytest.LogCaptureFixture, busy: bool, seconds: float, expected: int
) -> None:
    clock = ManualClock(0.0)
    looks = iter([seconds, 0.0, 0.0])

    def sleep(_: float) -> None:
        step = next(looks, None)
        if step is None:
            watch.end()
        else:
            clock.advance(step)

    watch = LoopWatch(threading.get_ident(), lambda: busy, sleep, clock)
    with caplog.at_level(logging.ERROR, "celeriac.worker"):
        watch.run()

    assert len(caplog.records) == expected
    assert all("test_loop_watch.py" in record.getMessage() for record in caplog.records)
