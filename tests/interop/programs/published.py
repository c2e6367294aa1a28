"""A Celery program: what each way of calling a task publishes."""

import json
from datetime import UTC, datetime

from celery import Celery, chain, signature
from celery.signals import after_task_publish, before_task_publish

app = Celery("published", broker="memory://")
app.conf.update(task_routes={"published.routed": {"queue": "elsewhere", "priority": 4}}, timezone="UTC", enable_utc=True)

seen = []


@app.task(name="published.add", time_limit=30, soft_time_limit=20)
def add(x, y):
    return x + y


@app.task(name="published.routed", serializer="json", ignore_result=True)
def routed(*args):
    return args


@before_task_publish.connect(weak=False)
def before(sender=None, body=None, headers=None, properties=None, exchange=None, routing_key=None, **_):
    headers = {key: value for key, value in headers.items() if key != "origin"}
    kept = {key: properties.get(key) for key in ("correlation_id", "priority", "delivery_mode") if properties}
    seen.append(["before", sender, body, headers, kept, str(getattr(exchange, "name", exchange) or ""), routing_key])


@after_task_publish.connect(weak=False)
def after(sender=None, headers=None, body=None, **_):
    seen.append(["after", sender, headers["id"]])


at = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
add.apply_async((1, 2), task_id="a")
add.apply_async((1,), {"y": 2}, task_id="b", eta=at, expires=at, shadow="shown", headers={"mine": 1})
add.apply_async((1, 2), task_id="c", time_limit=9, soft_time_limit=8, priority=7, argsrepr="<hidden>", kwargsrepr="<too>")
add.apply_async((1, 2), task_id="d", queue="named", ignore_result=True, root_id="r", parent_id="p", retries=3)
add.apply_async(("x" * 3000, list(range(500))), task_id="e", group_id="g", group_index=2)
add.apply_async((1, 2), task_id="f", link=signature("published.add", (9,), app=app, task_id="f2"), link_error=signature("published.routed", app=app))
routed.apply_async((datetime(2030, 1, 1), "text"), task_id="g")
app.send_task("published.unknown", (1,), {"k": 2}, task_id="h")
chain(add.s(1, 2).set(task_id="i1"), add.s(3).set(task_id="i2"), add.si(4, 5).set(task_id="i3", queue="last")).apply_async(task_id="i9")

for number, entry in enumerate(seen):
    print(json.dumps([f"{number} {entry[0]}", entry[1:]], default=repr, sort_keys=True))
