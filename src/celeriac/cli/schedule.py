"""``celeriac schedule``: the entries of the schedule."""

from __future__ import annotations

import json
from typing import Any

import click

from celeriac.cli.context import Command, Context
from celeriac.cli.wording import instant
from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import ImproperlyConfigured

_json = click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")
_name = click.argument("name")


@click.group()
def schedule() -> None:
    """The entries of the schedule: what is sent when. Changes take effect within a second."""


def _open(context: Context) -> Any:
    app = context.app
    app.import_task_modules()
    app.finalize()
    return symbol_by_name("celeriac.beat.admin:Schedule")(app)


def _when(seconds: float | None) -> str:
    return "-" if seconds is None else instant(seconds)


@schedule.command(name="list", cls=Command)
@_json
@click.pass_obj
def list_entries(context: Context, as_json: bool) -> None:
    """List all entries, the next one first."""
    opened = _open(context)
    entries = opened.entries()
    if as_json:
        plain = [{key: getattr(entry, key) for key in entry.__struct_fields__} for entry in entries]
        context.echo(json.dumps({"leader": opened.leader(), "entries": plain}, indent=2))
        return
    rows: list[tuple[str, ...]] = [("NAME", "STATE", "NEXT", "LAST", "RUNS", "SCHEDULE", "TASK", "FROM")]
    for entry in entries:
        following = _when(entry.next_due if entry.state == "on" else None)
        rows.append((entry.name, entry.state, following, _when(entry.last_run), str(entry.runs), entry.schedule, entry.task, entry.source))
    _print_table(context, rows)
    if not entries:
        context.error("There are no entries. Those of the code come into the store when a scheduler starts (see: schedule diff).")
    elif opened.leader() is None:
        context.error("No scheduler runs: start one with  celeriac beat  or  celeriac worker -B")


def _print_table(context: Context, rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        context.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


@schedule.command(name="next", cls=Command)
@click.argument("name", required=False)
@click.option("-n", "--count", default=10, show_default=True, type=click.IntRange(1, 10_000), help="So many.")
@_json
@click.pass_obj
def upcoming(context: Context, name: str | None, count: int, as_json: bool) -> None:
    """List the next slots, of all entries or of one."""
    found = _open(context).upcoming(count, name)
    if as_json:
        context.echo(json.dumps([{"at": slot, "name": entry} for slot, entry in found], indent=2))
        return
    for slot, entry in found:
        context.echo(f"{instant(slot)}  {entry}")


@schedule.command(cls=Command)
@_json
@click.pass_obj
def diff(context: Context, as_json: bool) -> None:
    """Show how the store differs from the code; the scheduler that leads makes them agree."""
    changes = _open(context).difference()
    if as_json:
        context.echo(json.dumps([{"sign": change.sign, "name": change.name, "lines": list(change.lines)} for change in changes], indent=2))
        return
    for change in changes:
        context.echo(str(change))
    if not changes:
        context.error("Code and store agree.")


@schedule.command(cls=Command)
@_name
@click.pass_obj
def run(context: Context, name: str) -> None:
    """Send an entry's task now, beside its schedule; print the call's id."""
    context.echo(_open(context).run(name).id)


@schedule.command(cls=Command)
@_name
@click.pass_obj
def pause(context: Context, name: str) -> None:
    """Let an entry rest until it is resumed."""
    _open(context).pause(name)
    context.echo(f"Paused {name}.")


@schedule.command(cls=Command)
@_name
@click.pass_obj
def resume(context: Context, name: str) -> None:
    """Let an entry run again; what it missed meanwhile is not sent."""
    entry = _open(context).resume(name)
    context.echo(f"Resumed {name}; next: {_when(entry.next_due)}.")


@schedule.command(cls=Command)
@_name
@click.argument("task")
@click.argument("when")
@click.option("-a", "--args", "arguments", metavar="JSON", help="Positional arguments, a JSON list.")
@click.option("-k", "--kwargs", "keywords", metavar="JSON", help="Named arguments, a JSON object.")
@click.option("-o", "--options", metavar="JSON", help="Options of apply_async, a JSON object such as '{\"queue\": \"slow\"}'.")
@click.option("--timezone", metavar="NAME", help="The time zone of a cron string.")
@click.option("--start", metavar="TIME", help="Not before (ISO 8601).")
@click.option("--end", metavar="TIME", help="Not after (ISO 8601).")
@click.option("--jitter", type=float, metavar="SECONDS", help="Delay each run by up to this.")
@click.option("--misfire", type=click.Choice(["skip", "run_once", "run_all"]), help="What becomes of slots that were missed; run_once by default.")
@click.option("--max-lateness", type=float, metavar="SECONDS", help="Drop slots that are later than this.")
@click.option("--one-off", is_flag=True, help="Run once only.")
@click.option("--replace", is_flag=True, help="Put it in the place of one of the same name.")
@click.pass_obj
def add(
    context: Context,
    /,
    name: str,
    task: str,
    when: str,
    arguments: str | None,
    keywords: str | None,
    options: str | None,
    replace: bool,
    **given: Any,
) -> None:
    """Add an entry: a name, a task's name, and seconds or a cron string.

    \b
    celeriac -A proj schedule add cleanup proj.tasks.cleanup 300
    celeriac -A proj schedule add report proj.tasks.report "0 7 * * mon-fri" --timezone Europe/Berlin -a '["daily"]'
    """
    opened = _open(context)
    if task not in context.app.tasks:
        context.error(f"celeriac: warning: this application knows no task {task!r}; a worker that runs it has to")
    parts: tuple[tuple[str, str | None, type], ...] = (("args", arguments, list), ("kwargs", keywords, dict), ("options", options, dict))
    entry = {key: _parsed(f"--{key}", text, kind) for key, text, kind in parts if text is not None}
    entry.update((key, value) for key, value in given.items() if value not in (None, False))
    try:
        made = opened.add(name, task, _seconds_or_cron(when), replace=replace, **entry)
    except ImproperlyConfigured as error:
        raise click.ClickException(str(error)) from None
    context.echo(f"Added {name} ({made.schedule}); next: {_when(made.next_due)}.")


def _parsed(flag: str, text: str, kind: type) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"{flag} {text}: this is no JSON ({error})") from None
    if not isinstance(value, kind):
        raise click.UsageError(f"{flag} {text}: give a JSON {'list' if kind is list else 'object'}")
    return value


def _seconds_or_cron(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


@schedule.command(cls=Command)
@_name
@click.pass_obj
def remove(context: Context, name: str) -> None:
    """Remove an entry that was added at run time."""
    _open(context).remove(name)
    context.echo(f"Removed {name}.")
