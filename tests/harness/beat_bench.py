"""A scheduler on a bench: its store in memory, its clock set by hand."""

from __future__ import annotations

import itertools
from typing import Any

import celeriac
from celeriac.beat.admin import Schedule
from celeriac.beat.loop import Loop
from celeriac.contracts.schedule_store import ScheduleStore
from celeriac.drivers.registry import open_broker, open_schedule_store
from celeriac.lib.clock import ManualClock

START = 1_700_000_000.0
_names = itertools.count()


class Bench:
    """An application with a schedule in memory, and a clock that stands still."""

    def __init__(self, **conf: Any) -> None:
        self.clock = ManualClock(START)
        self.url = f"memory://beat-{next(_names)}"
        self.reader = open_broker(self.url, owner="reader", options={"clock": self.clock})
        self.store: ScheduleStore = open_schedule_store(self.url, options={"clock": self.clock})
        self.app = self.make_app(**conf)
        self.changes: list[str] = []

    def make_app(self, **conf: Any) -> Any:
        app = celeriac.Celeriac("bench", broker=self.url, set_as_current=False)
        app.conf.update(conf)

        @app.task(name="add")
        def add(x: int, y: int = 0) -> int:
            return x + y

        return app

    def loop(self, name: str = "one", app: Any = None, **options: Any) -> Loop:
        def tell(changes: Any, count: int) -> None:
            self.changes.extend(map(str, changes))

        return Loop(app or self.app, self.store, clock=self.clock, candidate=name, tell=tell, **options)

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.app, store=self.store, clock=self.clock)

    def run(self, loop: Loop, seconds: float) -> None:
        """Let a scheduler work for so long, sleeping as long as it says."""
        ends = self.clock.now() + seconds
        pause = loop.tick()
        while self.clock.now() + pause <= ends:
            self.clock.advance(pause)
            pause = loop.tick()
        self.clock.advance(ends - self.clock.now())

    def sent(self) -> list[Any]:
        """Take what waits in the queue and return the messages."""
        return [delivery.envelope for delivery in self.reader.fetch(["celery"], limit=10_000, wait=0)]

    def names(self) -> list[str]:
        return [envelope.headers["periodic_task_name"] for envelope in self.sent()]


def entry(schedule: Any = 10.0, **more: Any) -> dict[str, Any]:
    return {"task": "add", "schedule": schedule, "args": (1,), **more}
