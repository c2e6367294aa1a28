"""Prints the public attributes of the objects that programs hold, and the parameters of their methods; runs with real Celery and on the drop-in."""

from __future__ import annotations

import inspect
import json
import warnings

from celery import Celery
from celery.app.task import Context
from celery.result import AsyncResult, EagerResult, GroupResult, ResultSet
from celery.schedules import crontab, schedule

warnings.simplefilter("ignore")
app = Celery("surface", broker="memory://", backend="cache+memory://")


@app.task
def add(x: int, y: int) -> int:
    return x + y


def parameters(found: object) -> list[str] | None:
    """Return the names of a function's parameters; None when it takes any keywords, or cannot be asked."""
    try:
        signature = inspect.signature(found)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in signature.parameters.values()):
        return None
    return [name for name, each in signature.parameters.items() if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]


held = {
    "Celery": app,
    "conf": app.conf,
    "tasks": app.tasks,
    "Task": add,
    "Context": Context(),
    "AsyncResult": AsyncResult("a", app=app),
    "EagerResult": EagerResult("a", 1, "SUCCESS"),
    "ResultSet": ResultSet([], app=app),
    "GroupResult": GroupResult("a", [], app=app),
    "Signature": add.s(1, 2),
    "Control": app.control,
    "Inspect": app.control.inspect(),
    "amqp": app.amqp,
    "log": app.log,
    "loader": app.loader,
    "crontab": crontab(),
    "schedule": schedule(3),
}
told: dict[str, dict[str, list[str] | None]] = {}
for name, value in held.items():
    told[name] = {}
    for attribute in dir(value):
        if not attribute.startswith("_"):
            try:
                told[name][attribute] = parameters(getattr(value, attribute))
            except Exception:
                told[name][attribute] = None
print("SURFACE", json.dumps(told))
