"""Tasks with the base classes and tools of packages that extend Celery; run over the drop-in."""

from __future__ import annotations

import os
import time
from pathlib import Path

from celery import Celery
from celery_once import AlreadyQueued, QueueOnce
from celery_progress.backend import Progress, ProgressRecorder
from celery_singleton import Singleton

STORE = os.environ["STORE"]
app = Celery("packages_tasks", broker=STORE, backend=STORE)
app.conf.ONCE = {"backend": "celery_once.backends.Redis", "settings": {"url": STORE, "default_timeout": 60}}
app.conf.singleton_backend_url = STORE

__all__ = ["AlreadyQueued", "Progress", "advancing", "app", "failing", "let_go", "once", "single"]


def let_go() -> None:
    """Let the tasks that wait end."""
    Path("go").touch()


def _held() -> None:
    deadline = time.monotonic() + 60
    while not Path("go").exists() and time.monotonic() < deadline:
        time.sleep(0.01)


@app.task(base=QueueOnce)
def once(number: int) -> int:
    _held()
    return number


@app.task(base=Singleton)
def single(number: int) -> int:
    _held()
    return number


@app.task(bind=True)
def advancing(self, steps: int) -> int:
    recorder = ProgressRecorder(self)
    recorder.set_progress(1, steps, description="half")
    _held()
    return steps


@app.task
def failing() -> None:
    raise ValueError("boo")
