"""Options that an application adds to the command line: ``app.user_options["worker"]`` and ``app.user_options["preload"]`` (of every command)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from celeriac.signals import user_preload_options

PRELOAD = "preload"

_FOUND = "celeriac.user_options"
_FLAGS = ("-A", "--app")


def look_for(ctx: click.Context, arguments: Sequence[str]) -> None:
    """Find the options that the application adds to this command; an application that cannot be loaded is the command's own to report."""
    app = _app(ctx.obj, arguments)
    found = {} if app is None else {kind: _checked(app.user_options, kind) for kind in (str(ctx.command.name), PRELOAD)}
    ctx.meta[_FOUND] = (app, found)


def added(ctx: click.Context) -> list[click.Parameter]:
    """Return the options that were found."""
    _, found = ctx.meta.get(_FOUND, (None, {}))
    return [option for options in found.values() for option in options]


def taken(ctx: click.Context) -> dict[str, Any]:
    """Take the values of these options out of a command's parameters and return them; tells who listens to those of ``preload``."""
    app, found = ctx.meta.get(_FOUND, (None, {}))
    values = {kind: {str(option.name): ctx.params.pop(str(option.name), None) for option in options} for kind, options in found.items()}
    if values.get(PRELOAD):
        user_preload_options.send(sender=ctx.command.callback, app=app, options=values[PRELOAD])
    return {name: value for each in values.values() for name, value in each.items()}


def _app(context: Any, arguments: Sequence[str]) -> Any:
    words = iter(arguments)
    for word in words:
        flag, equals, value = word.partition("=")
        if word in _FLAGS:
            context.take({"app": next(words, None)})
        elif flag == "--app" and equals:
            context.take({"app": value})
    if not context.named:
        return None
    try:
        return context.app
    except Exception:
        return None


def _checked(options: Any, kind: str) -> list[click.Parameter]:
    every = sorted(options.get(kind, ()), key=lambda option: str(getattr(option, "name", option)))
    strange = [option for option in every if not isinstance(option, click.Parameter)]
    if strange:
        raise click.UsageError(f"app.user_options[{kind!r}] holds {strange[0]!r}: it takes click.Option objects, as Celery 5 does")
    return every
