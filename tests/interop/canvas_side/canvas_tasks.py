"""The tasks of the workflows beside this file; runs under real Celery and under the drop-in alike."""

import json
import os

import redis
from celery import Celery, chain, chord, group

app = Celery("canvas_tasks", broker=os.environ["CANVAS_URL"], backend=os.environ["CANVAS_URL"])
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
told = redis.Redis.from_url(os.environ["CANVAS_URL"])


def tell(tag, *words):
    """Write down that something was called."""
    told.rpush(f"told:{tag}", json.dumps(words, default=repr))


@app.task
def add(x, y=0):
    return x + y


@app.task
def mul(x, y):
    return x * y


@app.task
def total(numbers):
    return sum(numbers)


@app.task
def ident(*args, **kwargs):
    return [list(args), kwargs]


@app.task
def fail(*args, **kwargs):
    raise ValueError("boo")


@app.task(bind=True)
def fail_twice(self, x):
    if self.request.retries < 2:
        raise self.retry(exc=KeyError("again"), countdown=0.01)
    return x


@app.task(bind=True, max_retries=1)
def fail_always(self, *args):
    raise self.retry(exc=KeyError("always"), countdown=0.01)


@app.task
def note(*args, tag=None):
    # Not what tells of the process that ran it.
    tell(tag, "note", *(arg for arg in args if isinstance(arg, (int, list)) or len(str(arg)) < 10))


@app.task
def errback(request, exc, traceback, tag=None):
    tell(tag, "errback", type(exc).__name__)


@app.task
def old_errback(task_id, tag=None):
    tell(tag, "old errback")


@app.task(bind=True)
def bound_errback(self, task_id, tag=None):
    tell(tag, "bound errback")


@app.task(bind=True)
def swap(self, kind, x=0):
    made = {
        "task": lambda: add.s(x, 1),
        "chain": lambda: chain(add.s(x, 1), add.s(10)),
        "group": lambda: group(add.s(x, 1), add.s(x, 2)),
        "chord": lambda: chord([add.s(x, 1), add.s(x, 2)], total.s()),
        "upgrade": lambda: group(add.s(x, 1), add.s(x, 2)) | total.s(),
        "chain of group": lambda: chain(add.s(x, 1), group(add.s(1), add.s(2))),
        "empty group": lambda: group([]),
        "one": lambda: group(add.s(x, 1)),
        "failing": lambda: fail.s(x),
        "failing chord": lambda: chord([add.s(x, 1), fail.s()], total.s()),
        "again": lambda: swap.s("task", x + 100),
        "with own": lambda: add.s(x, 1).set(chord=total.s()),
    }[kind]()
    raise self.replace(made)


@app.task(bind=True)
def more_parts(self, x, count=1):
    for n in range(count):
        self.add_to_chord(add.s(x, 100 + n))
    return x


@app.task(ignore_result=True)
def silent(x):
    return x
