"""``celeriac list``."""

from __future__ import annotations

import click

from celeriac.cli.context import Command, Context


@click.group(name="list")
def listing() -> None:
    """List what there is in the broker."""


@listing.command(cls=Command)
@click.pass_obj
def bindings(context: Context) -> None:
    """List the application's queues, and the exchange and routing key by which messages get into them."""
    rows = [("Queue", "Exchange", "Routing Key"), ("-" * 16,) * 3]
    for queue in context.app.queues.to_consume():
        rows += [(queue.name, binding.exchange.name, binding.routing_key) for binding in queue.all_bindings]
    for row in rows:
        context.echo("  ".join(f"{cell:<28}" for cell in row).rstrip())
