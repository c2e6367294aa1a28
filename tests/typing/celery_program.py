"""A program that is typed for Celery: by the stubs of celery-types, and by the drop-in's own types."""

from __future__ import annotations

from typing import Any

from celery import Celery, Task, chain, chord, group, shared_task
from celery.canvas import Signature
from celery.result import AsyncResult
from celery.schedules import crontab
from celery.utils.log import get_task_logger

app = Celery("proj", broker="memory://", backend="cache+memory://")
app.conf.update(task_serializer="json", accept_content=["json"])
app.conf.beat_schedule = {"x": {"task": "proj.add", "schedule": crontab(minute="*/5"), "args": (1, 2)}}
logger = get_task_logger(__name__)

@app.task
def add(x: int, y: int) -> int:
    return x + y

@app.task(bind=True, max_retries=3)
def fetch(self: Task[Any, Any], url: str) -> str:
    try:
        return url
    except OSError as exc:
        raise self.retry(exc=exc, countdown=5) from exc

@shared_task(name="shared")
def shared(x: int) -> int:
    return x

class Base(Task[Any, Any]):
    def on_failure(self, exc: Exception, task_id: str, args: tuple[Any, ...], kwargs: dict[str, Any], einfo: Any) -> None:
        logger.error("%s", exc)

@app.task(base=Base)
def based(x: int) -> int:
    return x

def main() -> None:
    """Use what there is."""
    r: AsyncResult[int] = add.delay(1, 2)
    value: int = r.get(timeout=10)
    r2 = add.apply_async((1, 2), countdown=3, queue="x")
    s: Signature[int] = add.s(1, 2)
    c = chain(add.s(1, 2), add.s(3))
    g = group(add.s(1, 1), add.s(2, 2))
    res = g.apply_async()
    ch = chord([add.s(1, 1)], add.s(2))
    print(value, r2.id, s, c.delay().get(), res.get(), ch.delay().get(), shared.delay(1).get(), based.delay(1).get(), fetch.delay("x").get())
    app.send_task("proj.add", args=[1, 2])
    app.control.revoke(r.id, terminate=True)
    inspect = app.control.inspect()
    print(inspect.active())
