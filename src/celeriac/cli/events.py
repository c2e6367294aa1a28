"""``celeriac events``: what workers and tasks do, on a full screen, as lines of text or for a camera."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Any

import click

from celeriac.cli.context import Command, Context
from celeriac.cli.daemon import pidfile_of, take_identity
from celeriac.events.dumper import evdump
from celeriac.events.snapshot import Polaroid, evcam
from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import MissingExtra, OperationalError
from celeriac.worker.options import level

_AGAIN = 1.0


@click.command(cls=Command)
@click.option("--as-is", is_flag=True, help="Do not turn the events of tasks on (the monitor does, and off again when you leave it).")
@click.option("-d", "--dump", is_flag=True, help="Print every event as a line.")
@click.option("-c", "--camera", metavar="CLASS", help="Let this camera (package.module.Class) take pictures.")
@click.option("-F", "--frequency", "--freq", type=float, default=1.0, metavar="SECONDS", help="Between two pictures; 1 by default.")
@click.option("-r", "--maxrate", metavar="RATE", help="At most so many pictures, such as 10/m.")
@click.option("-l", "--loglevel", metavar="LEVEL", default="INFO", help="Of a camera's log: debug, info, warning, error, critical.")
@click.option("-f", "--logfile", metavar="PATH", help="Log to this file instead of stderr.")
@click.option("--pidfile", metavar="PATH", help="Write the process id here; refuse to start when another holds it.")
@click.option("--uid", help="Become this user (name or number) first.")
@click.option("--gid", help="Become this group (name or number) first.")
@click.option("--umask", help="Make files with this umask (octal).")
@click.option("-D", "--detach", is_flag=True, hidden=True)
@click.option("--executable", hidden=True)
@click.pass_obj
def events(
    context: Context, as_is: bool, dump: bool, camera: str | None, frequency: float, maxrate: str | None, loglevel: str, logfile: str | None,
    pidfile: str | None, uid: str | None, gid: str | None, umask: str | None, detach: bool, executable: str | None,
) -> int:  # fmt: skip
    """Watch workers and tasks: on a full screen (extra 'monitor'), as lines, or by a camera.

    \b
    celeriac -A proj events
    celeriac -A proj events --dump
    celeriac -A proj events --camera proj.cameras.Counting --frequency 5
    """
    if detach or executable:
        raise click.UsageError("-D/--detach and --executable cannot be had: let a service manager such as systemd run the monitor in the background")
    if frequency <= 0:
        raise click.UsageError(f"--frequency {frequency:g}: give a number of seconds above 0")
    take_identity(uid, gid, umask)
    with pidfile_of(pidfile or context.app.conf.events_pidfile):
        try:
            if dump:
                return _dump(context)
            return monitor(context, enable=not as_is) if camera is None else _photograph(context, camera, frequency, maxrate, loglevel, logfile)
        except KeyboardInterrupt:
            return 0


def monitor(context: Context, *, enable: bool) -> int:
    """Show the monitor; ``enable`` turns the events of tasks on while it runs."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        raise click.UsageError("the monitor needs a terminal (with TERM set) that it can fill; --dump prints events as lines")
    try:
        watch = symbol_by_name("celeriac.cli.monitor.start:watch")
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("textual", "rich"):
            raise
        raise MissingExtra("The monitor needs textual: pip install 'celeriac[monitor]' (without it, --dump prints events as lines)") from None
    status: int = watch(context, enable=enable)
    return status


def _dump(context: Context) -> int:
    evdump(context.app, pause=time.sleep)
    return 0


def _photograph(context: Context, camera: str, frequency: float, maxrate: str | None, loglevel: str, logfile: str | None) -> int:
    kind = _camera(context, camera)
    logging.basicConfig(
        level=level(loglevel), filename=logfile or context.app.conf.events_logfile, format="[%(asctime)s: %(levelname)s] %(message)s"
    )
    context.error(f"-> evcam: taking snapshots with {camera} (every {frequency:g} secs.), Ctrl+C ends it")
    while True:
        try:
            evcam(kind, freq=frequency, maxrate=maxrate, app=context.app)
            return 0
        except OperationalError as error:
            context.error(f"-> evcam: the connection is lost: {error}. Trying again in {_AGAIN:.0f}s.")
            time.sleep(_AGAIN)


def _camera(context: Context, camera: str) -> Any:
    # What a project's camera imports is beside its application.
    _ = context.app
    try:
        found = symbol_by_name(camera)
    except (ImportError, AttributeError) as error:
        raise click.UsageError(f"--camera {camera}: {error}; give the path of a class, such as proj.cameras.Counting") from None
    if not (isinstance(found, type) and issubclass(found, Polaroid)):
        raise click.UsageError(f"--camera {camera}: it is no camera; derive the class from celeriac.events.snapshot.Polaroid")
    return found
