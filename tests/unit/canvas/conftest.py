"""A client that keeps what is sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from celeriac.canvas.compile import plan_call
from celeriac.canvas.sending import collected
from celeriac.drivers.memory.backend import MemoryBackend, ResultStore
from celeriac.lib.clock import SystemClock
from celeriac.model.task_message import TaskMessage

NOW = 1_700_000_000.0


class Result:
    def __init__(self, task_id: str) -> None:
        self.id = task_id
        self.parent: Any = None


class Task:
    def __init__(self, client: FakeClient, name: str) -> None:
        self.client = client
        self.name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Result:
        self.client.through_task += 1
        return self.client.send_task(self.name, args, kwargs, **options)

    def apply(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        result = Result(options.get("task_id", "eager"))
        result.get = lambda: (self.name, *args)
        return result


class FakeClient:
    def __init__(self) -> None:
        self.conf = SimpleNamespace(task_always_eager=False, task_allow_error_cb_on_chord_header=False)
        self.tasks: dict[str, Any] = {}
        self.result_backend = MemoryBackend(ResultStore(SystemClock()))
        self.keeps_parts = False
        self.kept: list[Any] = []
        self.told: list[Any] = []
        self.submitted = 0
        self.sent: list[TaskMessage] = []
        self.through_task = 0
        for name in ("proj.add", "proj.mul"):
            self.tasks[name] = Task(self, name)

    def AsyncResult(self, task_id: str) -> Result:
        return Result(task_id)

    def submit(self, plan: Any) -> None:
        self.submitted += 1
        if not collected(plan):
            self.kept.extend(plan.kept)
            self.told.extend((chord, len(self.sent)) for chord in plan.chords)
            self.sent.extend(planned.message for planned in plan.messages)

    def send_task(self, name: str, args: Any = None, kwargs: Any = None, **options: Any) -> Result:
        plan = plan_call(name, args, kwargs, options, now=NOW)
        if not collected(plan):
            self.sent.extend(planned.message for planned in plan.messages)
        return Result(plan.result.id)


@pytest.fixture
def client():
    return FakeClient()
