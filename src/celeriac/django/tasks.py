"""A backend of ``django.tasks`` (Django 6), and of the package ``django-tasks`` for older Django: their tasks, run by our workers.

What is known of a call before it has ended (its arguments, who began it and when) is kept in the result store too, under the call's id and ``-call``.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.core import checks
from django.utils.module_loading import import_string

from celeriac.app.shared import shared_task
from celeriac.contracts.broker import Prioritizes
from celeriac.contracts.current import current_client
from celeriac.lib.ids import uuid
from celeriac.lib.importing import symbol_by_name
from celeriac.model import states
from celeriac.model.errors import ImproperlyConfigured
from celeriac.model.record import ResultMeta

HOME = "django.tasks" if importlib.util.find_spec("django.tasks") else "django_tasks"
if importlib.util.find_spec(HOME) is None:
    raise ImproperlyConfigured("celeriac.django.tasks needs django.tasks: Django 6, or the package django-tasks (pip install django-tasks)")
RUN, ARUN = "celeriac.django.run", "celeriac.django.arun"
"""The tasks by which theirs travel: functions, and coroutine functions."""
_CALL = "CALL"

_base: Any = importlib.import_module(f"{HOME}.base")
_signals: Any = importlib.import_module(f"{HOME}.signals")
_NotThere: Any = importlib.import_module(f"{HOME}.exceptions").TaskResultDoesNotExist
_Backend: Any = importlib.import_module(f"{HOME}.backends.base").BaseTaskBackend
_DEFAULT = "default"


class CeleriacBackend(_Backend):
    """Sends tasks to an application's workers.

    OPTIONS: ``app``, the dotted path of the application, by default the current one; ``transactional``: whether calls go with the caller's
    database transaction, by default as the setting ``task_transactional`` says. The queue ``default`` is the application's own default
    queue. Priorities are laid over the span that the broker has.
    """

    supports_defer = True
    supports_async_task = True
    supports_priority = True

    @property
    def app(self) -> Any:
        """The application whose workers run the tasks."""
        path = self.options.get("app")
        return current_client() if path is None else symbol_by_name(path)

    @property
    def supports_get_result(self) -> bool:
        """Whether there is a result store."""
        return self.app.backend_url is not None

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Send a call of a task."""
        self.validate_task(task)
        app = self.app
        result = _result(task, uuid(), self.alias, list(args), dict(kwargs), enqueued_at=datetime.now(UTC))
        call = {**_described(result), "takes_context": task.takes_context}
        _keep(app, result.id, call)
        sender = app.tasks[ARUN if inspect.iscoroutinefunction(task.func) else RUN]
        sender.apply_async((call,), task_id=result.id, shadow=task.module_path, **self._options(app, task))
        _signals.task_enqueued.send(type(self), task_result=result)
        return result

    def _options(self, app: Any, task: Any) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if "transactional" in self.options:
            options["transactional"] = bool(self.options["transactional"])
        if task.run_after is not None:
            options["eta"] = task.run_after
        if task.queue_name != _DEFAULT:
            options["queue"] = task.queue_name
        if isinstance(app.broker, Prioritizes):
            lowest, highest = app.broker.priorities
            share = (task.priority - _base.TASK_MIN_PRIORITY) / (_base.TASK_MAX_PRIORITY - _base.TASK_MIN_PRIORITY)
            options["priority"] = round(lowest + share * (highest - lowest))
        return options

    def get_result(self, result_id: str) -> Any:
        """Return what is known of a call; raises TaskResultDoesNotExist."""
        app = self.app
        kept = app.AsyncResult(_call_id(result_id))
        if kept.state != _CALL:
            raise _NotThere(result_id)
        return _completed(_of_call(result_id, self.alias, kept.result), app.AsyncResult(result_id))

    async def aget_result(self, result_id: str) -> Any:
        """As ``get_result``, without blocking the event loop."""
        return await sync_to_async(self.get_result)(result_id)

    def check(self, **kwargs: Any) -> Iterable[Any]:
        """Say what the settings lack."""
        yield from super().check(**kwargs)
        if self.app is None or self.app.main is None:
            yield checks.Warning(
                f"TASKS[{self.alias!r}] finds no application: tasks go to one without settings of yours.",
                hint="Import the application in the project's __init__.py, or name it: OPTIONS = {'app': 'proj.celery:app'}.",
                id="celeriac.W001",
            )
        elif not self.supports_get_result:
            yield checks.Warning(
                f"TASKS[{self.alias!r}] can keep no results: the application has no result store.",
                hint="Set CELERY_RESULT_BACKEND, for example to 'django-db'.",
                id="celeriac.W002",
            )


def _call_id(result_id: str) -> str:
    return f"{result_id}-call"


def _keep(app: Any, result_id: str, call: dict[str, Any]) -> None:
    if app.result_backend is not None:
        app.result_backend.store([app.encode_result(ResultMeta(_call_id(result_id), _CALL, call))])


