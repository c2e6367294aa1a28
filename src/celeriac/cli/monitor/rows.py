"""What the tables show: workers and tasks as words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from heapq import nlargest
from typing import Any

from celeriac.events.state import State, Task, Worker
from celeriac.lib.value import Value
from celeriac.model import states

_MOST_TEXT = 20_000


class Column(Value, frozen=True):
    """A column: its title, and how many characters it has."""

    title: str
    width: int


class Row(Value, frozen=True):
    """A line: what it is about, its cells, and the word that its colour goes by."""

    key: str
    cells: tuple[str, ...]
    mood: str


def shares(width: int, fixed: Sequence[Column], flexible: Sequence[Column]) -> dict[str, Column]:
    """Give columns the room that the fixed ones leave, by their weights (the widths of the flexible ones); a space is between two."""
    left = max(width - sum(column.width + 1 for column in fixed) - len(flexible), len(flexible))
    weights = sum(column.width for column in flexible)
    return {column.title: column for column in fixed} | {
        column.title: column.replace(width=max(1, left * column.width // weights)) for column in flexible
    }


def worker_columns(width: int) -> list[Column]:
    """Return the columns of workers for a table so many characters wide."""
    fixed = [Column("State", 7), Column("Beat", 5), Column("Active", 6), Column("Processed", 9), Column("Load", 14)]
    found = shares(width, fixed, [Column("Worker", 3), Column("Software", 2)])
    return [found[title] for title in ("Worker", "State", "Beat", "Active", "Processed", "Load", "Software")]


def task_columns(width: int) -> list[Column]:
    """Return the columns of tasks for a table so many characters wide; a wide one tells the ids too."""
    fixed = [Column("Time", 8), Column("State", 8), Column("Runtime", 7)]
    titles = ["Time", "State", "Name", "Arguments", "Runtime", "Worker"]
    if width >= 130:
        fixed.append(Column("Id", 36))
        titles.append("Id")
    found = shares(width, fixed, [Column("Name", 5), Column("Arguments", 3), Column("Worker", 3)])
    return [found[title] for title in titles]


def worker_rows(workers: Iterable[Worker], gone: Iterable[Worker], columns: Sequence[Column], now: float) -> list[Row]:
    """Return workers in order of their names, those that have left too; ``now`` is epoch seconds."""
    known = {worker.hostname or "": worker for worker in [*gone, *workers]}
    rows = []
    for name, worker in sorted(known.items()):
        online = bool(worker.heartbeats) and now < worker.heartbeat_expires
        cells = {
            "Worker": name,
            "State": "online" if online else "offline",
            "Beat": duration(max(0.0, now - worker.heartbeats[-1]), whole=True) if worker.heartbeats else "-",
            "Active": _or_dash(worker.active if online else None),
            "Processed": _or_dash(worker.processed),
            "Load": " ".join(f"{load:.2f}"[:4] for load in worker.loadavg) if worker.loadavg else "-",
            "Software": f"{worker.sw_ident or ''} {worker.sw_ver or ''}".strip(),
        }
        rows.append(Row(name, _fitted(cells, columns), cells["State"]))
    return rows


def task_rows(state: State, wanted: Callable[[Task], bool], most: int, columns: Sequence[Column], now: float) -> tuple[list[Row], int]:
    """Return the latest tasks that are wanted, no more than ``most``, and how many are wanted; ``now`` is epoch seconds."""
    found = [task for _, task in state.itertasks() if wanted(task)]
    # By the time that people see, not by logical clocks: of workers that hear little of each other these are far apart.
    latest = nlargest(most, found, key=lambda task: (task.timestamp or 0.0, task.clock))
    return [_task_row(task, columns, now) for task in latest], len(found)


def _task_row(task: Task, columns: Sequence[Column], now: float) -> Row:
    cells = {
        "Time": datetime.fromtimestamp(task.timestamp or 0.0).astimezone().strftime("%H:%M:%S"),
        "State": task.state,
        "Name": task.name or "?",
        "Arguments": called_with(task),
        "Runtime": runtime_of(task, now),
        "Worker": task.worker.hostname or "" if task.worker is not None else "",
        "Id": task.uuid or "",
    }
    return Row(task.uuid or "", _fitted(cells, columns), task.state)


def called_with(task: Task) -> str:
    """Return a call's arguments as they were written."""
    args, kwargs = (task.args or "").strip("()[]").rstrip(","), (task.kwargs or "").strip("{}")
    return ", ".join(part for part in (args, kwargs) if part)


def runtime_of(task: Task, now: float) -> str:
    """Return how long a task ran, or has run until now (epoch seconds)."""
    if task.runtime is not None:
        return duration(task.runtime)
    if task.state == states.STARTED and task.started:
        return duration(max(0.0, now - task.started), whole=True)
    ended = {states.FAILURE: task.failed, states.RETRY: task.retried}.get(task.state)
    return duration(ended - task.started) if ended and task.started and ended >= task.started else ""


def duration(seconds: float, *, whole: bool = False) -> str:
    """Return a duration in at most seven characters: 12ms, 1.25s, 3m05s, 2h10m; ``whole`` for no parts of seconds."""
    if seconds < 60 and whole:
        return f"{int(seconds)}s"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.2f}s"
    minutes = int(seconds) // 60
    return f"{minutes}m{int(seconds) % 60:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def details_of(task: Task, now: float) -> list[tuple[str, str]]:
    """Return all that is known of a task; moments in local time."""
    moments = ("sent", "received", "started", "succeeded", "failed", "retried", "rejected", "revoked", "timestamp")
    found: list[tuple[str, str]] = []
    told = task.as_dict() | {"worker": task.worker.hostname if task.worker is not None else None}
    for name, value in told.items():
        if value is None or value == [] or name in ("root", "parent"):
            continue
        if name in moments:
            text = datetime.fromtimestamp(value).astimezone().isoformat(sep=" ", timespec="milliseconds")
        else:
            text = runtime_of(task, now) if name == "runtime" else ", ".join(value) if isinstance(value, list) else str(value)
        found.append((name, text[:_MOST_TEXT]))
    # What is long stands last.
    return sorted(found, key=lambda pair: pair[0] == "traceback")


def describe_worker(worker: Worker) -> list[tuple[str, str]]:
    """Return what a worker's events said of it."""
    names = ("hostname", "pid", "freq", "active", "processed", "loadavg", "clock", "sw_ident", "sw_ver", "sw_sys")
    return [(name, str(value)) for name in names if (value := getattr(worker, name)) is not None]


def fit(text: str, width: int) -> str:
    """Return a text on one line, with its end left out where it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: max(0, width - 1)] + "…"


def _fitted(cells: dict[str, str], columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(fit(cells[column.title], column.width) for column in columns)


def _or_dash(value: Any) -> str:
    return "-" if value is None else str(value)
