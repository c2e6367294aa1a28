from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from celeriac.model.effects import Job
from celeriac.model.envelope import Delivery, Envelope
from celeriac.worker.courier import Courier
from celeriac.worker.limits import Limits, tiredness

TASKS: Any = {"plain": SimpleNamespace(time_limit=None, soft_time_limit=None), "limited": SimpleNamespace(time_limit=10.0, soft_time_limit=8.0)}


def job(task: str, timelimit: Any = None) -> Job:
    return Job(Delivery(1, "celery", Envelope({"task": task, "id": "1", "timelimit": timelimit}, b"")), received=0.0)


def test_the_call_s_limits_come_before_the_task_s_and_those_before_the_worker_s() -> None:
    limits = Limits(TASKS, hard=100.0, soft=None)

    assert (3.0, 8.0) == limits.of(job("limited", [3.0, None]))
    assert (10.0, 8.0) == limits.of(job("limited"))
    assert (100.0, None) == limits.of(job("plain", [None, None]))
    assert (100.0, None) == limits.of(job("of another application"))


def test_deadlines_are_counted_from_the_start_of_the_job() -> None:
    assert (58.0, 60.0) == Limits(TASKS).deadlines(job("limited"), 50.0)
    assert (0.0, 0.0) == Limits(TASKS).deadlines(job("plain"), 50.0)


def test_a_process_is_tired_after_its_tasks_or_over_its_memory() -> None:
    assert [False, True] == [tiredness(3, None)(2), tiredness(3, None)(3)]
    assert [False, True] == [tiredness(None, 1 << 40)(9), tiredness(None, 1)(0)]
    assert not tiredness(None, None)(1_000_000)


def test_a_courier_looks_while_batches_run_and_sleeps_when_it_is_quiet() -> None:
    looks: list[bool] = []
    courier = Courier(lambda: looks.append(True) or len(looks) < 3)  # type: ignore[func-returns-value]

    courier.watch()
    while courier._awake.is_set():
        pass

    assert 3 <= len(looks) < 20