def _described(result: Any) -> dict[str, Any]:
    task = result.task
    return {
        "path": task.module_path,
        "args": result.args,
        "kwargs": result.kwargs,
        "backend": task.backend,
        "priority": task.priority,
        "queue": task.queue_name,
        "run_after": _text(task.run_after),
        "enqueued_at": _text(result.enqueued_at),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _result(task: Any, result_id: str, alias: str, args: list[Any], kwargs: dict[str, Any], **known: Any) -> Any:
    fields = {
        **dict.fromkeys(("enqueued_at", "started_at", "finished_at", "last_attempted_at")),
        "status": _base.TaskResultStatus.READY,
        "errors": [],
        "worker_ids": [],
        **known,
    }
    return _base.TaskResult(task=task, id=result_id, args=args, kwargs=kwargs, backend=alias, **fields)


def _of_call(result_id: str, alias: str, call: dict[str, Any]) -> Any:
    """Return a result as it was kept with the call."""
    task = import_string(call["path"])
    # As it was given: without a time zone in projects that have none.
    run_after = None if call["run_after"] is None else datetime.fromisoformat(call["run_after"])
    task = task.using(priority=call["priority"], queue_name=call["queue"], backend=call["backend"], run_after=run_after)
    started, attempted = (_moment(call.get(key)) for key in ("started_at", "last_attempted_at"))
    return _result(
        task, result_id, alias, call["args"], call["kwargs"],
        enqueued_at=_moment(call["enqueued_at"]),
        started_at=started,
        last_attempted_at=attempted or started,
        status=_base.TaskResultStatus.READY if started is None else _base.TaskResultStatus.RUNNING,
        worker_ids=call.get("worker_ids", []),
    )  # fmt: skip


def _completed(result: Any, found: Any) -> Any:
    """Return a result with how the call has ended, if it has."""
    if not found.ready():
        return result
    done = found.date_done
    finished = done if isinstance(done, datetime) else _moment(done)
    ended = {"finished_at": finished}
    if found.state == states.SUCCESS:
        return _with(result, **ended, status=_base.TaskResultStatus.SUCCESSFUL, _return_value=found.result)
    error = found.result
    path = f"{type(error).__module__}.{type(error).__qualname__}"
    errors = [_base.TaskError(exception_class_path=path, traceback=found.traceback or "")]
    return _with(result, **ended, status=_base.TaskResultStatus.FAILED, errors=errors)


def _with(result: Any, **changes: Any) -> Any:
    for name, value in changes.items():
        object.__setattr__(result, name, value)
    return result


# -- in the worker


def _begin(task: Any, call: dict[str, Any]) -> tuple[Any, Any, tuple[Any, ...]]:
    """Note that a call has begun; return its result so far, the function, and what it is called with."""
    request = task.request
    now = _text(datetime.now(UTC))
    if (request.delivery_info or {}).get("redelivered"):
        # Not the first attempt: those before are known where the first one noted that it began.
        kept = task.app.AsyncResult(_call_id(request.id))
        call = kept.result if kept.state == _CALL else call
    call = {"started_at": now, **call, "last_attempted_at": now, "worker_ids": [*call.get("worker_ids", []), request.hostname]}
    if not request.is_eager:
        task.update_state(task_id=_call_id(request.id), state=_CALL, meta=call)
    result = _of_call(request.id, call["backend"], call)
    _signals.task_started.send(type(result.task.get_backend()), task_result=result)
    context = (_base.TaskContext(task_result=result),) if call["takes_context"] else ()
    return result, result.task.func, (*context, *call["args"])


def _end(result: Any, **changes: Any) -> None:
    _with(result, finished_at=datetime.now(UTC), **changes)
    _signals.task_finished.send(type(result.task.get_backend()), task_result=result)


def _failed(result: Any, error: BaseException) -> None:
    path = f"{type(error).__module__}.{type(error).__qualname__}"
    _end(result, status=_base.TaskResultStatus.FAILED, errors=[_base.TaskError(exception_class_path=path, traceback="")])


@shared_task(name=RUN, bind=True)
def run(self: Any, call: dict[str, Any]) -> Any:
    """Run a function of a Django task."""
    result, function, args = _begin(self, call)
    try:
        value = function(*args, **call["kwargs"])
    except Exception as error:
        _failed(result, error)
        raise
    _end(result, status=_base.TaskResultStatus.SUCCESSFUL, _return_value=value)
    return value


@shared_task(name=ARUN, bind=True)
async def arun(self: Any, call: dict[str, Any]) -> Any:
    """Run a coroutine function of a Django task."""
    result, function, args = _begin(self, call)
    try:
        value = await function(*args, **call["kwargs"])
    except Exception as error:
        _failed(result, error)
        raise
    _end(result, status=_base.TaskResultStatus.SUCCESSFUL, _return_value=value)
    return value
