"""``celeriac worker``."""

from __future__ import annotations

import os
import warnings
from typing import Any

import click

from celeriac.cli import reloading
from celeriac.cli.context import Command, Context
from celeriac.cli.daemon import detach as go_to_background
from celeriac.cli.daemon import go_on_with, pidfile_of, refuse_if_held, take_identity
from celeriac.config.problem import Problem
from celeriac.config.sources import from_arguments
from celeriac.config.validate import problems
from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import ImproperlyConfigured, SettingWarning
from celeriac.worker.machine import START_METHODS
from celeriac.worker.options import WorkerOptions, logfile_for, resolve

_PIDFILE = "%n.pid"
_SECTIONS = {
    "Queues": ("queues", "exclude_queues", "prefetch_multiplier", "disable_prefetch", "purge"),
    "Executor and limits": (
        *("concurrency", "pool", "autoscale", "start_method", "time_limit", "soft_time_limit", "max_tasks_per_child", "max_memory_per_child"),
        "optimization",
    ),
    "Scheduler": ("beat", "schedule_filename", "scheduler"),
    "Events": ("task_events", "without_heartbeat", "heartbeat_interval", "without_gossip", "without_mingle"),
    "Log and service": ("loglevel", "logfile", "json_logs", "pidfile", "detach", "uid", "gid", "umask", "executable"),
}


@click.command(cls=Command, sections=_SECTIONS)
@click.option("-n", "--hostname", metavar="NAME", help="The node name; %h is the host name, %n its first part, %d its domain.")
@click.option("-l", "--loglevel", metavar="LEVEL", help="debug, info, warning, error, critical, in any case; warning by default.")
@click.option("-c", "--concurrency", metavar="N", help="So many tasks side by side; 'auto', the default, is one for each CPU.")
@click.option("-P", "--pool", metavar="NAME", help="The executor: prefork (default), solo, threads, asyncio, gevent, eventlet, or a class's path.")
@click.option("--autoscale", metavar="MAX,MIN", help="As many task processes as the load asks for, within these bounds.")
@click.option("-Q", "--queues", metavar="NAMES", help="Only from these queues (names with commas).")
@click.option("-X", "--exclude-queues", metavar="NAMES", help="Not from these queues (names with commas).")
@click.option("-I", "--include", metavar="MODULES", help="Import these modules too (names with commas).")
@click.option("-E", "--task-events", "--events", is_flag=True, default=None, help="Send events of tasks, for monitors (celeriac events, Flower).")
@click.option("-O", "--optimization", type=click.Choice(["default", "fair"]), help="Accepted for Celery's sake: it is always fair.")
@click.option("--time-limit", type=float, metavar="SECONDS", help="Kill a task that runs longer.")
@click.option("--soft-time-limit", type=float, metavar="SECONDS", help="Raise SoftTimeLimitExceeded in a task that runs longer.")
@click.option("--max-tasks-per-child", type=int, metavar="N", help="Replace a task process after so many tasks.")
@click.option("--max-memory-per-child", type=int, metavar="KIB", help="Replace a task process that has grown larger, after its task.")
@click.option("--prefetch-multiplier", type=int, metavar="N", help="Hold at most so many messages for each place, running ones included.")
@click.option("--disable-prefetch", is_flag=True, default=None, help="Hold nothing but what runs.")
@click.option("--pool-start-method", "start_method", type=click.Choice(START_METHODS), help="How task processes begin: fork (default), or afresh.")
@click.option("--purge", "--discard", is_flag=True, default=None, help="Throw away what waits in the queues first.")
@click.option("-f", "--logfile", metavar="PATH", help="Log to this file; %n is the node's name, %i and %I make a file for each process.")
@click.option("--json-logs", is_flag=True, help="Log JSON objects, one a line (setting worker_log_format = 'json').")
@click.option("--pidfile", metavar="PATH", help="Write the process id here; refuse to start when another worker holds it.")
@click.option("--uid", help="Become this user (name or number) first.")
@click.option("--gid", help="Become this group (name or number) first.")
@click.option("--umask", help="Make files with this umask (octal).")
@click.option("-S", "--statedb", metavar="PATH", help="Keep revoked tasks here between restarts.")
@click.option("--without-gossip", is_flag=True, default=None, help="Accepted for Celery's sake: workers never gossip, leases tell who lives.")
@click.option("--without-mingle", is_flag=True, default=None, help="Do not ask other workers at the start what is revoked (where no store keeps it).")
@click.option("--without-heartbeat", is_flag=True, default=None, help="Send no heartbeats: monitors do not see this worker.")
@click.option("--heartbeat-interval", type=float, metavar="SECONDS", help="Between two heartbeats while a monitor listens; 2 by default.")
@click.option("--metrics", metavar="HOST:PORT", help="Answer Prometheus and health probes there; unix:PATH for a socket in the file system.")
@click.option("--reload", is_flag=True, default=None, help="For development: start again when a Python file below this folder changes.")
@click.option("-D", "--detach", is_flag=True, default=None, help="Go on in the background; a pid file is written, %n.pid by default.")
@click.option("-B", "--beat", is_flag=True, default=None, help="Run a scheduler too; of all schedulers of an application one leads.")
@click.option("-s", "--schedule-filename", "--schedule", metavar="PATH", help="The scheduler's file, where the broker cannot keep schedules.")
@click.option("--scheduler", metavar="CLASS", help="Another scheduler: a class's path, or the name of an entry point.")
@click.option("--executable", metavar="PYTHON", help="Run by this Python, which has to have the project's packages.")
@click.argument("settings", nargs=-1)
@click.pass_obj
def worker(
    context: Context, /, settings: tuple[str, ...], uid: str | None, gid: str | None, umask: str | None, json_logs: bool, detach: bool | None,
    executable: str | None, **given: Any,
) -> int:  # fmt: skip
    """Start a worker.

    \b
    celeriac -A proj worker -l info
    celeriac -A proj worker -l info -Q high,low -c 4 -n w1@%h
    celeriac -A proj worker worker.packet_time=0.002     any setting
    """
    go_on_with(executable)
    if reloading.wanted(given):
        return reloading.Reloader(os.getcwd(), lambda text: context.error(f"celeriac: {text}")).run()
    take_identity(uid, gid, umask)
    app = _checked_app(context, settings)
    if detach:
        go_on_with(executable or app.conf.worker_executable)
    if json_logs:
        app.conf.override({"worker_log_format": "json"})
    options = _options(context, app, given)
    if options.purge:
        _purge(context, app, options)
    pidfile = options.pidfile or (_PIDFILE if detach else None)
    path = None if pidfile is None else logfile_for(pidfile, options.hostname)
    if detach and path:
        refuse_if_held(path)
        go_to_background(None if options.logfile is None else logfile_for(options.logfile, options.hostname))
    with pidfile_of(path):
        status = symbol_by_name("celeriac.worker.boot:run")(app, options)
    return int(status or 0)


