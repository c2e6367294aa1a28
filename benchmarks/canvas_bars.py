"""Workflows on Redis: what is measured beside Celery, and what has to hold."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace

from benchmarks.bars import Bar, Medians
from benchmarks.bench import PATIENCE, Bench, MeasurementFailed, bench, last_answer
from benchmarks.measurements import Figures, Measurement, Row
from benchmarks.stores import REDIS, Ground
from benchmarks.systems import CELERIAC, CELERY, System

WORKFLOWS = replace(REDIS, name="workflows", title="Workflows, on Redis")
REFERENCE = {"CELERIAC_BENCH_PARTS": "reference"}
"""Messages that only our workers have to understand."""
OURS_ONLY = ("canvas.stream", "canvas.stream_chord", "canvas.nesting")
SYSTEMS = [CELERIAC, replace(CELERY, skips=frozenset(OURS_ONLY))]


def _client(table: Bench, verb: str, count: int) -> Figures:
    command = [table.system.python, "-m", "benchmarks.canvas_client", table.system.app, verb, str(count)]
    found = subprocess.run(command, cwd=table.folder, env=table.environment, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
    if found.returncode:
        raise MeasurementFailed(f"{table.system.name} {verb}: {found.stderr[-800:]}")
    return last_answer(found.stdout)


def _with_worker(verb: str, count: int, **variables: str) -> Callable[[System, float, Ground], Figures]:
    def run(system: System, scale: float, ground: Ground) -> Figures:
        with bench(system, {**ground.fresh(), **variables}) as table, table.worker() as worker:
            table.client("send_one", 1)
            table.wait(lambda: table.ticks.count >= 1, worker, "its first task ran")
            return _client(table, verb, count)

    return run


def _alone(verb: str, count: int) -> Callable[[System, float, Ground], Figures]:
    def run(system: System, scale: float, ground: Ground) -> Figures:
        with bench(system, ground.fresh()) as table:
            return _client(table, verb, count)

    return run


def _one(name: str, title: str, unit: str, figure: str, run: Callable[[System, float, Ground], Figures]) -> Measurement:
    return Measurement(f"canvas.{name}", (Row(f"canvas.{name}", title, unit, figure, False),), run, WORKFLOWS)


CANVAS = [
    _one("chain", "chain of 100, to its end", "ms", "ms", _with_worker("chain", 100)),
    _one("group", "group of 10,000, all results", "ms", "ms", _with_worker("group", 10_000)),
    _one("chord", "chord of 1,000, to its end", "ms", "ms", _with_worker("chord", 1_000)),
    Measurement("canvas.publish", (
        Row("canvas.publish", "chord of 10,000, published", "s", "seconds", False),
        Row("canvas.memory", "chord of 10,000, published: client", "MB", "megabytes", False),
    ), _alone("publish", 10_000), WORKFLOWS),
    _one("commands", "chord of 2,000: commands a header", "", "commands", _with_worker("commands", 2_000)),
    _one("stream", "group(generator) of 100,000: client", "MB", "megabytes", _alone("stream", 100_000)),
    _one("stream_chord", "chord(generator) of 100,000: client", "MB", "megabytes", _alone("stream_chord", 100_000)),
    _one("nesting", "chords nested 6 deep, 4 wide: message", "kB", "kilobytes", _with_worker("nesting", 4, **REFERENCE)),
]  # fmt: skip


def _ours(measurement: str) -> Callable[[Medians], float | None]:
    return lambda medians: medians.get((f"canvas.{measurement}", "celeriac"))


def _faster(measurement: str) -> Callable[[Medians], float | None]:
    def ratio(medians: Medians) -> float | None:
        ours, theirs = (medians.get((f"canvas.{measurement}", system)) for system in ("celeriac", "Celery"))
        return theirs / ours if ours and theirs else None

    return ratio


CANVAS_BARS = [
    Bar("chain of 100: at least 8 x Celery", _faster("chain"), lambda x: x >= 8, "x"),
    Bar("group of 10,000: at least 10 x Celery", _faster("group"), lambda x: x >= 10, "x"),
    Bar("chord of 1,000: at least 15 x Celery", _faster("chord"), lambda x: x >= 15, "x"),
    Bar("chord of 10,000: published in under 0.5 s", _ours("publish"), lambda x: x < 0.5, "s"),
    Bar("chord of 10,000: client under 100 MB", _ours("memory"), lambda x: x < 100, "MB"),
    Bar("chord: at most 3 commands a header", _ours("commands"), lambda x: x <= 3),
    Bar("group(generator) of 100,000: client under 100 MB", _ours("stream"), lambda x: x < 100, "MB"),
    Bar("chord(generator) of 100,000: client under 100 MB", _ours("stream_chord"), lambda x: x < 100, "MB"),
    Bar("nesting 6 x 4: largest message under 8 kB", _ours("nesting"), lambda x: x < 8, "kB"),
]
