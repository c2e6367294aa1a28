"""What a worker says of itself when it starts."""

from __future__ import annotations

import logging
import platform
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from celeriac.lib.urls import censor
from celeriac.model.topology import Queue
from celeriac.worker.options import WorkerOptions


def show(app: Any, options: WorkerOptions, queues: Sequence[Queue]) -> None:
    """Print the banner to the program's own standard output, past any redirection into the log."""
    out = sys.__stdout__
    if out is not None:
        out.write(text(app, options, queues) + "\n")
        out.flush()


def text(app: Any, options: WorkerOptions, queues: Sequence[Queue]) -> str:
    """Return the banner: configuration, queues, and from log level INFO down the tasks."""
    lines = [
        "",
        f" {options.hostname}  celeriac {release()}",
        f" {platform.platform()}, Python {platform.python_version()}",
        "",
        " [config]",
        *(f" .> {name + ':':12} {value}" for name, value in _config(app, options)),
        "",
        " [queues]",
        *(f" .> {queue.name:16} exchange={queue.exchange.name}({queue.exchange.type}) key={queue.routing_key or queue.name}" for queue in queues),
        "",
    ]
    if options.loglevel <= logging.INFO:
        lines += ["[tasks]", *(f"  . {name}" for name in _task_names(app.tasks, hidden=options.loglevel > logging.DEBUG)), ""]
    return "\n".join(lines)


def release() -> str:
    """Return the version of the installed package."""
    try:
        return version("celeriac")
    except PackageNotFoundError:
        return "(not installed)"


def _config(app: Any, options: WorkerOptions) -> Iterable[tuple[str, str]]:
    yield "app", f"{app.main or '__main__'}:{id(app):#x}"
    yield "transport", _store(app.broker_url, embedded=not app.conf["broker_url"])
    yield "results", _store(app.backend_url or "disabled://", embedded=False)
    yield "concurrency", f"{options.concurrency} ({options.pool})"
    yield "task events", "ON" if options.task_events else "OFF (enable -E to monitor tasks in this worker)"
    if options.logfile:
        yield "log", options.logfile


def _store(url: Any, *, embedded: bool) -> str:
    shown = ";".join(censor(one) for one in ([url] if isinstance(url, str) else url))
    return f"{shown} (embedded: no broker is configured)" if embedded else shown


def _task_names(names: Iterable[str], *, hidden: bool) -> list[str]:
    return sorted(name for name in names if not (hidden and name.startswith(("celery.", "celeriac."))))
