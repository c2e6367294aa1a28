"""``celeriac check``."""

from __future__ import annotations

import warnings

import click

from celeriac.cli.context import Command, Context
from celeriac.config.problem import Problem
from celeriac.config.validate import problems
from celeriac.contracts.broker import Advises, Leases, ReturnsWhenCut
from celeriac.model.errors import CeleriacError, OperationalError, SettingWarning


@click.command(cls=Command)
@click.pass_obj
def check(context: Context) -> int:
    """Look for mistakes: misspelt settings, wrong values, settings that contradict each other, a broker that cannot be used.

    The exit status is 1 when something keeps the application from working.
    """
    with warnings.catch_warnings():
        # They are all told below.
        warnings.simplefilter("ignore", SettingWarning)
        app = context.app
        found = problems(app.conf)
    if not any(problem.fatal for problem in found):
        app.import_task_modules()
        found += _stores(app)
    for problem in found:
        context.echo(f"{context.style('error', fg='red') if problem.fatal else context.style('warning', fg='yellow')}: {problem}")
    if not found:
        context.echo(f"No problems found: {len(app.tasks)} tasks, broker {type(app.broker).__module__.split('.')[2]}.")
    return 1 if any(problem.fatal for problem in found) else 0


def _stores(app: object) -> list[Problem]:
    """Try to reach the broker and the result store."""
    found = []
    try:
        broker = app.broker  # type: ignore[attr-defined] # an application, which commands know by its public names only
        if not isinstance(broker, (Leases, ReturnsWhenCut)):
            found.append(
                Problem(
                    key="broker_url",
                    text=f"The broker {type(broker).__name__} cannot tell when a worker is dead: what a dead worker held is not run again",
                    remedy="use a broker with leases where that matters",
                )
            )
        if isinstance(broker, Advises):
            found += [Problem(key="broker_url", text=sentence, remedy="") for sentence in broker.advice()]
        app.result_backend  # type: ignore[attr-defined] # noqa: B018 (opened by being asked for)
    except (CeleriacError, OperationalError) as error:
        found.append(Problem(key="broker_url", text=str(error), remedy="", fatal=True))
    return found
