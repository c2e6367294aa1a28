"""The client's side of the workflow measurements, run with the measured system's Python: ``python -m benchmarks.canvas_client APP VERB N``."""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import threading
import time
from typing import Any

REPETITIONS = 3
PATIENCE = 120.0


def chain(canvas: Any, tick: Any, count: int) -> dict[str, Any]:
    """Send a chain and wait for its end, some times; milliseconds of the best."""
    return {"ms": min(_timed(lambda: canvas.chain([tick.si() for _ in range(count)])) for _ in range(REPETITIONS))}


def group(canvas: Any, tick: Any, count: int) -> dict[str, Any]:
    """Send a group and get all its results; milliseconds of the best."""
    return {"ms": min(_timed(lambda: canvas.group([tick.si() for _ in range(count)])) for _ in range(REPETITIONS))}


def chord(canvas: Any, tick: Any, count: int) -> dict[str, Any]:
    """Send a chord and get the result of its body; milliseconds of the best."""
    return {"ms": min(_timed(lambda: canvas.chord([tick.si() for _ in range(count)], tick.si())) for _ in range(REPETITIONS))}


def publish(canvas: Any, tick: Any, count: int) -> dict[str, Any]:
    """Publish a chord; no worker runs. Seconds of the call, megabytes of this process at its peak, commands a header."""
    warm = canvas.chord([tick.si()] * 20, tick.si())
    warm.apply_async()
    _memory_ceiling()
    before = _commands()
    begin = time.perf_counter()
    canvas.chord([tick.si() for _ in range(count)], tick.si()).apply_async()
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "megabytes": _memory_ceiling(), "commands": (_commands() - before) / count}


def stream(canvas: Any, tick: Any, count: int) -> dict[str, Any]:
    """Publish a group from a generator; no worker runs. Megabytes of this process at its peak."""
    begin = time.perf_counter()
    canvas.group(tick.si() for _ in range(count)).apply_async()
    return {"seconds": time.perf_counter() - begin, "megabytes": _memory_ceiling()}


def stream_chord(canvas: Any, tick: Any, count: int) -> dict[str, Any]:
    """Publish a chord whose header is a generator; no worker runs. Megabytes of this process at its peak."""
    begin = time.perf_counter()
    canvas.chord((tick.si() for _ in range(count)), tick.si()).apply_async()
    return {"seconds": time.perf_counter() - begin, "megabytes": _memory_ceiling()}


def commands(canvas: Any, tick: Any, count: int) -> dict[str, Any]:
    """Run a chord; all commands that the server carried out for it a header, those inside scripts among them."""
    canvas.chord([tick.si()] * 20, tick.si()).apply_async().get(timeout=PATIENCE)
    before = _commands()
    canvas.chord([tick.si() for _ in range(count)], tick.si()).apply_async().get(timeout=PATIENCE)
    return {"commands": (_commands() - before) / count}


def nesting(canvas: Any, tick: Any, width: int) -> dict[str, Any]:
    """Send chords six deep, so many headers wide; bytes of the largest message that comes by. A worker runs."""
    longest = [0]
    done = threading.Event()
    _redis()
    watcher = threading.Thread(target=_watch, args=(longest, done), daemon=True)
    watcher.start()
    _nested(canvas, tick, 6, width).apply_async().get(timeout=PATIENCE)
    done.set()
    watcher.join()
    return {"kilobytes": longest[0] / 1000}


def _nested(canvas: Any, tick: Any, depth: int, width: int) -> Any:
    """Return chords in headers, whose bodies are chords of chords too."""
    if depth == 0:
        return tick.si()
    header = [tick.si() if n else _nested(canvas, tick, depth - 1, width) for n in range(width)]
    return canvas.chord(header, _in_bodies(canvas, tick, depth - 1, width))


def _in_bodies(canvas: Any, tick: Any, depth: int, width: int) -> Any:
    return tick.si() if depth == 0 else canvas.chord([tick.si() for _ in range(width)], _in_bodies(canvas, tick, depth - 1, width))


def _watch(longest: list[int], done: threading.Event) -> None:
    """Read what is sent to the server (MONITOR would slow it down too much for anything but sizes)."""
    client = _redis()
    with client.monitor() as monitor:
        monitor.connection._sock.settimeout(0.2)
        while not done.is_set():
            try:
                found = monitor.next_command()
            except TimeoutError:
                continue
            if "LPUSH" in found["command"][:6]:
                longest[0] = max(longest[0], max(len(word) for word in found["command"].split(" ")))


def _timed(make: Any) -> float:
    begin = time.perf_counter()
    make().apply_async().get(timeout=PATIENCE)
    return (time.perf_counter() - begin) * 1000


def _redis() -> Any:
    return importlib.import_module("redis").Redis.from_url(os.environ["CELERIAC_BENCH_BROKER"])


def _commands() -> int:
    return sum(int(found["calls"]) for name, found in _redis().info("commandstats").items() if name not in ("cmdstat_info", "cmdstat_client|setinfo"))


def _memory_ceiling() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


VERBS = {
    "chain": chain, "group": group, "chord": chord, "publish": publish, "stream": stream, "stream_chord": stream_chord, "commands": commands,
    "nesting": nesting,
}  # fmt: skip


def main() -> None:
    name, verb, count = sys.argv[1:]
    module = importlib.import_module(f"benchmarks.apps.{name}")
    canvas = importlib.import_module("celery" if name.startswith("celery_") else "celeriac")
    answer = VERBS[verb](canvas, module.tick, int(count))
    os.write(1, f"{json.dumps(answer)}\n".encode())


if __name__ == "__main__":
    main()
