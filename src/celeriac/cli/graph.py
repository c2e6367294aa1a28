"""``celeriac graph``: workers and their parts as DOT."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from celeriac.cli.context import Command, Context
from celeriac.lib.importing import qualname
from celeriac.lib.urls import censor

_PARTS = (("worker", "supervisor"), ("supervisor", "consumer"), ("supervisor", "executor"), ("consumer", "broker"), ("executor", "tasks"))


@click.group()
def graph() -> None:
    """Draw the running workers, or the parts of a worker, for Graphviz: celeriac -A proj graph workers | dot -Tsvg > workers.svg"""


@graph.command(cls=Command)
@click.option("-t", "--timeout", type=float, default=1.0, metavar="SECONDS", help="Wait so long for replies.")
@click.pass_obj
def workers(context: Context, timeout: float) -> int:
    """The broker, the result store, and the workers that reply, with their queues and size."""
    app = context.app
    inspect = app.control.inspect(timeout=timeout)
    stats, queues = inspect.stats() or {}, inspect.active_queues() or {}
    broker, store = censor(app.broker_url), app.backend_url and censor(app.backend_url)
    lines = [_node(broker, shape="octagon"), *([_node(store, shape="cylinder")] if store else [])]
    for name, told in sorted(stats.items()):
        size = told.get("pool", {}).get("max-concurrency", "?")
        taken = ", ".join(queue["name"] for queue in queues.get(name, ()))
        lines += [_node(name, label=f"{name}\\n{size} side by side\\n{taken}", shape="box"), _arrow(broker, name)]
        lines += [_arrow(name, store)] if store else []
    _print("workers", lines)
    if not stats:
        context.error("No worker replied: is one running, on this broker?")
    return 0


@graph.command(cls=Command)
@click.pass_obj
def bootsteps(context: Context) -> int:
    """The parts of a worker, and the steps that the application adds."""
    lines = [_arrow(above, below) for above, below in _PARTS]
    for kind, steps in context.app.steps.items():
        for step in sorted(steps, key=qualname):
            lines += [_node(qualname(step), shape="box"), _arrow("supervisor" if kind == "worker" else "consumer", qualname(step))]
            lines += [_arrow(qualname(step), _named(needed), style="dashed", label="requires") for needed in _needed(step)]
    _print("bootsteps", lines)
    return 0


def _needed(step: Any) -> Iterable[Any]:
    requires = getattr(step, "requires", ())
    return [requires] if isinstance(requires, (str, type)) else requires


def _named(step: Any) -> str:
    return step.replace(":", ".") if isinstance(step, str) else qualname(step)


def _node(name: str, **look: str) -> str:
    return f"    {_quoted(name)}{_look(look)};"


def _arrow(above: str, below: str, **look: str) -> str:
    return f"    {_quoted(above)} -> {_quoted(below)}{_look(look)};"


def _look(look: dict[str, str]) -> str:
    return f" [{', '.join(f'{name}={_quoted(value)}' for name, value in look.items())}]" if look else ""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def _print(name: str, lines: Iterable[str]) -> None:
    click.echo("\n".join([f"digraph {name} {{", *dict.fromkeys(lines), "}"]))
