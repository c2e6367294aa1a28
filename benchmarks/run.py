"""Measure and print: ``python -m benchmarks.run [--quick] [--repeat N] [--store STORE] [--only SYSTEM] [MEASUREMENT ...]``."""

from __future__ import annotations

import os
import platform
import statistics
import sys

import click

from benchmarks.bars import BARS
from benchmarks.bench import MeasurementFailed
from benchmarks.canvas_bars import CANVAS, CANVAS_BARS, SYSTEMS, WORKFLOWS
from benchmarks.executors import EXECUTOR_BARS, EXECUTORS, MEASURED
from benchmarks.executors import present as executors_present
from benchmarks.measurements import MEASUREMENTS, PYTHON, Figures, Measurement, Row
from benchmarks.stores import STORES, Ground, Store
from benchmarks.systems import System, present

Medians = dict[tuple[str, str], float]
ALL = [*MEASUREMENTS, *CANVAS, *MEASURED]
PLACES = [*STORES, WORKFLOWS, EXECUTORS]


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([m.name for m in ALL]))
@click.option("--store", "stores", multiple=True, type=click.Choice([s.name for s in PLACES]), help="Measure only on this store.")
@click.option("--quick", is_flag=True, help="A fifth of the size, once: for a look, not for a claim.")
@click.option("--repeat", default=0, help="Repetitions; the median is shown (3, with --quick 1).")
@click.option("--only", multiple=True, help="Measure only this system (celeriac, Celery, huey, ...).")
@click.option("--strict", is_flag=True, help="Exit with 1 when a bar does not hold.")
def main(names: tuple[str, ...], stores: tuple[str, ...], quick: bool, repeat: int, only: tuple[str, ...], strict: bool) -> None:
    """Measure celeriac beside its peers and print a table with ratios for each store, then the bars."""
    click.echo(f"Python {PYTHON}, {platform.platform()}; {'quick' if quick else 'full'} run. In brackets: least and most; then ours against it.")
    medians: Medians = {}
    failures: list[str] = []
    for store in PLACES:
        chosen = [m for m in ALL if m.store is store and (not names or m.name in names) and (not stores or store.name in stores)]
        if chosen and (why := store.missing()):
            click.echo(f"\n{store.title}: not measured, {why}")
        elif chosen:
            _table(store, chosen, [s for s in _systems(store) if not only or s.name in only], repeat or (1 if quick else 3), quick, medians, failures)
    held = _print_bars(medians)
    for failure in failures:
        click.echo(f"\nFAILED {failure}", err=True)
    sys.exit(1 if failures or (strict and not held) else 0)


def _systems(store: Store) -> list[System]:
    if store is EXECUTORS:
        return executors_present()
    return [s for s in SYSTEMS if os.path.exists(s.python)] if store is WORKFLOWS else present(store)


def _table(
    store: Store, chosen: list[Measurement], systems: list[System], repeat: int, quick: bool, medians: Medians, failures: list[str]
) -> None:
    click.echo(f"\n{store.title}\n{'':46} {'unit':>12} " + "".join(f"{system.name:>28}" for system in systems))
    for measurement in chosen:
        with store.running() as ground:
            _measure(measurement, systems, repeat, 0.2 if quick else 1.0, ground, medians, failures)


def _measure(
    measurement: Measurement, systems: list[System], repeat: int, scale: float, ground: Ground, medians: Medians, failures: list[str]
) -> None:
    cells: dict[str, list[str]] = {row.name: [] for row in measurement.rows}
    for system in systems:
        figures: list[Figures] = []
        text = "-"
        if measurement.name not in system.skips:
            try:
                figures = [measurement.run(system, scale, ground) for _ in range(repeat)]
            except MeasurementFailed as failure:
                failures.append(f"{measurement.name}: {failure}")
                text = "failed"
        for row in measurement.rows:
            values = [each[row.figure] for each in figures]
            if values:
                medians[row.name, system.name] = statistics.median(values)
            cells[row.name].append(_cell(row, system, values, medians) if values else text)
    for row in measurement.rows:
        click.echo(f"{row.title:46} {row.unit:>12} " + "".join(f"{cell:>28}" for cell in cells[row.name]))


def _cell(row: Row, system: System, values: list[float], medians: Medians) -> str:
    median = statistics.median(values)
    spread = f" ({_figure(min(values))}-{_figure(max(values))})" if len(values) > 1 else ""
    ours = medians.get((row.name, "celeriac"))
    if system.name == "celeriac" or not ours or not median:
        return f"{_figure(median)}{spread}"
    ratio = ours / median if row.higher_is_better else median / ours
    return f"{_figure(median)}{spread} {ratio:4.1f}x"


def _figure(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 20 else f"{value:.2f}"


def _print_bars(medians: Medians) -> bool:
    held = True
    click.echo("\nBars")
    for bar in (*BARS, *CANVAS_BARS, *EXECUTOR_BARS):
        value = bar.value(medians)
        if value is None:
            continue
        good = bar.holds(value)
        held = held and good
        click.echo(f"  {'holds' if good else 'FAILS':6} {bar.text:52} {_figure(value)} {bar.unit}")
    return held


if __name__ == "__main__":
    main()
