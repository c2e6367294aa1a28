"""The client's side of a measurement, run in a process of its own with the measured system's Python.

``python -m benchmarks.client APP VERB N`` prints one JSON object.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import statistics
import sys
import threading
import time
from typing import Any

from benchmarks.ticks import PATH_VARIABLE, Ticks

WARM_UP = 20
SAMPLE = 20
LONGEST = 20.0


def enqueue(app: Any, count: int) -> dict[str, Any]:
    """Send ``count`` single calls; calls a second."""
    for _ in range(WARM_UP):
        app.send()
    begin = time.perf_counter()
    for _ in range(count):
        app.send()
    return {"rate": count / (time.perf_counter() - begin)}


def bulk(app: Any, count: int) -> dict[str, Any]:
    """Send ``count`` calls in one go; calls a second."""
    app.send_many(WARM_UP)
    begin = time.perf_counter()
    app.send_many(count)
    return {"rate": count / (time.perf_counter() - begin)}


def drain(app: Any, count: int) -> dict[str, Any]:
    """Fill the queue, say so, wait for a line that says the worker is done; whether a sample of the results was kept."""
    step = max(1, count // SAMPLE)
    handles = [handle for i in range(count) if (handle := app.send()) and i % step == 0]
    _say({"filled": count})
    sys.stdin.readline()
    return {"kept": sum(app.kept(handle) for handle in handles), "of": len(handles)}


def round_trip(app: Any, count: int) -> dict[str, Any]:
    """One call after the other, each waited for; milliseconds."""
    for _ in range(min(WARM_UP, max(2, count // 10))):
        app.round_trip()
    times: list[float] = []
    end = time.perf_counter() + LONGEST
    while len(times) < count and time.perf_counter() < end:
        begin = time.perf_counter()
        app.round_trip()
        times.append((time.perf_counter() - begin) * 1000)
    times.sort()
    return {"p50": statistics.median(times), "p95": times[int(len(times) * 0.95) - 1], "n": len(times)}


def send_one(app: Any, count: int) -> dict[str, Any]:
    """Put one call into the queue."""
    app.send()
    return {}


def in_process(app: Any, count: int) -> dict[str, Any]:
    """Fill an in-memory queue and drain it by a solo worker in this process; tasks a second."""
    for _ in range(count):
        app.send()
    logfile = os.path.join(os.environ["CELERIAC_BENCH_FOLDER"], "solo.log")
    ticks = Ticks(os.environ[PATH_VARIABLE])
    threading.Thread(target=_stop_when_done, args=(ticks, count), daemon=True).start()
    try:
        app.app.worker_main(["worker", "-P", "solo", "-l", "info", "-f", logfile])
    except SystemExit as end:
        logging.getLogger(__name__).debug("worker ended: %s", end)
    return {"rate": (ticks.count - 1) / (ticks.last - ticks.first)}


def _stop_when_done(ticks: Ticks, count: int) -> None:
    while ticks.count < count:
        time.sleep(0.05)
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGTERM)


def _say(answer: dict[str, Any]) -> None:
    """Print past ``sys.stdout``, which a worker in this process may have redirected to its log."""
    os.write(1, f"{json.dumps(answer)}\n".encode())


VERBS = {"enqueue": enqueue, "bulk": bulk, "drain": drain, "round_trip": round_trip, "send_one": send_one, "in_process": in_process}


def main() -> None:
    name, verb, count = sys.argv[1:]
    answer = VERBS[verb](importlib.import_module(f"benchmarks.apps.{name}"), int(count))
    _say(answer)


if __name__ == "__main__":
    main()
