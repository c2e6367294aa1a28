"""``celeriac dead``: the messages that were set aside."""

from __future__ import annotations

from typing import Any

import click

from celeriac.cli.context import Command, Context
from celeriac.cli.wording import instant, number, task_of
from celeriac.contracts.broker import DeadLetters
from celeriac.lib.saferepr import saferepr

_ALL = 1_000_000


@click.group()
def dead() -> None:
    """The dead letters: messages that nobody could run (unknown task, malformed, rejected), kept with the reason."""


def _letters(context: Context) -> Any:
    broker = context.app.broker
    if not isinstance(broker, DeadLetters):
        raise click.ClickException(f"The broker {type(broker).__name__} keeps no dead letters")
    return broker


def _chosen(context: Context, keys: tuple[str, ...], everything: bool, queue: str | None) -> list[str]:
    """Return the keys of the letters that were named by key or by the id of their task, or all."""
    if bool(keys) == everything:
        raise click.UsageError("Name dead letters by their key or task id (see: dead list), or give --all")
    found = _letters(context).dead(queue, limit=_ALL)
    if everything:
        return [letter.key for letter in found]
    by_name = {letter.key: letter.key for letter in found} | {str(letter.envelope.headers.get("id")): letter.key for letter in found}
    unknown = [key for key in keys if key not in by_name]
    if unknown:
        raise click.ClickException(f"There is no dead letter {', '.join(unknown)}")
    return [by_name[key] for key in keys]


_queue = click.option("-Q", "--queue", help="Only those of this queue.")
_everything = click.option("--all", "everything", is_flag=True, help="All of them.")
_keys = click.argument("keys", nargs=-1)


@dead.command(name="list", cls=Command)
@_queue
@click.option("--limit", default=100, show_default=True, help="So many, the newest first.")
@click.pass_obj
def list_letters(context: Context, queue: str | None, limit: int) -> None:
    """List dead letters, the newest first: key, time, queue, task and reason."""
    found = _letters(context).dead(queue, limit=limit)
    for letter in found:
        reason = letter.reason.partition("\n")[0]
        context.echo(f"{letter.key}  {instant(letter.died)}  {letter.queue}  {task_of(letter.envelope)}  {reason}")
    if not found:
        context.error("There are no dead letters.")


@dead.command(cls=Command)
@_keys
@click.pass_obj
def show(context: Context, keys: tuple[str, ...]) -> None:
    """Show dead letters whole."""
    chosen = set(_chosen(context, keys, False, None))
    for letter in _letters(context).dead(None, limit=_ALL):
        if letter.key in chosen:
            envelope = letter.envelope
            context.echo(f"key: {letter.key}\ndied: {instant(letter.died)}\nqueue: {letter.queue}\ntask: {task_of(envelope)}")
            context.echo(f"reason: {letter.reason}")
            context.echo("headers:")
            for name, value in envelope.headers.items():
                context.echo(f"  {name}: {value!r}")
            context.echo(f"body ({envelope.content_type}, {len(envelope.body)} bytes): {saferepr(envelope.body, 4096)}\n")


@dead.command(cls=Command)
@_keys
@_everything
@_queue
@click.pass_obj
def replay(context: Context, keys: tuple[str, ...], everything: bool, queue: str | None) -> None:
    """Put dead letters, named by key or task id, back into their queues."""
    chosen = _chosen(context, keys, everything, queue)
    count = _letters(context).replay(chosen) if chosen else 0
    context.echo(f"Put back {number(count, 'message')}.")


@dead.command(name="purge", cls=Command)
@_keys
@_everything
@_queue
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@click.pass_obj
def forget(context: Context, keys: tuple[str, ...], everything: bool, queue: str | None, force: bool) -> None:
    """Forget dead letters, named by key or task id. There is no way back."""
    chosen = _chosen(context, keys, everything, queue)
    if chosen and not force:
        click.confirm(f"This forgets {len(chosen)} dead letters. Are you sure?", abort=True, err=True)
    count = _letters(context).bury(chosen) if chosen else 0
    context.echo(f"Forgot {number(count, 'message')}.")
