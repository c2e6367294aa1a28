"""Steps of the user's (``app.steps``) beside a worker: what they see of it, in which order they begin, and their end."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from celeriac.bootsteps import ConsumerStep, Step
from celeriac.control.state import Running
from celeriac.lib.value import Value
from celeriac.model.errors import ImproperlyConfigured
from celeriac.worker.controls import Controls
from celeriac.worker.options import WorkerOptions
from celeriac.worker.timer import Timer

logger = logging.getLogger("celeriac.worker")

_THEIRS = ("celery.", "celeriac.")
"""How the paths of parts begin that a worker has anyway."""


class ActiveRequest(Value, frozen=True):
    """A task that runs, as steps know it; ``time_start`` is epoch seconds."""

    id: str
    name: str
    time_start: float
    worker_pid: int

    @classmethod
    def of(cls, running: Running) -> ActiveRequest:
        """Return what a step may know of it."""
        headers = running.job.delivery.envelope.headers
        return cls(headers.get("id", ""), headers.get("task", ""), running.started, running.pid)


class _Facade:
    """Says of what there is not that there is not, and what there is instead."""

    _kind = ""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        there = sorted({each for each in (*dir(type(self)), *vars(self)) if not each.startswith("_")})
        raise AttributeError(f"A step sees no {name!r} of this {self._kind}: there are {', '.join(there)}")


class PoolFacade:
    """The executor, as steps know it."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    @property
    def num_processes(self) -> int:
        """How many tasks may run side by side."""
        return self._controls.place.size

    limit = num_processes

    @property
    def info(self) -> dict[str, Any]:
        """What ``stats`` says of it."""
        return self._controls.pool()

    def grow(self, n: int = 1) -> None:
        """Run more tasks side by side."""
        self._controls.resize(n)

    def shrink(self, n: int = 1) -> None:
        """Run fewer tasks side by side."""
        self._controls.resize(-n)


class WorkerFacade(_Facade):
    """The worker, as its steps know it."""

    _kind = "worker"

    def __init__(self, controls: Controls, options: WorkerOptions, timer: Timer) -> None:
        self._controls = controls
        self.app = controls.app
        self.hostname = controls.hostname
        self.options = options
        self.timer = timer
        self.pool = PoolFacade(controls)
        self.consumer = ConsumerFacade(self)

    @property
    def pid(self) -> int:
        """The process that the user started."""
        return self._controls.pid

    @property
    def concurrency(self) -> int:
        """How many tasks may run side by side."""
        return self._controls.place.size

    @property
    def active_requests(self) -> list[ActiveRequest]:
        """The tasks that run."""
        return [ActiveRequest.of(running) for running in self._controls.running()]

    @property
    def stats(self) -> dict[str, Any]:
        """Numbers: tasks that have ended, by name; the process; the pool."""
        return {"total": dict(self._controls.counts()), "pid": self.pid, "pool": self._controls.pool()}

    def stop(self) -> None:
        """Begin a warm shutdown."""
        self._controls.stop()


class ConsumerFacade(_Facade):
    """The part of the worker that speaks with the broker, as its steps know it."""

    _kind = "consumer"

    def __init__(self, worker: WorkerFacade) -> None:
        self.controller = worker
        self.app = worker.app
        self.hostname = worker.hostname
        self.timer = worker.timer
        self.pool = worker.pool
        self.pid = os.getpid()

    @property
    def task_queues(self) -> list[str]:
        """The names of the queues that are consumed."""
        return [queue.name for queue in self.controller._controls.queues()]

    def add_task_queue(self, queue: str, exchange: str | None = None, exchange_type: str | None = None, routing_key: str | None = None) -> None:
        """Consume one queue more."""
        given = {"exchange": exchange, "exchange_type": exchange_type if exchange else None, "routing_key": routing_key}
        self.controller._controls.add_queue(queue, **{name: value for name, value in given.items() if value is not None})

    def cancel_task_queue(self, queue: str) -> None:
        """Consume a queue no more."""
        self.controller._controls.cancel_queue(queue)


