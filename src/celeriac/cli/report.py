"""``celeriac report``."""

from __future__ import annotations

import click

from celeriac.cli.context import Command, Context
from celeriac.lib.urls import censor


@click.command(cls=Command)
@click.pass_obj
def report(context: Context) -> None:
    """Show versions and settings without passwords, for bug reports."""
    app = context.app
    context.echo(app.bugreport().rstrip())
    context.echo(f"\nin use ->\n  broker_url: {censor(app.broker_url)!r}\n  result_backend: {censor(app.backend_url or 'disabled://')!r}")
