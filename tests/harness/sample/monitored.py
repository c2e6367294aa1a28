"""Tasks that end in every way, for the tests of metrics and health."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

from celeriac import Celeriac
from celeriac.exceptions import Ignore, Reject

app = Celeriac("tasks")
app.conf.update(json.loads(os.environ.get("CELERIAC_TEST_CONF", "{}")))


@app.task
def good() -> int:
    return 1


@app.task
def bad() -> None:
    raise ValueError("on purpose")


@app.task(bind=True)
def second_try(self: Any) -> int:
    if not self.request.retries:
        raise self.retry(countdown=0)
    return 1


@app.task(acks_late=True)
def rejected() -> None:
    raise Reject("on purpose")


@app.task
def unwanted() -> None:
    raise Ignore


@app.task
def late() -> int:
    return 1


@app.task
def naps(seconds: float) -> None:
    time.sleep(seconds)


@app.task(bind=True, acks_late=True)
def dies_once(self: Any, mark: str) -> int:
    if not os.path.exists(mark):
        open(mark, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return 1