def _purge(context: Context, app: Any, options: WorkerOptions) -> None:
    # By a broker of its own: the worker forks, and no connection may be open then.
    broker = app.open_broker()
    try:
        count = sum(broker.purge(queue.name) for queue in app.queues.to_consume(options.queues, options.exclude_queues))
    finally:
        broker.close()
    context.error(f"celeriac: purged {count} message{'' if count == 1 else 's'}")


def _options(context: Context, app: Any, given: dict[str, Any]) -> WorkerOptions:
    try:
        return resolve(app.conf, **given, user_options=context.user_options, quiet=context.quiet or None, colour=False if context.no_color else None)
    except ImproperlyConfigured as error:
        raise click.UsageError(str(error)) from None


def _checked_app(context: Context, settings: tuple[str, ...]) -> Any:
    """Return the application with the settings of the command line; name what is wrong before anything starts, what is fatal ends it here."""
    with warnings.catch_warnings():
        # They are all told below, the same way as contradictions.
        warnings.simplefilter("ignore", SettingWarning)
        app = context.app
        app.conf.override(from_arguments(settings, namespace="worker"))
        found: list[Problem] = problems(app.conf)
    fatal = [str(problem) for problem in found if problem.fatal]
    if fatal:
        raise ImproperlyConfigured("\n".join(fatal))
    for problem in found:
        context.error(f"celeriac: warning: {problem}")
    return app
