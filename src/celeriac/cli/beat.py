"""``celeriac beat``."""

from __future__ import annotations

from typing import Any

import click

from celeriac.cli.context import Command, Context
from celeriac.cli.daemon import detach as go_to_background
from celeriac.cli.daemon import go_on_with, pidfile_of, take_identity
from celeriac.config.sources import from_arguments
from celeriac.config.validate import problems
from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import ImproperlyConfigured

_PIDFILE = "celerybeat.pid"


@click.command(cls=Command)
@click.option("-s", "--schedule", metavar="PATH", help="The schedule's file, where the broker cannot keep schedules (celerybeat-schedule).")
@click.option("-S", "--scheduler", metavar="CLASS", help="Another scheduler: a class's path, or the name of an entry point.")
@click.option("--max-interval", type=float, metavar="SECONDS", help="Look at the schedule at least so often.")
@click.option("-l", "--loglevel", metavar="LEVEL", help="debug, info, warning, error, critical, in any case; warning by default.")
@click.option("-f", "--logfile", metavar="PATH", help="Log to this file.")
@click.option("--pidfile", metavar="PATH", help="Write the process id here; refuse to start when another scheduler holds it.")
@click.option("--metrics", metavar="HOST:PORT", help="Answer Prometheus and health probes there; unix:PATH for a socket in the file system.")
@click.option("-D", "--detach", is_flag=True, help="Go on in the background; a pid file is written, celerybeat.pid by default.")
@click.option("--uid", help="Become this user (name or number) first.")
@click.option("--gid", help="Become this group (name or number) first.")
@click.option("--umask", help="Make files with this umask (octal).")
@click.option("--executable", metavar="PYTHON", help="Run by this Python, which has to have the project's packages.")
@click.argument("settings", nargs=-1)
@click.pass_obj
def beat(context: Context, /, settings: tuple[str, ...], detach: bool, executable: str | None, **given: Any) -> int:
    """Start a scheduler.

    Any number may run, here and in workers (worker -B): one leads, and another takes over when it dies.

    \b
    celeriac -A proj beat -l info
    celeriac -A proj beat -s /var/lib/proj/schedule --pidfile=
    """
    go_on_with(executable)
    app = context.app
    if detach:
        go_on_with(app.conf.beat_executable)
    app.conf.override(from_arguments(settings, namespace="beat"))
    chosen = {name: given[name] or app.conf[f"beat_{name}"] for name in ("logfile", "pidfile", "uid", "gid", "umask")}
    take_identity(*(None if chosen[name] is None else str(chosen[name]) for name in ("uid", "gid", "umask")))
    _tell_problems(context, app)
    made = _make(context, app, given, chosen["logfile"])
    if detach:
        go_to_background(chosen["logfile"])
    with pidfile_of(chosen["pidfile"] or (_PIDFILE if detach else None)):
        return int(made.run())


def _make(context: Context, app: Any, given: dict[str, Any], logfile: str | None) -> Any:
    try:
        return symbol_by_name("celeriac.beat.boot:Beat")(
            app,
            scheduler=given["scheduler"],
            schedule=given["schedule"],
            max_interval=given["max_interval"],
            loglevel=given["loglevel"] or "WARNING",
            logfile=logfile,
            no_color=context.no_color or None,
            quiet=context.quiet,
            metrics=given["metrics"],
        )
    except ImproperlyConfigured as error:
        raise click.UsageError(str(error)) from None


def _tell_problems(context: Context, app: Any) -> None:
    found = problems(app.conf)
    fatal = [str(problem) for problem in found if problem.fatal]
    if fatal:
        raise ImproperlyConfigured("\n".join(fatal))
    for problem in found:
        context.error(f"celeriac: warning: {problem}")
