"""Calling the handlers that users wrote: one that raises is reported and changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from celeriac import signals
from celeriac.engine.current import Attempt
from celeriac.engine.exception_info import ExceptionInfo, safe_repr

logger = logging.getLogger("celeriac.app.trace")


def handle(attempt: Attempt, name: str, *args: Any) -> None:
    """Call a handler of the task by its name."""
    try:
        getattr(attempt.task, name)(*args)
    except Exception as error:
        report(attempt, name, error)


def while_handled(error: BaseException, act: Callable[[], None]) -> None:
    """Do something as in the ``except`` block that caught an error: handlers find it by ``sys.exc_info``, and ``logging.exception`` writes it."""
    traceback = error.__traceback__
    try:
        raise error
    except BaseException:
        error.__traceback__ = traceback
        act()


def report(attempt: Attempt, name: str, error: BaseException) -> None:
    """Tell of a handler that raised."""
    message = attempt.message
    info = ExceptionInfo(error, internal=True)
    logger.error("Task %s[%s] %s handler raised: %s\n%s", message.task, message.id, name, safe_repr(error), info.traceback)
    signals.task_internal_error.send(
        sender=attempt.task,
        task_id=message.id,
        args=message.args,
        kwargs=message.kwargs,
        request=dict(vars(attempt.request)),
        exception=error,
        traceback=error.__traceback__,
        einfo=info,
    )
