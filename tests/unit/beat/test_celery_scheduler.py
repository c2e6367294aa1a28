"""Schedulers that others have written, by Celery's protocol."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from celeriac.beat.boot import Beat
from celeriac.beat.celery_service import Service, scheduler_class
from celeriac.beat.names import PersistentScheduler, ScheduleEntry, Scheduler, SchedulingError
from celeriac.model.errors import ImproperlyConfigured
from tests.harness.beat_bench import Bench, entry

Make = Callable[..., Bench]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Mine(Scheduler):
    """Keeps its own list, as database schedulers do."""

    def setup_schedule(self) -> None:
        self.install_default_entries(self.schedule)
        self.update_from_dict({"mine": {"task": "add", "schedule": 0.05, "args": (1,)}})


def test_a_tick_sends_what_is_due_and_says_when_to_come_again(make_bench: Make) -> None:
    bench = make_bench()
    scheduler = Scheduler(app=bench.app, lazy=True)
    scheduler.add(name="due", task="add", schedule=timedelta(seconds=60), args=(1,), last_run_at=LONG_AGO)
    scheduler.add(name="later", task="add", schedule=timedelta(seconds=30), args=(1,))

    assert scheduler.tick() == 0.0
    assert 29.0 < scheduler.tick() <= 30.0

    assert bench.names() == ["due"]
    assert scheduler.schedule["due"].total_run_count == 1


def test_the_setting_is_merged_and_what_was_counted_is_kept(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"a": entry(60.0), "b": entry(60.0)})
    scheduler = Scheduler(app=bench.app)
    scheduler.schedule["a"].total_run_count = 7

    scheduler.merge_inplace({"a": entry(30.0)})

    assert set(scheduler.schedule) == {"a"}
    assert (scheduler.schedule["a"].total_run_count, scheduler.schedule["a"].schedule.run_every) == (7, timedelta(seconds=30))


def test_an_edit_of_the_schedule_is_noticed(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"a": entry(3600.0)})
    scheduler = Scheduler(app=bench.app, max_interval=50)
    assert scheduler.tick() == 50

    scheduler.update_from_dict({"b": entry(5.0)})

    assert scheduler.tick() <= 5.0


def test_what_cannot_be_sent_is_a_scheduling_error_and_does_not_end_the_round(make_bench: Make) -> None:
    bench = make_bench()
    scheduler = Scheduler(app=bench.app, lazy=True)
    bad = scheduler.add(name="bad", task="add", schedule=60, args=(1, 2, 3), last_run_at=LONG_AGO)

    with pytest.raises(SchedulingError, match="bad"):
        scheduler.apply_async(bad, advance=False)
    assert scheduler.tick() == 0.0


def test_entries_are_values_with_counts(make_bench: Make) -> None:
    app = make_bench().app
    one = ScheduleEntry(name="a", task="add", schedule=60, args=(1,), app=app)
    following = next(one)

    assert (following.total_run_count, one.total_run_count) == (1, 0)
    assert following == one
    assert following.last_run_at is not None
    assert one != ScheduleEntry(name="a", task="add", schedule=61, args=(1,), app=app)
    assert pickle.loads(pickle.dumps(one)) == one
    assert dict(one)["task"] == "add"
    assert one.is_due().is_due is False


def test_the_file_of_a_persistent_scheduler_remembers(make_bench: Make, tmp_path: Path) -> None:
    bench = make_bench(beat_schedule={"a": entry(60.0)})
    path = str(tmp_path / "schedule")
    first = PersistentScheduler(app=bench.app, schedule_filename=path)
    first.reserve(first.schedule["a"])
    first.close()

    second = PersistentScheduler(app=bench.app, schedule_filename=path)

    assert second.schedule["a"].total_run_count == 1
    assert path in second.info
    second.close()


def test_a_service_runs_the_scheduler_until_it_is_told_to_stop(make_bench: Make) -> None:
    bench = make_bench()
    service = Service(bench.app, scheduler_cls=Mine)
    thread = threading.Thread(target=service.start, daemon=True)
    thread.start()
    found = bench.reader.fetch(["celery"], limit=1, wait=20.0)

    service.stop(wait=True)
    thread.join(20)

    assert found[0].envelope.headers["periodic_task_name"] == "mine"


def test_schedulers_are_found_by_path_and_celerys_default_is_this_houses_own(make_bench: Make) -> None:
    app = make_bench().app

    assert Beat(app).native
    assert Beat(app, scheduler="celery.beat.PersistentScheduler").native
    assert not Beat(app, scheduler="celery.beat:Scheduler").native
    assert Beat(app, scheduler=Mine).scheduler_cls is Mine


@pytest.mark.parametrize("name", ["django", "no.such.module:Scheduler", "celery.beat:Nothing"])
def test_a_scheduler_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        scheduler_class(name)

    assert name.rpartition(":")[2] in str(caught.value)
