"""A Celery project: its worker's log is compared. Run as a script it sends the calls and waits for them."""

import os

from celery import Celery
from celery.exceptions import Ignore

store = os.environ["STORE"]
app = Celery("worker_tasks", broker=f"sqla+sqlite:///{store}.broker", backend=f"db+sqlite:///{store}.results", set_as_current=True)
app.conf.update(broker_connection_retry_on_startup=True)


@app.task(name="worker_tasks.add")
def add(x, y):
    return x + y


@app.task(name="worker_tasks.long_result")
def long_result():
    return "x" * 3000


@app.task(name="worker_tasks.fail")
def fail():
    raise ValueError("broken")


@app.task(name="worker_tasks.expected", throws=(KeyError,))
def expected():
    raise KeyError("expected")


@app.task(name="worker_tasks.again", bind=True, max_retries=1)
def again(self):
    raise self.retry(countdown=0, exc=OSError("again"))


@app.task(name="worker_tasks.ignore")
def ignore():
    raise Ignore


if __name__ == "__main__":
    sent = [
        add.apply_async((1, 2), task_id="id-add"),
        add.apply_async((1, 2), task_id="id-shadow", shadow="worker_tasks.shown"),
        long_result.apply_async(task_id="id-long"),
        fail.apply_async(task_id="id-fail"),
        expected.apply_async(task_id="id-expected"),
        again.apply_async(task_id="id-again"),
        add.apply_async((3, 4), task_id="id-expired", expires=-1),
    ]
    ignore.apply_async(task_id="id-ignore")
    app.send_task("worker_tasks.unknown", task_id="id-unknown")
    sent.append(add.apply_async((1, 1), task_id="id-last"))
    for result in sent:
        result.get(timeout=20, interval=0.05, propagate=False)
