"""``celeriac hand-back``."""

from __future__ import annotations

import click

from celeriac.cli.context import Command, Context
from celeriac.cli.wording import number
from celeriac.contracts.backend import Withdraws
from celeriac.contracts.broker import DeadTo, Departs, Remains
from celeriac.model.errors import UnsupportedPower

_WHERE = {
    DeadTo.QUEUES: "go back into their queues, to be tried again",
    DeadTo.ASIDE: "go into the queues <queue>.dead, from which a worker takes only when told to (-Q)",
    DeadTo.DROP: "are thrown away",
}


@click.command(name="hand-back", cls=Command)
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@click.option(
    "--dead", type=click.Choice([each.value for each in DeadTo]), default=DeadTo.QUEUES.value, show_default=True,
    help="Dead letters: back into their queues, aside into <queue>.dead, or away.",
)  # fmt: skip
@click.pass_obj
def hand_back(context: Context, force: bool, dead: str) -> int:
    """Leave a broker to real Celery: move what only we would find to where its workers look, and remove every key of ours.

    Delayed messages go into their queues with their eta, dead letters where --dead says, what workers held that are gone to the heads of its
    queues. All our workers have to be stopped first. Clients may go on sending.
    """
    app, to = context.app, DeadTo(dead)
    broker, backend = app.broker, app.result_backend
    if not isinstance(broker, Departs):
        raise UnsupportedPower(f"The broker {type(broker).__name__} lacks Departs: real Celery does not share its store, nothing to hand back")
    living = broker.present()
    if living:
        context.error(f"These still run: {', '.join(living)}.")
        context.error("Stop them first; a signal TERM ends a worker warmly. One that was killed counts until its lease ends.")
        return 1
    if not force:
        _announce(context, broker.remains(), to)
        click.confirm("Hand it back?", abort=True, err=True)
    was = broker.depart(to)
    gone = was.keys + (backend.withdraw() if isinstance(backend, Withdraws) else 0)
    told = f"{number(was.delayed, 'delayed message')}, {number(was.dead, 'dead letter')} and {number(was.held, 'message')} of workers that are gone"
    context.echo(f"Handed back {told}; removed {number(gone, 'key')}.")
    return 0


def _announce(context: Context, remains: Remains, to: DeadTo) -> None:
    context.error(f"{number(remains.delayed, 'delayed message')} go into their queues, with their eta.")
    context.error(f"{number(remains.held, 'message')} of workers that are gone go to the heads of their queues.")
    context.error(f"{number(remains.dead, 'dead letter')} {_WHERE[to]}.")
    if remains.unreadable and to is DeadTo.QUEUES:
        context.error(f"{remains.unreadable} of them cannot be read by any worker and go into <queue>.dead.")
    if remains.schedule:
        context.error(f"The schedule with {remains.schedule} entries is forgotten: Celery's beat keeps one of its own.")
