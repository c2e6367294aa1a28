"""Measure and print: ``python -m benchmarks.run [--quick] [--repeat N] [--only SYSTEM] [MEASUREMENT ...]``."""

from __future__ import annotations

import platform
import statistics
import sys

import click

from benchmarks.bars import BARS
from benchmarks.bench import MeasurementFailed
from benchmarks.measurements import MEASUREMENTS, PYTHON, Measurement
from benchmarks.systems import System, present

Medians = dict[tuple[str, str], float]


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([m.name for m in MEASUREMENTS]))
@click.option("--quick", is_flag=True, help="A fifth of the size, once: for a look, not for a claim.")
@click.option("--repeat", default=0, help="Repetitions; the median is shown (3, with --quick 1).")
@click.option("--only", multiple=True, help="Measure only this system (celeriac, Celery, huey, bare floor).")
@click.option("--strict", is_flag=True, help="Exit with 1 when a bar does not hold.")
def main(names: tuple[str, ...], quick: bool, repeat: int, only: tuple[str, ...], strict: bool) -> None:
    """Measure celeriac beside its peers and print a table with ratios, then the bars."""
    systems = [system for system in present() if not only or system.name in only]
    chosen = [m for m in MEASUREMENTS if not names or m.name in names]
    click.echo(f"Python {PYTHON}, {platform.platform()}; {'quick' if quick else 'full'} run\n")
    medians: Medians = {}
    failures: list[str] = []
    header = f"{'':48} {'unit':>12} " + "".join(f"{system.name:>34}" for system in systems)
    click.echo(header + "   (in brackets: least and most; then ours against it)")
    for measurement in chosen:
        _measure(measurement, systems, repeat or (1 if quick else 3), 0.2 if quick else 1.0, medians, failures)
    held = _print_bars(medians)
    for failure in failures:
        click.echo(f"\nFAILED {failure}", err=True)
    sys.exit(1 if failures or (strict and not held) else 0)


def _measure(
    measurement: Measurement, systems: list[System], repeat: int, scale: float, medians: Medians, failures: list[str]
) -> None:
    cells = []
    for system in systems:
        if measurement.name in system.skips:
            cells.append("-")
            continue
        try:
            values = [measurement.run(system, scale)[measurement.figure] for _ in range(repeat)]
        except MeasurementFailed as failure:
            failures.append(f"{measurement.name}: {failure}")
            cells.append("failed")
            continue
        medians[measurement.name, system.name] = statistics.median(values)
        cells.append(_cell(measurement, system, values, medians))
    click.echo(f"{measurement.title:48} {measurement.unit:>12} " + "".join(f"{cell:>34}" for cell in cells))


def _cell(measurement: Measurement, system: System, values: list[float], medians: Medians) -> str:
    median = statistics.median(values)
    spread = f" ({_figure(min(values))}-{_figure(max(values))})" if len(values) > 1 else ""
    ours = medians.get((measurement.name, "celeriac"))
    if system.name == "celeriac" or not ours or not median:
        return f"{_figure(median)}{spread}"
    ratio = ours / median if measurement.higher_is_better else median / ours
    return f"{_figure(median)}{spread} {ratio:6.1f}x"


def _figure(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 20 else f"{value:.2f}"


def _print_bars(medians: Medians) -> bool:
    held = True
    click.echo("\nBars")
    for bar in BARS:
        value = bar.value(medians)
        if value is None:
            continue
        good = bar.holds(value)
        held = held and good
        click.echo(f"  {'holds' if good else 'FAILS':6} {bar.text:52} {_figure(value)} {bar.unit}")
    return held


if __name__ == "__main__":
    main()
