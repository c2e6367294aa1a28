"""``celeriac amqp``: queues and exchanges by hand, with the words of AMQP."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from collections.abc import Callable
from pprint import pformat
from typing import Any

import click

from celeriac.cli.context import Command, Context
from celeriac.contracts.broker import Broker, DeletesQueues, Exchanges, Leases
from celeriac.lib.ids import uuid
from celeriac.lib.urls import censor
from celeriac.model.envelope import Delivery, Envelope, Outgoing, Settlement, Verdict
from celeriac.model.errors import CeleriacError, UnsupportedPower
from celeriac.model.topology import Exchange, Queue

_DESK = "celeriac.cli.amqp"


class Desk:
    """One sitting: the broker, and the messages that were taken and not settled; what is left goes back when it is closed."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._broker: Broker | None = None
        self._taken: dict[int, Delivery] = {}

    @property
    def broker(self) -> Broker:
        """The broker, opened when it is first needed."""
        if self._broker is None:
            self._broker = self.context.app.open_broker(owner=f"amqp@{socket.gethostname()}.{os.getpid()}/{uuid()}")
            self.context.error(f"Connected to {censor(self.context.app.broker_url)}.")
        return self._broker

    def queue(self, name: str) -> Queue:
        """Return a queue as the application has it, or a plain one."""
        found: Queue | None = self.context.app.queues.get(name)
        return found or Queue(name)

    def exchanges(self, what: str) -> Exchanges:
        """Return the broker when it has exchanges of its own; ``what`` says what is wanted of it."""
        broker = self.broker
        if not isinstance(broker, Exchanges):
            raise UnsupportedPower(f"{what} needs a broker with exchanges of its own (RabbitMQ); {type(broker).__name__} only knows task_queues")
        return broker

    def take(self, queue: str, *, keep: bool) -> tuple[int, Delivery] | None:
        """Take a message; unless it is to be kept for a verdict it is done with."""
        found = self.broker.fetch([queue], limit=1, wait=0)
        if not found:
            return None
        if keep:
            number = max(self._taken, default=0) + 1
            self._taken[number] = found[0]
            return number, found[0]
        self.broker.settle([Settlement(Verdict.ACK, found[0].tag, queue)])
        return 0, found[0]

    def acknowledge(self, number: int) -> None:
        """A message that was taken is done with."""
        delivery = self._taken.pop(number, None)
        if delivery is None:
            raise click.ClickException(f"No message with the tag {number} was taken in this sitting: basic.get comes first (celeriac amqp repl)")
        self.broker.settle([Settlement(Verdict.ACK, delivery.tag, delivery.queue)])

    def close(self) -> None:
        """Put back what was taken, and let go."""
        broker = self._broker
        if broker is None:
            return
        broker.settle([Settlement(Verdict.REQUEUE, one.tag, one.queue, untouched=True) for one in self._taken.values()])
        if isinstance(broker, Leases):
            broker.release()
        broker.close()


@click.group()
@click.pass_context
def amqp(ctx: click.Context) -> None:
    """Look after queues and exchanges by hand, with the words of AMQP.

    On RabbitMQ all of it; on other brokers what concerns queues and single messages.
    """
    if _DESK not in ctx.meta:
        desk = ctx.meta[_DESK] = Desk(ctx.obj)
        ctx.call_on_close(desk.close)


def _desk(function: Callable[..., None]) -> Callable[..., None]:
    def run(ctx: click.Context, /, **given: Any) -> None:
        function(ctx.meta[_DESK], **given)

    run.__doc__, run.__name__ = function.__doc__, function.__name__
    return click.pass_context(run)


def _flag(name: str, default: bool = False) -> Callable[..., Any]:
    return click.argument(name, type=bool, default=default, required=False)


@amqp.command(name="exchange.declare", cls=Command)
@click.argument("exchange")
@click.argument("type")
@_flag("passive")
@_flag("durable", True)
@_flag("auto_delete")
@_desk
def exchange_declare(desk: Desk, *, exchange: str, type: str, passive: bool, durable: bool, auto_delete: bool) -> None:
    """Make an exchange, or (passive) see whether there is one of this name."""
    desk.exchanges("exchange.declare").declare_exchange(Exchange(exchange, type, durable, auto_delete), passive=passive)
    desk.context.echo("OK")


@amqp.command(name="exchange.delete", cls=Command)
@click.argument("exchange")
@_flag("if_unused")
@_desk
def exchange_delete(desk: Desk, *, exchange: str, if_unused: bool) -> None:
    """Remove an exchange with its bindings."""
    desk.exchanges("exchange.delete").delete_exchange(exchange, if_unused=if_unused)
    desk.context.echo("OK")


@amqp.command(name="queue.bind", cls=Command)
@click.argument("queue")
@click.argument("exchange")
@click.argument("routing_key")
@_desk
def queue_bind(desk: Desk, *, queue: str, exchange: str, routing_key: str) -> None:
    """Let an exchange hand messages to a queue."""
    desk.exchanges("queue.bind").bind(queue, exchange, routing_key)
    desk.context.echo("OK")


