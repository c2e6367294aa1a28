"""``celeriac result``."""

from __future__ import annotations

from typing import Any

import click

from celeriac.cli.context import Command, Context
from celeriac.contracts.backend import StoresGroups
from celeriac.model.errors import TimeoutError as NotInTime
from celeriac.results import GroupResult


@click.command(cls=Command)
@click.argument("task_id")
@click.option("-t", "--task", help="The task's name, for tasks with a result store of their own.")
@click.option("--traceback", is_flag=True, help="Show the traceback instead.")
@click.option("--timeout", type=float, help="Wait for the result so many seconds at most; without it, for ever.")
@click.option("--tree", is_flag=True, help="Show the workflow as a tree with states instead: of a saved group, or of a task and those it called.")
@click.pass_obj
def result(context: Context, task_id: str, task: str | None, traceback: bool, timeout: float | None, tree: bool) -> int:
    """Print what the task with the id TASK_ID returned, waiting for it if need be; the exit status is 1 when it failed."""
    app = context.app
    if task is not None and task not in app.tasks:
        raise click.UsageError(f"--task {task}: this application has no such task")
    if tree:
        return _show_tree(context, task_id)
    found = app.tasks[task].AsyncResult(task_id) if task else app.AsyncResult(task_id)
    if traceback:
        context.echo(found.traceback or "")
        return 0
    if not found.ready():
        context.error(f"Waiting for {task_id}: its state is {found.state}" + (" (or nobody ever sent it)" if found.state == "PENDING" else ""))
    try:
        value = found.get(timeout=timeout, propagate=False)
    except NotInTime:
        context.error(f"No result within {timeout:g} s: the state of {task_id} is {found.state}")
        return 1
    if found.successful():
        context.echo(value)
        return 0
    context.error(found.traceback or f"{type(value).__name__}: {value}")
    return 1


def _show_tree(context: Context, task_id: str) -> int:
    app = context.app
    backend = app.result_backend
    saved = GroupResult.restore(task_id, app=app) if isinstance(backend, StoresGroups) else None
    root = saved if saved is not None else app.AsyncResult(task_id)
    for line in root.tree():
        context.echo(line)
    if saved is None:
        _show_children(context, root, "  ")
    done = root.progress()
    context.echo(f"{done.done} of {done.total} done, {done.failed} failed")
    return 1 if done.failed else 0


def _show_children(context: Context, node: Any, indent: str) -> None:
    for child in node.children or ():
        for line in child.tree():
            context.echo(indent + line)
        if not hasattr(child, "results"):
            _show_children(context, child, indent + "  ")
