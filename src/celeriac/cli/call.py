"""``celeriac call``."""

from __future__ import annotations

import difflib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from celeriac.cli.context import Command, Context

if TYPE_CHECKING:
    Parsed = click.ParamType[Any]
else:
    # Not subscriptable before click 8.4.
    Parsed = click.ParamType


class Json(Parsed):
    """JSON of one kind: an array or an object."""

    def __init__(self, kind: type, word: str) -> None:
        self.kind = kind
        self.name = f"json {word}"
        self._word = word

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, self.kind):
            return value
        try:
            found = json.loads(value)
        except ValueError as error:
            self.fail(f"{value!r} is not JSON: {error}", param, ctx)
        if not isinstance(found, self.kind):
            self.fail(f"{value!r} is not a JSON {self._word}", param, ctx)
        return found


class Moment(Parsed):
    """A time in ISO 8601, or with ``numbers`` also seconds from now."""

    name = "iso-8601"

    def __init__(self, *, numbers: bool = False) -> None:
        self._numbers = numbers

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        if self._numbers:
            try:
                return float(value)
            except ValueError:
                pass
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2030-01-31T12:00:00+00:00{' or a number of seconds' * self._numbers}", param, ctx)


@click.command(cls=Command)
@click.argument("name")
@click.option("-a", "--args", type=Json(list, "array"), default="[]", help="Positional arguments, a JSON array.")
@click.option("-k", "--kwargs", type=Json(dict, "object"), default="{}", help="Keyword arguments, a JSON object.")
@click.option("--eta", type=Moment(), help="Not before this time (ISO 8601).")
@click.option("--countdown", type=float, help="Not before so many seconds from now.")
@click.option("--expires", type=Moment(numbers=True), help="Not after this time (ISO 8601), or so many seconds from now.")
@click.option("--serializer", help="The serializer of the arguments.")
@click.option("--queue", help="The queue to send to.")
@click.option("--exchange", help="The exchange to send to.")
@click.option("--routing-key", help="The routing key to send with.")
@click.pass_obj
def call(context: Context, /, name: str, args: list[Any], kwargs: dict[str, Any], **options: Any) -> None:
    """Call the task NAME and print the id of the call."""
    app = context.app
    task = app.tasks.get(name)
    named = {key: value for key, value in options.items() if value is not None}
    if task is None:
        near = difflib.get_close_matches(name, list(app.tasks), n=1)
        if near:
            context.error(f"Note: {name} is not a task of this application, only its workers may know it. Did you mean {near[0]}?")
        result = app.send_task(name, args, kwargs, **named)
    else:
        try:
            result = task.apply_async(args, kwargs, **named)
        except TypeError as error:
            raise click.ClickException(f"{name}: {error}") from None
    context.echo(result.id)
