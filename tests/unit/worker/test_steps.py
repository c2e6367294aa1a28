from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from celeriac import bootsteps
from celeriac.lib.clock import SystemClock
from celeriac.model.errors import ImproperlyConfigured
from celeriac.worker.options import WorkerOptions
from celeriac.worker.steps import Steps, check, ordered
from celeriac.worker.timer import Timer

HERE = __name__


class First(bootsteps.StartStopStep):
    requires = ("celery.worker.components:Pool",)


class Second(bootsteps.StartStopStep):
    requires = (First,)


class Third(bootsteps.Step):
    requires: ClassVar[Any] = {f"{HERE}:Second"}


class Last(bootsteps.StartStopStep):
    last = True


class Foreign(bootsteps.ConsumerStep):
    def get_consumers(self, channel: Any) -> Any:
        return ["consumer"]


class Round(bootsteps.StartStopStep):
    requires = (f"{HERE}:Trip",)


class Trip(bootsteps.StartStopStep):
    requires = (Round,)


def test_steps_follow_what_they_require() -> None:
    assert [First, Second, Third, Last] == ordered({Last, Third, Second, First})


def refused(worker: Any = (), consumer: Any = ()) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        check(SimpleNamespace(steps={"worker": worker, "consumer": consumer}))
    return str(caught.value)


def test_what_cannot_be_honoured_is_refused_by_name() -> None:
    assert "Foreign has get_consumers, which cannot be had" in refused(consumer={Foreign})
    assert "require each other" in refused({Round, Trip})
    assert "holds <class 'object'>: a step is a class derived from" in refused({object})
    assert f"The step {HERE}:Second requires '{HERE}:First'" in refused({Second})


class Controls:
    """As much of a worker as steps look at."""

    hostname = "w@h"
    pid = 7
    app = SimpleNamespace(steps={"worker": set(), "consumer": set()})
    clock = SystemClock()
    place = SimpleNamespace(size=3)

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def stop(self) -> None:
        self.stopped.set()


def started(*kinds: type, **options: Any) -> tuple[Steps, Controls]:
    controls = Controls()
    controls.app = SimpleNamespace(steps={"worker": set(kinds), "consumer": set()})
    steps = Steps(controls, WorkerOptions(hostname="w@h", user_options=options))  # type: ignore[arg-type]
    steps.start()
    return steps, controls


def test_a_step_gets_the_options_that_it_takes_and_lives_with_the_worker() -> None:
    told: list[Any] = []

    class Plain(bootsteps.StartStopStep):
        def __init__(self, worker: Any, tint: str = "none") -> None:
            told.append(("init", worker.hostname, tint))

        def create(self, worker: Any) -> Any:
            told.append("create")
            return SimpleNamespace(start=lambda: told.append("obj starts"), stop=lambda: told.append("obj stops"))

    class Everything(bootsteps.StartStopStep):
        requires = (Plain,)

        def __init__(self, worker: Any, **options: Any) -> None:
            told.append((options["tint"], options["concurrency"]))

        def start(self, worker: Any) -> None:
            told.append(("start", worker.concurrency, worker.pid, worker.consumer.controller is worker))

        def stop(self, worker: Any) -> None:
            raise RuntimeError("is logged")

    steps, _ = started(Plain, Everything, tint="red")
    steps.stop()

    assert [("init", "w@h", "red"), "create", ("red", 1), "obj starts", ("start", 3, 7, True), "obj stops"] == told


def test_a_cold_end_terminates() -> None:
    told: list[str] = []

    class Step(bootsteps.StartStopStep):
        def stop(self, worker: Any) -> None:
            told.append("stop")

        def terminate(self, worker: Any) -> None:
            told.append("terminate")

    steps, _ = started(Step)
    steps.stop(cold=True)

    assert ["terminate"] == told


def test_steps_that_are_not_wanted_are_left_out() -> None:
    class Off(bootsteps.StartStopStep):
        def include_if(self, parent: Any) -> bool:
            return False

        def start(self, parent: Any) -> None:
            raise AssertionError("not included")

    class Conditional(Off):
        conditional = True

    started(Off, Conditional)


def test_a_step_that_fails_is_named_and_one_that_exits_stops_the_worker() -> None:
    class Fails(bootsteps.StartStopStep):
        def start(self, worker: Any) -> None:
            raise KeyError("port")

    class Exits(bootsteps.StartStopStep):
        def start(self, worker: Any) -> None:
            raise SystemExit

    with pytest.raises(ImproperlyConfigured, match=r"its step .*Fails failed: KeyError\('port'\)"):
        started(Fails)
    assert started(Exits)[1].stopped.is_set()


def test_what_a_step_does_not_see_is_named_with_what_it_sees() -> None:
    class Curious(bootsteps.StartStopStep):
        def start(self, worker: Any) -> None:
            with pytest.raises(AttributeError, match=r"sees no 'blueprint' of this worker: there are .*timer"):
                _ = worker.blueprint
            assert getattr(worker, "hub", None) is None

    started(Curious)


def test_the_timer_calls_what_is_due_and_goes_on_after_errors() -> None:
    exits, calls, enough = threading.Event(), [], threading.Event()
    timer = Timer(SystemClock(), exits.set)

    def repeated() -> None:
        calls.append("again")
        if len(calls) >= 3:
            enough.set()
        raise ValueError("is logged")

    def leave() -> None:
        raise SystemExit

    entry = timer.call_repeatedly(0.01, repeated, priority=10)
    never = timer.call_after(0.01, calls.append, ("never",))
    never.cancel()
    assert enough.wait(20)
    entry.cancel()
    timer.call_at(0.0, leave)
    assert exits.wait(20)
    timer.stop()

    assert "never" not in calls
