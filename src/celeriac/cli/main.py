"""The ``celeriac`` command: which commands there are, and how a run of one ends."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from celeriac import __version__
from celeriac.cli.context import Context, global_options
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.reexec import remember_folder
from celeriac.model.errors import CeleriacError, OperationalError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

COMMANDS: dict[str, tuple[str, str]] = {
    "beat": ("celeriac.cli.beat:beat", "Start a scheduler."),
    "amqp": ("celeriac.cli.amqp:amqp", "Look after queues and exchanges by hand, with the words of AMQP."),
    "call": ("celeriac.cli.call:call", "Call a task by name and print the call's id."),
    "check": ("celeriac.cli.check:check", "Look for mistakes in the settings."),
    "control": ("celeriac.cli.remote:control", "Tell running workers what to do."),
    "dead": ("celeriac.cli.dead:dead", "List, show, put back or forget messages that were set aside."),
    "delayed": ("celeriac.cli.delayed:delayed", "List or remove messages that are not due yet."),
    "events": ("celeriac.cli.events:events", "Watch workers and tasks."),
    "graph": ("celeriac.cli.graph:graph", "Draw the running workers, or the parts of a worker, for Graphviz."),
    "hand-back": ("celeriac.cli.hand_back:hand_back", "Leave a Redis that real Celery uses too, without leaving anything behind."),
    "inspect": ("celeriac.cli.remote:inspect", "Ask running workers."),
    "list": ("celeriac.cli.listing:listing", "List queues and their bindings."),
    "logtool": ("celeriac.cli.logtool:logtool", "Count and find things in worker logs."),
    "migrate": ("celeriac.cli.migrate:migrate", "Move the messages that wait from one broker to another."),
    "multi": ("celeriac.cli.multi:multi", "Start, stop and restart several workers on this machine."),
    "purge": ("celeriac.cli.purge:purge", "Throw away the messages that wait in queues."),
    "queues": ("celeriac.cli.delayed:queues", "Print how many messages wait in each queue."),
    "report": ("celeriac.cli.report:report", "Show versions and settings, for bug reports."),
    "result": ("celeriac.cli.result:result", "Print what a task returned."),
    "schedule": ("celeriac.cli.schedule:schedule", "List, add, pause, run or remove entries of the schedule."),
    "routes": ("celeriac.cli.routes:routes", "Explain where a call of a task would go, and why."),
    "shell": ("celeriac.cli.shell:shell", "Open a Python shell that knows the application and its tasks."),
    "status": ("celeriac.cli.remote:status", "List the workers that are online."),
    "upgrade": ("celeriac.cli.upgrade:upgrade", "Bring old names of settings up to date."),
    "worker": ("celeriac.cli.worker:worker", "Start a worker."),
}
"""Name -> where the command is, imported when it runs, and what it does."""

SECTIONS: dict[str, tuple[str, ...]] = {
    "Run": ("worker", "beat", "multi"),
    "Tasks and results": ("call", "result", "shell"),
    "Running workers": ("status", "inspect", "control", "events", "graph", "logtool"),
    "Queues and messages": ("queues", "list", "purge", "dead", "delayed", "routes", "schedule", "amqp", "migrate", "hand-back"),
    "Settings and help": ("check", "report", "upgrade"),
}
"""How the commands are shown by --help."""

PLUGINS = ("celeriac.commands", "celery.commands")
"""Entry point groups in which other packages register click commands."""

FAILURE = 1
USAGE = 2
UNAVAILABLE = 69
"""Exit status: the broker or result store cannot be reached (EX_UNAVAILABLE of sysexits.h)."""


class Commands(click.Group):
    """Finds commands by name and imports them only then."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*COMMANDS, *(entry.name for entry in _plugins())})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            found = symbol_by_name(COMMANDS[cmd_name][0])
        else:
            entry = next((entry for entry in _plugins() if entry.name == cmd_name), None)
            found = None if entry is None else entry.load()
        return found if isinstance(found, click.Command) else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not name.startswith("-"):
            raise click.UsageError(_no_such_command(name, self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        added = {entry.name: f"Added by {entry.dist.name if entry.dist else entry.value}." for entry in _plugins() if entry.name not in COMMANDS}
        sections = {title: {name: COMMANDS[name][1] for name in names} for title, names in SECTIONS.items()}
        shown = {name for names in SECTIONS.values() for name in names}
        sections["More"] = {**{name: text for name, (_, text) in COMMANDS.items() if name not in shown}, **added}
        width = max(map(len, [*COMMANDS, *added]))
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl([(name.ljust(width), text) for name, text in rows.items()])


def _plugins() -> list[EntryPoint]:
    # Importing importlib.metadata takes 13 ms, a tenth of a command's start: only where plug-ins matter.
    metadata = import_module("importlib.metadata")
    return [entry for group in PLUGINS for entry in metadata.entry_points(group=group)]


def _no_such_command(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else f" There are {', '.join(known)}."
    return f"No such command {name!r}.{hint}"


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(ctx.obj.version if isinstance(ctx.obj, Context) and ctx.obj.version else f"{__version__} (celeriac)")
        ctx.exit()


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "CELERY"})
@global_options
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show the version and exit.")
@click.pass_context
def celeriac(ctx: click.Context, /, **given: Any) -> None:
    """A distributed task queue: celeriac -A proj worker -l info"""
    ctx.ensure_object(Context)
    ctx.obj.take(given)


def main(arguments: Sequence[str] | None = None, *, version: str | None = None) -> int:
    """Run the command line; return the exit status (0, 1 failure, 2 wrong usage, 69 broker or store cannot be reached).

    ``version`` is what --version says, where that is not our own.
    """
    context = Context()
    context.version = version
    return run(list(sys.argv[1:] if arguments is None else arguments), context)


def run_for(app: Any, arguments: Sequence[str]) -> int:
    """Run the command line for an application that is there already; return the exit status."""
    return run(list(arguments), Context(app))


def run(arguments: list[str], context: Context) -> int:
    """Run a command and turn what it raises into words and an exit status."""
    remember_folder()
    name = sys.argv[0].rpartition("/")[2] if sys.argv and sys.argv[0] else "celeriac"
    try:
        status = celeriac.main(args=arguments, prog_name=name if name in ("celeriac", "celery") else "celeriac", standalone_mode=False, obj=context)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Aborted!", err=True)
        return FAILURE
    except BrokenPipeError:
        # Whoever read along has seen enough (| head). What is left in the buffer must not raise once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except OperationalError as error:
        return _refuse(error, UNAVAILABLE)
    except CeleriacError as error:
        return _refuse(error, FAILURE)
    return status if isinstance(status, int) else 0


def _refuse(error: Exception, status: int) -> int:
    # A KeyError, as QueueNotFound is one, puts quotes around its text.
    click.echo(f"Error: {error.args[0] if isinstance(error, KeyError) and error.args else error}", err=True)
    return status
