"""``celeriac routes``: where a call would go, and why."""

from __future__ import annotations

import difflib
import json
from typing import Any

import click
import msgspec

from celeriac.app.explaining import Explanation, explain
from celeriac.cli.call import Json, Moment
from celeriac.cli.context import Command, Context


@click.command(cls=Command)
@click.argument("name", metavar="TASK")
@click.option("-a", "--args", type=Json(list, "array"), default="[]", help="Positional arguments, a JSON array: routers may look at them.")
@click.option("-k", "--kwargs", type=Json(dict, "object"), default="{}", help="Keyword arguments, a JSON object.")
@click.option("--queue", help="As if the call named this queue.")
@click.option("--exchange", help="As if the call named this exchange.")
@click.option("--routing-key", help="As if the call named this routing key.")
@click.option("--priority", type=int, help="As if the call had this priority.")
@click.option("--headers", type=Json(dict, "object"), help="Headers of the call, a JSON object: for exchanges of type headers.")
@click.option("--eta", type=Moment(), help="As if the call were not due before this time (ISO 8601).")
@click.option("--countdown", type=float, help="As if the call were not due before so many seconds from now.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def routes(context: Context, /, name: str, args: list[Any], kwargs: dict[str, Any], as_json: bool, **options: Any) -> None:
    """Explain where a call of TASK would go, and why. Nothing is sent, no broker is asked."""
    app = context.app
    named = {key: value for key, value in options.items() if value is not None}
    found = explain(app, name, args, kwargs, **named)
    if as_json:
        fields = {field: getattr(found, field) for field in Explanation.__struct_fields__}
        rule = found.rule
        fields["rule"] = None if rule is None else {field: getattr(rule, field) for field in rule.__struct_fields__}
        context.echo(json.dumps(msgspec.to_builtins(fields), default=repr))
        return
    if not found.registered:
        near = difflib.get_close_matches(name, list(app.tasks), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        context.error(f"Note: {name} is not a task of this application, only its workers may know it.{hint}")
    for label, text in _lines(found):
        context.echo(f"{label:<13}{text}")


def _lines(found: Explanation) -> list[tuple[str, str]]:
    rule, sources = found.rule, found.sources
    matched = "no entry matches" if rule is None else f"{rule.text}, in router {rule.number}: {rule.route}"
    exchange = f"{found.exchange} ({found.exchange_type})" if found.exchange else "(the default one)"
    lines = [("task", found.task), ("task_routes", matched)]
    if found.queue is not None:
        lines.append(("queue", f"{found.queue}{_by(sources, 'queue')}"))
    lines.append(("exchange", f"{exchange}{_by(sources, 'exchange')}"))
    lines.append(("routing key", f"{found.routing_key}{_by(sources, 'routing_key')}"))
    lines += [("goes to", f"{queue}: {why}") for queue, why in found.queues.items()]
    if not found.queues:
        lines.append(("goes to", "no queue that these settings know: the call is refused, unless workers have declared one"))
    lines.append(("priority", f"{found.priority}{_by(sources, 'priority')}; {found.priority_note}"))
    lines.append(("kept", "on the server's disk" if found.durable else "in the server's memory only (delivery_mode 1)"))
    if found.delayed is not None:
        lines.append(("delay", found.delayed))
    return lines


def _by(sources: dict[str, str], name: str) -> str:
    return f", from {sources[name]}" if name in sources else ""
