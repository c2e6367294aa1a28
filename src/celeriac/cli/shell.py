"""``celeriac shell``."""

from __future__ import annotations

import code
import importlib
import sys
from collections.abc import Callable
from typing import Any

import click

import celeriac
from celeriac.cli.context import Command, Context


@click.command(cls=Command)
@click.option("-I", "--ipython", "kind", flag_value="ipython", help="IPython, or an error.")
@click.option("-B", "--bpython", "kind", flag_value="bpython", help="bpython, or an error.")
@click.option("--python", "kind", flag_value="python", help="The plain Python shell.")
@click.option("-T", "--without-tasks", is_flag=True, help="Do not put the tasks into the shell's names.")
@click.option("--eventlet", is_flag=True, hidden=True)
@click.option("--gevent", is_flag=True, hidden=True)
@click.pass_obj
def shell(context: Context, kind: str | None, without_tasks: bool, eventlet: bool, gevent: bool) -> None:
    """Open a Python shell in which ``app``, ``celery``, the workflow words and the application's tasks are names."""
    if eventlet or gevent:
        raise click.UsageError("The shell of this version runs without eventlet and gevent")
    app = context.app
    app.import_task_modules()
    shells: dict[str, Callable[[dict[str, Any]], None]] = {"ipython": _ipython, "bpython": _bpython, "python": _python}
    names = _names(app, without_tasks)
    missing: ModuleNotFoundError | None = None
    for start in shells.values() if kind is None else [shells[kind]]:
        try:
            start(names)
        except ModuleNotFoundError as error:
            missing = error
        else:
            return
    raise click.ClickException(f"{kind} is not installed ({missing}); --python opens the plain shell")


def _names(app: Any, without_tasks: bool) -> dict[str, Any]:
    names = {name: getattr(celeriac, name) for name in celeriac.__all__}
    if not without_tasks:
        names.update({task.name.rpartition(".")[2]: task for task in app.tasks.values() if not task.name.startswith("celery.")})
    return {**names, "app": app, "celery": app}


def _ipython(names: dict[str, Any]) -> None:
    importlib.import_module("IPython").start_ipython(argv=[], user_ns=names)


def _bpython(names: dict[str, Any]) -> None:
    importlib.import_module("bpython").embed(names)


def _python(names: dict[str, Any]) -> None:
    if sys.stdin.isatty():
        try:
            readline = importlib.import_module("readline")
            completer = importlib.import_module("rlcompleter").Completer(names)
            readline.set_completer(completer.complete)
            readline.parse_and_bind("tab: complete")
        except ModuleNotFoundError:
            # Python without readline: the shell works, without completion.
            sys.ps1 = ">>> "
    code.interact(banner=f"celeriac {celeriac.__version__}: app is {names['app']!r}", local=names, exitmsg="")
