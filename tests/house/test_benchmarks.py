"""The benchmarks' own instruments measure what they say."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmarks.bars import BARS
from benchmarks.bench import last_answer
from benchmarks.executors import EXECUTOR_BARS, MEASURED
from benchmarks.measurements import MEASUREMENTS
from benchmarks.stores import STORES
from benchmarks.systems import present
from benchmarks.ticks import Ticks


def test_ticks_are_counted_over_processes_that_were_forked(tmp_path: Path) -> None:
    ticks = Ticks(str(tmp_path / "ticks"))
    tick = ticks.ticker()
    begin = time.monotonic()
    tick()

    for _ in range(2):
        child = os.fork()
        if not child:
            for _ in range(10):
                tick()
            os._exit(0)
        os.waitpid(child, 0)

    assert 21 == ticks.count
    assert begin <= ticks.first <= ticks.last <= time.monotonic()


def test_the_answer_of_a_client_is_the_last_json_line() -> None:
    assert {"rate": 2.0} == last_answer('{"filled": 1}\nworker: Warm shutdown\n{"rate": 2.0}\n')


def test_every_bar_is_decided_by_something_that_is_measured() -> None:
    systems = ("celeriac", "Celery", "huey", "dramatiq", "bare confirms")
    measured, bars = (*MEASUREMENTS, *MEASURED), (*BARS, *EXECUTOR_BARS)
    medians = {(row.name, system): 1.0 for measurement in measured for row in measurement.rows for system in systems}

    assert [] == [bar.text for bar in bars if bar.value(medians) is None]
    assert [] == [bar.text for bar in bars if bar.value({}) is not None]


def test_every_system_has_its_module_of_one_shape() -> None:
    for system in [system for store in STORES for system in present(store)]:
        text = (Path(__file__).parents[2] / "benchmarks" / "apps" / f"{system.app}.py").read_text()
        assert all(f"def {name}(" in text for name in ("tick", "send", "round_trip", "kept"))
