"""A small application in memory: what the engine needs of one, and a log of everything that happened."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from celeriac import signals
from celeriac.canvas.compile import plan_call
from celeriac.canvas.sending import collected
from celeriac.engine.attempt import Tools, run
from celeriac.engine.refusals import Gate
from celeriac.engine.revoked import Revoked
from celeriac.lib.clock import ManualClock
from celeriac.model.effects import Effects, Job
from celeriac.model.envelope import Delivery
from celeriac.model.task_message import TaskMessage
from celeriac.wire.task import encode_task

ACCEPT = frozenset({"application/json"})


class FakeTask:
    """A task as the engine sees it, which writes down what is called."""

    def __init__(self, world: World, name: str, run: Any, **options: Any) -> None:
        defaults: dict[str, Any] = dict.fromkeys(
            ("acks_late", "acks_on_failure_or_timeout", "acks_on_failure", "acks_on_timeout", "reject_on_worker_lost")
        ) | dict.fromkeys(("retry_on_worker_lost", "ignore_result", "store_errors_even_if_ignored", "track_started", "time_limit"))
        defaults |= {"throws": (), "autoretry_for": (), "dont_autoretry_for": (), "retry_kwargs": {}, "retry_jitter": True}
        defaults |= {"max_retries": 3, "default_retry_delay": 180.0, "retry_backoff": False, "retry_backoff_max": 600.0}
        defaults |= {"soft_time_limit": None, "resultrepr_maxsize": 1024}
        self.__dict__.update(defaults | options)
        self.world = world
        self.name = name
        self.run = run
        self.requests: list[Any] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.world.say("run")
        return self.run(*args, **kwargs)

    def push_request(self, request: Any) -> None:
        self.requests.append(request)

    def pop_request(self) -> None:
        self.requests.pop()

    @property
    def request(self) -> Any:
        return self.requests[-1]

    def before_start(self, *args: Any) -> None:
        self.world.say("before_start")

    def on_success(self, *args: Any) -> None:
        self.world.say("on_success", args[0])

    def on_failure(self, exc: Any, *args: Any) -> None:
        self.world.say("on_failure", repr(exc))

    def on_retry(self, exc: Any, *args: Any) -> None:
        self.world.say("on_retry", repr(exc))

    def after_return(self, status: str, *args: Any) -> None:
        self.world.say("after_return", status)

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        return self.world.send_task(self.name, args, kwargs, **options)


class Log:
    def __init__(self, world: World) -> None:
        self.world = world

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.world.lines.append((name, *args))


class World:
    def __init__(self) -> None:
        self.said: list[Any] = []
        self.lines: list[Any] = []
        self.sent: list[Any] = []
        self.emitted: list[Effects] = []
        self.clock = ManualClock()
        self.tasks: dict[str, Any] = {}
        self.conf = SimpleNamespace(task_always_eager=False)
        self.revoked = Revoked()
        self.tools = Tools(
            tasks=self.tasks, client=self, clock=self.clock, log=Log(self), accept=ACCEPT, hostname="w@h", emit=self.emitted.append
        )  # fmt: skip
        self.gate = Gate(tasks=self.tasks, clock=self.clock, log=Log(self), revoked=self.revoked, accept=ACCEPT, hostname="w@h")

    def say(self, *words: Any) -> None:
        self.said.append(words[0] if len(words) == 1 else words)

    def task(self, run: Any, name: str = "t", **options: Any) -> FakeTask:
        self.tasks[name] = FakeTask(self, name, run, **options)
        return self.tasks[name]

    def send_task(self, name: str, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        plan = plan_call(name, tuple(args or ()), kwargs, options, now=self.clock.now())
        if not collected(plan):
            self.sent.append(plan)
        return self.AsyncResult(plan.result.id)

    def AsyncResult(self, task_id: str) -> Any:
        return SimpleNamespace(id=task_id, parent=None, as_tuple=lambda: ((task_id, None), None))

    def delivery(self, message: TaskMessage | None = None, **delivered: Any) -> Delivery:
        message = message or TaskMessage(task="t", id="id-1")
        return Delivery(**{"tag": 1, "queue": "celery", "envelope": encode_task(message), **delivered})

    def job(self, *args: Any, task: str = "t", acked: bool = False, **fields: Any) -> Job:
        return Job(self.delivery(TaskMessage(task=task, id="id-1", args=args, **fields)), self.clock.now(), acked, "w@h")

    def run(self, *args: Any, **fields: Any) -> Effects:
        return run(self.job(*args, **fields), self.tools)

    def listen(self, *names: str) -> None:
        for each in names:
            getattr(signals, each).connect(lambda signal, **named: self.say(signal.name), weak=False, dispatch_uid=f"test-{each}")


SIGNALS = ("task_prerun", "task_postrun", "task_success", "task_failure", "task_retry", "task_internal_error", "task_revoked", "task_unknown")


@pytest.fixture
def world():
    yield World()
    for name in SIGNALS:
        getattr(signals, name).disconnect(dispatch_uid=f"test-{name}")
