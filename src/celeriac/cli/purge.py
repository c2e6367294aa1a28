"""``celeriac purge``."""

from __future__ import annotations

import click

from celeriac.cli.context import Command, Context
from celeriac.worker.options import names


@click.command(cls=Command)
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@click.option("-Q", "--queues", default="", metavar="NAMES", help="Only these queues (names with commas).")
@click.option("-X", "--exclude-queues", default="", metavar="NAMES", help="All queues but these (names with commas).")
@click.pass_obj
def purge(context: Context, force: bool, queues: str, exclude_queues: str) -> None:
    """Throw away the messages that wait in the application's queues. There is no way back."""
    app = context.app
    chosen = [queue.name for queue in app.queues.to_consume(names(queues), names(exclude_queues))]
    if not force:
        listed = ", ".join(chosen)
        click.confirm(f"This throws away every message that waits in {listed}. Are you sure?", abort=True, err=True)
    counts = {queue: app.broker.purge(queue) for queue in chosen}
    total = sum(counts.values())
    where = f"{len(chosen)} {'known task ' if total else ''}queue{'' if len(chosen) == 1 else 's'}"
    context.echo(f"Purged {total} message{'' if total == 1 else 's'} from {where}." if total else f"No messages purged from {where}.")