@amqp.command(name="queue.declare", cls=Command)
@click.argument("queue")
@_flag("passive")
@_flag("durable", True)
@_flag("auto_delete")
@_desk
def queue_declare(desk: Desk, *, queue: str, passive: bool, durable: bool, auto_delete: bool) -> None:
    """Make a queue (as the application has it, if it has), or see whether there is one; say how full it is."""
    broker = desk.broker
    if not passive:
        known = desk.context.app.queues.get(queue)
        broker.declare([known or Queue(queue, durable=durable, auto_delete=auto_delete)])
    if isinstance(broker, Exchanges):
        found = broker.measure(queue)
        if found is None:
            raise click.ClickException(f"There is no queue {queue!r}")
        desk.context.echo(f"queue:{queue} messages:{found[0]} consumers:{found[1]}")
    else:
        desk.context.echo(f"queue:{queue} messages:{broker.depth(queue)}")
    desk.context.echo("OK")


@amqp.command(name="queue.delete", cls=Command)
@click.argument("queue")
@_flag("if_unused")
@_flag("if_empty")
@_desk
def queue_delete(desk: Desk, *, queue: str, if_unused: bool, if_empty: bool) -> None:
    """Remove a queue with its bindings and all that waits in it. There is no way back."""
    broker = desk.broker
    if not isinstance(broker, DeletesQueues):
        raise UnsupportedPower(f"The broker {type(broker).__name__} cannot remove queues; queue.purge empties one")
    if if_empty and (waiting := broker.depth(queue)):
        raise click.ClickException(f"{waiting} messages wait in the queue {queue!r}")
    if if_unused:
        found = desk.exchanges("if_unused").measure(queue)
        if found is not None and found[1]:
            raise click.ClickException(f"The queue {queue!r} has {found[1]} consumers")
    desk.context.echo(f"{broker.delete(desk.queue(queue))} messages deleted.\nOK")


@amqp.command(name="queue.purge", cls=Command)
@click.argument("queue")
@_desk
def queue_purge(desk: Desk, *, queue: str) -> None:
    """Throw away what waits in a queue. There is no way back."""
    desk.context.echo(f"{desk.broker.purge(queue)} messages deleted.\nOK")


@amqp.command(name="basic.get", cls=Command)
@click.argument("queue")
@_flag("no_ack")
@_desk
def basic_get(desk: Desk, *, queue: str, no_ack: bool) -> None:
    """Take the next message and show it; it goes back in the end unless it was acknowledged, or is not to be (no_ack)."""
    found = desk.take(queue, keep=not no_ack)
    if found is None:
        desk.context.echo("The queue is empty.")
        return
    number, delivery = found
    envelope = delivery.envelope
    where = {"exchange": delivery.exchange, "routing_key": delivery.routing_key, "redelivered": delivery.redelivered, "delivery_tag": number}
    kinds = {"content_type": envelope.content_type, "content_encoding": envelope.content_encoding}
    shown = {"body": envelope.body.decode(errors="backslashreplace"), "delivery_info": where}
    desk.context.echo(pformat({**shown, "properties": {**envelope.properties, **kinds, "headers": envelope.headers}}, sort_dicts=False))


@amqp.command(name="basic.publish", cls=Command)
@click.argument("msg")
@click.argument("exchange")
@click.argument("routing_key")
@_flag("mandatory")
@_flag("immediate")
@_desk
def basic_publish(desk: Desk, *, msg: str, exchange: str, routing_key: str, mandatory: bool, immediate: bool) -> None:
    """Send a text, to an exchange, or with an empty one ("") to a queue by its name. It is always an error when no queue takes it."""
    if immediate:
        raise click.UsageError("immediate: RabbitMQ has not known it since version 3.0, other brokers never did")
    desk.broker.publish([Outgoing(Envelope({}, msg.encode(), "text/plain"), routing_key, exchange)])
    desk.context.echo("OK")


@amqp.command(name="basic.ack", cls=Command)
@click.argument("delivery_tag", type=int)
@_desk
def basic_ack(desk: Desk, *, delivery_tag: int) -> None:
    """Acknowledge a message that basic.get took in the same sitting (repl)."""
    desk.acknowledge(delivery_tag)
    desk.context.echo("OK")


@amqp.command(cls=Command)
@click.pass_context
def repl(ctx: click.Context) -> None:
    """Read commands from the terminal, line by line, until the end of input: what was taken goes back then."""
    desk: Desk = ctx.meta[_DESK]
    group = ctx.command if ctx.parent is None else ctx.parent.command
    while True:
        click.echo("amqp> ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line or line.strip() in ("exit", "quit"):
            return
        try:
            words = shlex.split(line)
            if words:
                with group.make_context("amqp", words, parent=ctx) as sub:
                    group.invoke(sub)
        except click.exceptions.Exit:
            continue
        except click.ClickException as error:
            error.show()
        except (CeleriacError, ValueError) as error:
            desk.context.error(f"Error: {error}")
