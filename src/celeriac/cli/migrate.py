"""``celeriac migrate``: what waits on one broker, sent to another."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime
from typing import Any

import click

from celeriac.cli.context import Command, Context
from celeriac.cli.wording import number
from celeriac.contracts.broker import Broker, RemovesDelayed, ShowsDelayed
from celeriac.drivers.registry import open_broker
from celeriac.lib.urls import censor
from celeriac.model.envelope import Delivery, Outgoing, Settlement, Verdict

_BATCH = 100
_EVERYTHING = 1_000_000


@click.command(cls=Command)
@click.argument("source")
@click.argument("destination")
@click.option("-n", "--limit", type=int, metavar="N", help="At most so many messages.")
@click.option("-t", "--timeout", type=float, default=1.0, show_default=True, metavar="SECONDS", help="Wait so long for another message.")
@click.option("-a", "--ack-messages", is_flag=True, help="Take them out of the source; without it they are copied.")
@click.option("-T", "--tasks", metavar="NAMES", help="Only messages of these tasks (names with commas).")
@click.option("-Q", "--queues", metavar="NAMES", help="Only from these queues (names with commas); old:new gives one another name there.")
@click.option("-F", "--forever", is_flag=True, help="Go on until Ctrl+C; needs -a.")
@click.pass_obj
def migrate(context: Context, /, source: str, destination: str, **given: Any) -> int:
    """Send the messages that wait on one broker to another: those that are due, and those that are delayed.

    A message goes to the queue of the same name. Stop the workers of the source first, so that what they hold is back in its queues.

    \b
    celeriac -A proj migrate redis://old amqp://new -a
    celeriac -A proj migrate redis://old redis://new -Q mail:post -T proj.tasks.send
    """
    if given["forever"] and not given["ack_messages"]:
        raise click.UsageError("-F needs -a: a message that stays in the source would be sent again and again")
    taken = open_broker(source, owner=f"migrate{os.getpid()}@migrate")
    given_to = open_broker(destination)
    try:
        moving = Moving(context.app, taken, given_to, given)
        try:
            moving.run()
        except KeyboardInterrupt:
            context.error("Ended by Ctrl+C.")
        finally:
            moving.give_back()
    finally:
        taken.close()
        given_to.close()
    done = "Moved" if given["ack_messages"] else "Copied"
    context.echo(f"{done} {number(moving.count, 'message')} from {censor(source)} to {censor(destination)}.")
    return 0


class Moving:
    """One run: what was taken, and what goes back at the end."""

    def __init__(self, app: Any, source: Broker, destination: Broker, given: dict[str, Any]) -> None:
        self._source, self._destination = source, destination
        self._names = _mapping(given["queues"]) or {queue.name: queue.name for queue in app.queues.to_consume()}
        self._tasks = set(_names(given["tasks"]))
        self._limit = given["limit"] or _EVERYTHING
        self._timeout = given["timeout"]
        self._moves = bool(given["ack_messages"])
        self._forever = bool(given["forever"])
        self._back: list[Delivery] = []
        self.count = 0
        source.declare([app.queues[name] for name in self._names])
        destination.declare([app.queues[name] for name in self._names.values()])

    def run(self) -> None:
        """Send what is due, then what is delayed."""
        while self.count < self._limit:
            taken = self._source.fetch(list(self._names), limit=min(_BATCH, self._limit - self.count), wait=self._timeout)
            if not taken and not self._forever:
                break
            wanted = [each for each in taken if self._wants(each)]
            self._back += [each for each in taken if each not in wanted]
            self._send(wanted, {})
            if self._moves:
                self._source.settle([Settlement(Verdict.ACK, each.tag, each.queue) for each in wanted])
            else:
                self._back += wanted
        self._delayed()

    def give_back(self) -> None:
        """Put back what was looked at only."""
        self._source.settle([Settlement(Verdict.REQUEUE, each.tag, each.queue, untouched=True) for each in self._back])
        self._back = []

    def _delayed(self) -> None:
        if not isinstance(self._source, ShowsDelayed) or self.count >= self._limit:
            return
        held = self._source.delayed(list(self._names), limit=self._limit - self.count)
        wanted = [(due, each) for due, each in held if self._wants(each)]
        self._send([each for _, each in wanted], {id(each): due for due, each in wanted})
        if self._moves and isinstance(self._source, RemovesDelayed):
            self._source.remove_delayed([str(each.envelope.task_id) for _, each in wanted])

    def _wants(self, delivery: Delivery) -> bool:
        return not self._tasks or delivery.envelope.headers.get("task") in self._tasks

    def _send(self, deliveries: Collection[Delivery], due: dict[int, float]) -> None:
        outgoing = [
            Outgoing(each.envelope, self._names.get(each.queue, each.queue), priority=each.priority, due=due.get(id(each), _eta(each)))
            for each in deliveries
        ]
        if outgoing:
            self._destination.publish(outgoing)
        self.count += len(outgoing)


def _eta(delivery: Delivery) -> float | None:
    eta = delivery.envelope.headers.get("eta")
    try:
        return datetime.fromisoformat(eta).timestamp() if eta else None
    except (TypeError, ValueError):
        return None


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _mapping(text: str | None) -> dict[str, str]:
    return {name.partition(":")[0]: name.partition(":")[2] or name for name in _names(text)}
