"""Calls of many kinds and what they come to: with a real worker, and with ``celeriac.testing``."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from typing import Any

from celeriac import Celeriac, chain, chord, group
from celeriac.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from celeriac.testing import testing

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
URL = os.environ["OUTCOMES_STORE"]
app = Celeriac("tasks", broker=URL, backend=URL, task_acks_late=True)
app.conf.task_routes = {"tasks.add": {"queue": "sums"}}
app.conf.task_create_missing_queues = True


@app.task
def add(x: int, y: int = 0) -> int:
    return x + y


@app.task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task
def fails(text: str) -> None:
    raise ValueError(text)


@app.task(bind=True, max_retries=2, default_retry_delay=0.05)
def retries(self: Any, times: int) -> int:
    if self.request.retries < times:
        raise self.retry(exc=OSError(f"try {self.request.retries}"))
    return int(self.request.retries)


@app.task(autoretry_for=(KeyError,), retry_backoff=0.05, retry_jitter=False, max_retries=2)
def backs_off(text: str) -> None:
    raise KeyError(text)


@app.task
def refuses(kind: str) -> None:
    raise Reject(kind, requeue=False) if kind == "reject" else Ignore()


@app.task(soft_time_limit=0.3)
def too_slow(nice: bool) -> str:
    try:
        time.sleep(5)
    except SoftTimeLimitExceeded:
        if nice:
            return "cleaned up"
        raise
    return "in time"


@app.task(time_limit=0.4)
def far_too_slow() -> None:
    time.sleep(30)


@app.task(bind=True)
def replaces(self: Any, x: int) -> None:
    raise self.replace(chain(add.s(x, 1), add.s(10)))


@app.task
def given(*args: Any, **kwargs: Any) -> list[Any]:
    return [list(args), kwargs]


def revoked() -> Any:
    result = add.apply_async((1,), countdown=1.0)
    result.revoke()
    return result


CALLS: list[Callable[[], Any]] = [
    *(lambda n=n: add.delay(n, n) for n in range(5)),  # type: ignore[misc]
    *(lambda n=n: retries.delay(n) for n in range(4)),  # type: ignore[misc]
    lambda: add.apply_async((1, 2), countdown=0.2),
    lambda: add.apply_async((1, 2), countdown=0.5, expires=0.1),
    lambda: add.apply_async((1, 2), queue="elsewhere", priority=3),
    lambda: add.apply_async((1,), serializer="msgpack", compression="gzip"),
    lambda: backs_off.delay("key"),
    lambda: fails.delay("no"),
    lambda: fails.apply_async(("no",), link_error=add.si(1, 1)),
    lambda: refuses.delay("reject"),
    lambda: too_slow.delay(True),
    lambda: too_slow.delay(False),
    far_too_slow.delay,
    lambda: replaces.delay(5),
    lambda: given.delay((1, 2), {"a": [None, 1.5]}, text="é"),
    lambda: chain(add.s(1, 2), add.s(3), add.s(4)).delay(),
    lambda: chain(add.s(1, 2), fails.si("in the middle"), add.si(4)).delay(),
    lambda: group(add.s(n, 1) for n in range(4)).delay(),
    lambda: chord([add.s(n, 1) for n in range(4)], total.s()).delay(),
    lambda: chord([add.s(1, 1), fails.s("a part")], total.s()).delay(),
    lambda: chain(group(add.s(n) for n in range(3)), total.s(), add.s(1)).delay(),
    lambda: chord([retries.si(1), backs_off.si("part")], total.s()).delay(),
    lambda: group(chain(add.s(1, 1), add.s(1)), retries.si(2)).delay(),
    lambda: app.send_task("tasks.nobody", (1,)),
    revoked,
]


def outcome_of(result: Any) -> Any:
    """Return how a result ends, and its parents; groups as lists."""
    if hasattr(result, "results"):
        return [outcome_of(each) for each in result.results]
    try:
        result.get(timeout=20)
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        return ["raised", UUID.sub("<id>", text), result.state]
    return [result.state, result.result]


def main() -> None:
    """Print the outcomes of all calls: ``virtual`` or ``real``."""
    if sys.argv[1] == "real":
        outcomes = [outcome_of(result) for result in [call() for call in CALLS]]
    else:
        with testing(app) as t:
            time.sleep = t.clock.sleep
            outcomes = [outcome_of(result) for result in [call() for call in CALLS]]
    print(json.dumps(outcomes))