class Steps:
    """The steps of one worker."""

    def __init__(self, controls: Controls, options: WorkerOptions) -> None:
        self._timer = Timer(controls.clock, controls.stop)
        self._worker = WorkerFacade(controls, options, self._timer)
        self._options = {**{name: getattr(options, name) for name in options.__struct_fields__}, **options.user_options}
        self._steps: list[tuple[Any, Any]] = []

    def start(self) -> None:
        """Make the steps and let them begin, the worker's before the consumer's; one that fails ends the worker."""
        steps: Mapping[str, Iterable[Any]] = self._worker.app.steps
        for kind, parent in (("worker", self._worker), ("consumer", self._worker.consumer)):
            for step in ordered(steps.get(kind, ())):
                self._safely(step, lambda step=step, parent=parent: self._include(step, parent))  # type: ignore[misc]
        for made, parent in self._steps:
            if hasattr(made, "start"):
                self._safely(type(made), lambda made=made, parent=parent: made.start(parent))  # type: ignore[misc]

    def _include(self, step: Any, parent: Any) -> None:
        made = _make(step, parent, self._options)
        if made.include(parent):
            self._steps.append((made, parent))

    def _safely(self, step: Any, act: Callable[[], object]) -> None:
        try:
            act()
        except SystemExit:
            logger.error("The step %s has asked for the worker's end (SystemExit).", _path(step))
            self._worker.stop()
        except Exception as error:
            logger.exception("The step %s failed.", _path(step))
            raise ImproperlyConfigured(f"The worker cannot start: its step {_path(step)} failed: {error!r}") from error

    def stop(self, *, cold: bool = False) -> None:
        """Let the steps end, the last one first; what one of them raises is logged."""
        for method in ("close", "terminate" if cold else "stop", "shutdown"):
            for step, parent in reversed(self._steps):
                end = getattr(step, method, None)
                if end is None:
                    continue
                try:
                    end(parent)
                except Exception:
                    logger.exception("The step %r failed to %s.", step, method)
        self._steps.clear()
        self._timer.stop()


def check(app: Any) -> None:
    """Refuse steps that cannot be honoured, before anything starts."""
    every = [step for kind in ("worker", "consumer") for step in ordered(app.steps.get(kind, ()))]
    known = {name for step in every for name in (_path(step), _path(step).replace(":", "."), step.name) if name}
    for step in every:
        for wanted in _requirements(step):
            if wanted not in known and not wanted.startswith(_THEIRS):
                raise ImproperlyConfigured(f"The step {_path(step)} requires {wanted!r}, which is no step of app.steps and no part of a worker")


def _make(step: Any, parent: Any, options: Mapping[str, Any]) -> Any:
    """Make a step with those options that it takes."""
    takes = inspect.signature(step.__init__).parameters.values()
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in takes):
        options = {parameter.name: options[parameter.name] for parameter in takes if parameter.name in options}
    return step(parent, **options)


def ordered(steps: Iterable[Any]) -> list[Any]:
    """Return step classes in an order in which each follows what it requires; refuse what cannot be honoured."""
    left = sorted(steps, key=lambda step: (getattr(step, "last", False), _path(step)))
    for step in left:
        _refuse_impossible(step)
    found: list[Any] = []
    while left:
        ready = next((step for step in left if not any(_meant(other, step) for other in left if other is not step)), None)
        if ready is None:
            raise ImproperlyConfigured(f"The steps {', '.join(map(_path, left))} require each other: none of them can begin first")
        left.remove(ready)
        found.append(ready)
    return found


def _refuse_impossible(step: Any) -> None:
    if not (isinstance(step, type) and issubclass(step, Step)):
        raise ImproperlyConfigured(f"app.steps holds {step!r}: a step is a class derived from celeriac.bootsteps.StartStopStep")
    if issubclass(step, ConsumerStep) and step.get_consumers is not ConsumerStep.get_consumers:
        raise ImproperlyConfigured(
            f"The step {_path(step)} has get_consumers, which cannot be had: this worker has no channels of kombu. "
            "Consume foreign messages in a process of their own with kombu, or in a thread that the step's start() begins"
        )


def _requirements(step: Any) -> list[str]:
    wanted = step.requires
    each = [wanted] if isinstance(wanted, str | type) else list(wanted)
    return [one if isinstance(one, str) else _path(one) for one in each]


def _meant(other: Any, step: Any) -> bool:
    """Whether ``step`` requires ``other``."""
    wanted = _requirements(step)
    return _path(other) in wanted or _path(other).replace(":", ".") in wanted or (other.name is not None and other.name in wanted)


def _path(step: Any) -> str:
    return f"{step.__module__}:{step.__qualname__}" if isinstance(step, type) else repr(step)
