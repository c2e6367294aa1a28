"""The attempt that runs here and now: what ``self.request``, ``update_state``, ``retry`` and results of calls inside a task attach to."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context, ContextVar
from typing import Any

from celeriac.contracts.client import Client
from celeriac.contracts.runnable import Runnable
from celeriac.engine.hooks import TaskLog
from celeriac.lib.clock import Clock
from celeriac.lib.coroutines import run_coroutine
from celeriac.model.effects import ChordShare, Effects, Job
from celeriac.model.outcome import Outcome
from celeriac.model.plan import Plan
from celeriac.model.record import ResultMeta
from celeriac.model.request import Request
from celeriac.model.task_message import TaskMessage
from celeriac.wire.task import format_time


class Tools:
    """What attempts in this process use. ``running`` is true exactly while user code runs: soft time limits may raise then.

    ``emit`` carries out effects that must be seen before the attempt ends. ``extended`` results hold name, arguments, worker.
    """

    __slots__ = (
        "accept", "app", "client", "clock", "emit", "extended", "hostname", "inherit_priority", "log", "max_deliveries", "run_coroutine",
        "running", "tasks",
    )  # fmt: skip

    def __init__(
        self,
        *,
        tasks: Mapping[str, Runnable],
        client: Client,
        clock: Clock,
        log: TaskLog,
        accept: frozenset[str] | None,
        hostname: str,
        emit: Callable[[Effects], None],
        extended: bool = False,
        inherit_priority: bool = False,
        max_deliveries: int | None = None,
        run_coroutine: Callable[[Coroutine[Any, Any, Any]], Any] = run_coroutine,
    ) -> None:
        self.tasks = tasks
        self.client = client
        self.clock = clock
        self.log = log
        self.accept = accept
        self.hostname = hostname
        self.emit = emit
        self.extended = extended
        self.inherit_priority = inherit_priority
        self.max_deliveries = max_deliveries
        self.run_coroutine = run_coroutine
        self.running = False


class Attempt:
    """One run of one call. ``job`` is None when it runs eagerly, in the caller's process."""

    __slots__ = (
        "added", "begun", "callee", "context", "ignored", "job", "max_retries", "message", "more", "once", "outcome", "plans",
        "replaced", "request", "share", "task", "tools",
    )  # fmt: skip

    def __init__(self, job: Job | None, task: Runnable, message: TaskMessage, request: Request, tools: Tools, ignored: bool = False) -> None:
        self.job = job
        self.task = task
        self.callee: Any = task
        """What is called: the task, or what somebody who looks on has put around it."""
        self.message = message
        self.request = request
        self.tools = tools
        self.ignored = ignored
        """Whether the result is not wanted."""
        self.plans: list[Plan] = []
        """Messages that leave together with the result."""
        self.max_retries: int | None = None
        """What the last ``retry`` of this attempt said, if it did; counts for automatic retries."""
        self.outcome: Outcome | None = None
        """How an eager attempt ended."""
        self.begun = 0.0
        self.context: Context | None = None
        """What its context variables were before ``task_postrun``, if receivers of publish signals are to be told of what it sends in it."""
        self.share: ChordShare | None = None
        """A part of a chord that ends by what this attempt does, other than the attempt itself."""
        self.more: list[ResultMeta] = []
        """Results of tasks that will not run."""
        self.replaced = False
        """Whether another workflow has taken the place of this call."""
        self.added = 0
        """How many parts it has added to its chord."""
        self.once = ""
        """The chord that it finishes."""

    def add_child(self, result: Any) -> None:
        """Note the result of a call that this task made."""
        children = self.request.children
        if children is None:
            children = self.request.children = []
        children.append(result)

    def update_state(self, state: str, meta: Any = None, task_id: str | None = None) -> None:
        """Store a state now, of this task or of another."""
        own = task_id is None or task_id == self.message.id
        if self.ignored and own:
            return
        result = self.meta(state, meta) if own else ResultMeta(str(task_id), state, meta)
        self.tools.emit(Effects(result=result))

    def meta(self, state: str, result: Any, traceback: str | None = None, done: bool = False) -> ResultMeta:
        """Return the task-meta of this attempt in a state."""
        message = self.message
        request = self.request
        return ResultMeta(
            message.id,
            state,
            result,
            traceback,
            child_tuples(request.children) if done else None,
            stamp(self.tools.clock.now()) if done else None,
            message.group,
            message.parent_id,
            self._extended() if self.tools.extended else {},
            message.reply_to,
        )

    def _extended(self) -> dict[str, Any]:
        request = self.request
        fields = {
            "name": request.task,
            "args": request.args,
            "kwargs": request.kwargs,
            "worker": request.hostname,
            "retries": request.retries,
            "queue": (request.delivery_info or {}).get("routing_key"),
        }
        if "periodic_task_name" in request.__dict__:
            # The header by which a scheduler says which of its entries this is; django-celery-results has a column for it.
            fields["periodic_task_name"] = request.__dict__["periodic_task_name"]
        if request.stamped_headers:
            fields["stamped_headers"] = request.stamped_headers
            fields.update(request.stamps or {})
        return fields


_second: tuple[int, str] = (0, "1970-01-01T00:00:00")


def stamp(now: float) -> str:
    """Return epoch seconds as ISO 8601 text in UTC, as ``wire.format_time`` does; most of it is remembered for a second."""
    global _second
    whole = int(now)
    second, text = _second
    if second != whole:
        text = format_time(whole).partition("+")[0]
        _second = (whole, text)
    micro = int((now - whole) * 1e6)
    return f"{text}.{micro:06d}+00:00" if micro else f"{text}+00:00"


def child_tuples(children: Any) -> list[Any]:
    """Return the children as the result tuples that stores keep."""
    if not children:
        return []
    return [child.as_tuple() if hasattr(child, "as_tuple") else child for child in children]


_current: ContextVar[Attempt | None] = ContextVar("celeriac_attempt", default=None)


def current() -> Attempt | None:
    """Return the attempt that runs in this context, or None outside tasks."""
    return _current.get()


enter = _current.set
leave = _current.reset
