"""One program for both: real Celery runs it, and ours by the drop-in."""

import os
import time

from celery import Celery

app = Celery("tasks", broker=os.environ["STORE"], backend=os.environ["STORE"])
app.conf.update(
    accept_content=["json", "msgpack", "pickle"],
    result_accept_content=["json", "msgpack", "pickle"],
    result_serializer=os.environ.get("RESULTS", "json"),
    result_extended=bool(os.environ.get("EXTENDED")),
    broker_transport_options={"visibility_timeout": 2, "global_keyprefix": os.environ.get("PREFIX", "")},
    result_backend_transport_options={"global_keyprefix": os.environ.get("PREFIX", "")},
)


@app.task(name="add")
def add(x, y):
    return x + y


@app.task(name="fail")
def fail(text):
    raise ValueError(text)


@app.task(name="again", bind=True, max_retries=2)
def again(self):
    if self.request.retries < 1:
        raise self.retry(countdown=0.2)
    return self.request.retries


@app.task(name="progress", bind=True)
def progress(self):
    self.update_state(state="PROGRESS", meta={"done": 1})
    with open(os.environ["LEDGER"] + ".go", "rb") as fifo:
        fifo.read()


@app.task(name="note", acks_late=True)
def note(number):
    with open(os.environ["LEDGER"], "a") as ledger:
        ledger.write(f"{number}\n")


@app.task(name="hang", acks_late=True)
def hang():
    time.sleep(3600)
