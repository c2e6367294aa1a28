"""Workflows on Redis: what is measured beside Celery, and what has to hold."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

from benchmarks.bars import Bar, ours, times
from benchmarks.bench import PATIENCE, Bench, MeasurementFailed, bench, last_answer
from benchmarks.measurements import Figures, Measurement, Row
from benchmarks.stores import REDIS, Ground
from benchmarks.systems import System

SYSTEMS = frozenset({"celeriac", "Celery"})
REFERENCE = {"CELERIAC_BENCH_PARTS": "reference"}
"""Messages that only our workers have to understand."""


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


def _row(name: str, title: str, unit: str, figure: str) -> Row:
    return Row(f"canvas.{name}", title, unit, figure, False)


def _one(name: str, title: str, unit: str, figure: str, run: Callable[[System, float, Ground], Figures], systems: frozenset[str]) -> Measurement:
    return Measurement(f"canvas.{name}", (_row(name, title, unit, figure),), run, REDIS, systems)


OURS = frozenset({"celeriac"})
CANVAS = [
    _one("chain", "chain of 100, to its end", "ms", "ms", _with_worker("chain", 100), SYSTEMS),
    _one("group", "group of 10,000, all results", "ms", "ms", _with_worker("group", 10_000), SYSTEMS),
    _one("chord", "chord of 1,000, to its end", "ms", "ms", _with_worker("chord", 1_000), SYSTEMS),
    Measurement("canvas.publish", (
        _row("publish", "chord of 10,000, published", "s", "seconds"),
        _row("publish.memory", "chord of 10,000, published: client", "MB", "megabytes"),
    ), _alone("publish", 10_000), REDIS, SYSTEMS),
    _one("commands", "chord of 10,000: commands a header", "", "commands", _with_worker("commands", 10_000), SYSTEMS),
    _one("stream", "group(generator) of 100,000: client", "MB", "megabytes", _alone("stream", 100_000), OURS),
    _one("stream_chord", "chord(generator) of 100,000: client", "MB", "megabytes", _alone("stream_chord", 100_000), OURS),
    _one("nesting", "chords nested 6 deep, 4 wide: message", "kB", "kilobytes", _with_worker("nesting", 4, **REFERENCE), OURS),
]

CANVAS_BARS = [
    Bar("chain of 100: at least 8 x Celery", times("canvas.chain", "Celery", lower=True), lambda x: x >= 8, "x"),
    Bar("group of 10,000: at least 10 x Celery", times("canvas.group", "Celery", lower=True), lambda x: x >= 10, "x"),
    Bar("chord of 1,000: at least 15 x Celery", times("canvas.chord", "Celery", lower=True), lambda x: x >= 15, "x"),
    Bar("chord of 10,000: published in under 0.5 s", ours("canvas.publish"), lambda x: x < 0.5, "s"),
    Bar("chord of 10,000: client under 100 MB", ours("canvas.publish.memory"), lambda x: x < 100, "MB"),
    Bar("chord of 10,000: at most 3 commands a header", ours("canvas.commands"), lambda x: x <= 3, ""),
    Bar("group(generator) of 100,000: client under 100 MB", ours("canvas.stream"), lambda x: x < 100, "MB"),
    Bar("chord(generator) of 100,000: client under 100 MB", ours("canvas.stream_chord"), lambda x: x < 100, "MB"),
    Bar("nesting 6 x 4: largest message under 8 kB", ours("canvas.nesting"), lambda x: x < 8, "kB"),
]
