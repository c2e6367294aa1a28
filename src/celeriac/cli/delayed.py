"""``celeriac delayed`` and ``celeriac queues``: what waits."""

from __future__ import annotations

from typing import Any

import click

from celeriac.cli.context import Command, Context
from celeriac.cli.wording import instant, number, task_of
from celeriac.contracts.broker import RemovesDelayed, ShowsDelayed
from celeriac.model.errors import UnsupportedPower
from celeriac.worker.options import names


@click.group()
def delayed() -> None:
    """The messages that are not due yet: calls with a countdown or an eta, and tries to come."""


def _able(context: Context, power: type, what: str) -> Any:
    broker = context.app.broker
    if not isinstance(broker, power):
        raise UnsupportedPower(f"The broker {type(broker).__name__} lacks {power.__name__}: it cannot {what}")
    return broker


@delayed.command(name="list", cls=Command)
@click.option("-Q", "--queues", default="", metavar="NAMES", help="Only those of these queues (names with commas).")
@click.option("--limit", default=100, show_default=True, help="So many, the next ones first.")
@click.pass_obj
def list_delayed(context: Context, queues: str, limit: int) -> None:
    """List what is delayed, the next first: task id, time, queue and task."""
    chosen = names(queues) or None
    found = _able(context, ShowsDelayed, "list what is delayed").delayed(chosen, limit=limit)
    for due, message in found:
        context.echo(f"{message.envelope.task_id or '?'}  {instant(due)}  {message.queue}  {task_of(message.envelope)}")
    if not found:
        context.error("Nothing is delayed.")


@delayed.command(cls=Command)
@click.argument("ids", nargs=-1, required=True)
@click.pass_obj
def remove(context: Context, ids: tuple[str, ...]) -> int:
    """Throw away the delayed messages of these task ids. There is no way back, and whoever waits for the result waits on."""
    found = _able(context, RemovesDelayed, "remove what is delayed").remove_delayed(frozenset(ids))
    context.echo(f"Removed {number(len(found), 'message')}.")
    missing = [task_id for task_id in ids if task_id not in found]
    if missing:
        context.error(f"Nothing is delayed of {', '.join(missing)}.")
    return 1 if missing else 0


@click.command(cls=Command)
@click.option("-Q", "--queues", "wanted", default="", metavar="NAMES", help="These queues instead of the application's (names with commas).")
@click.pass_obj
def queues(context: Context, wanted: str) -> None:
    """Print for each queue how many messages wait in it; delayed ones included, those in flight not."""
    app = context.app
    chosen = list(names(wanted) or (queue.name for queue in app.queues.to_consume()))
    width = max(map(len, chosen), default=0)
    for queue in chosen:
        context.echo(f"{queue:<{width}}  {app.broker.depth(queue)}")
