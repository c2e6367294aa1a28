"""A Celery application as the page of Sentry's integration has it; what would go to Sentry becomes lines of a file."""

from __future__ import annotations

import json
import os

import sentry_sdk
from celery import Celery, Task
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.transport import Transport


class ToFile(Transport):
    def capture_envelope(self, envelope: Envelope) -> None:
        with open(os.environ["TOLD"], "a") as file:
            for item in envelope.items:
                if item.payload.json is not None:
                    file.write(json.dumps({"type": item.type, "pid": os.getpid(), **item.payload.json}, default=str) + "\n")

    def flush(self, timeout: float, callback: object = None) -> None:
        with open(os.environ["TOLD"], "a") as file:
            file.write(json.dumps({"type": "flush", "pid": os.getpid()}) + "\n")


sentry_sdk.init(
    dsn="http://key@127.0.0.1:9/1", integrations=[CeleryIntegration()], traces_sample_rate=1.0, send_default_pii=True, transport=ToFile
)

app = Celery("sentried_tasks")


class Custom(Task):  # type: ignore[misc]
    def __call__(self, *args: object, **kwargs: object) -> object:
        return super().__call__(*args, **kwargs)


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task
def divide(x: int, y: int) -> float:
    return x / y


@app.task(base=Custom)
def breaks() -> None:
    raise KeyError("lost")


@app.task(bind=True, max_retries=1)
def again(self: Task) -> int:
    if not self.request.retries:
        raise self.retry(countdown=0)
    return 1


@app.task
def calls() -> None:
    (add.s(1, 1) | add.s(2)).delay()
