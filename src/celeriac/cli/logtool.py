"""``celeriac logtool``: what worker logs say of tasks. It reads the usual lines, in any format that keeps their message whole, and JSON logs."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO

import click

from celeriac.lib.value import Value

_TASK = re.compile(
    r"Task (?P<name>[^\s\[]+)\[(?P<id>[^\]]+)\] (?P<what>received|succeeded in|raised unexpected|raised expected|retry|ignored|reject|lost)"
)
_REVOKED = re.compile(r"Discarding revoked task: (?P<name>[^\s\[]+)\[(?P<id>[^\]]+)\]")
_BEGINNING = re.compile(r"\[\d{4}-\d\d-\d\d|\{\"|\d{4}-\d\d-\d\d")
_RECEIVED, _RETRY, _FAILED, _REVOKED_TASK = "received", "retry", "raised unexpected", "revoked"


class Entry(Value, frozen=True):
    """One record of a log: its text with the lines below it, and what it says of a task, if of one."""

    lines: list[str]
    name: str | None = None
    id: str | None = None
    what: str = ""

    @property
    def trace(self) -> str:
        """The traceback below the message, without what differs between two of a kind."""
        return "\n".join(self.lines[1:])


def entries(lines: Iterable[str]) -> Iterator[Entry]:
    """Read a log; lines that begin without a date belong to the record above."""
    gathered: list[str] = []
    for line in (line.rstrip("\n") for line in lines):
        if gathered and _BEGINNING.match(line):
            yield _entry(gathered)
            gathered = []
        gathered.append(line)
    if gathered:
        yield _entry(gathered)


def _entry(lines: list[str]) -> Entry:
    if lines[0].startswith("{"):
        lines = _of_json(lines[0]) or lines
    revoked = _REVOKED.search(lines[0])
    if revoked:
        return Entry(lines, revoked["name"], revoked["id"], _REVOKED_TASK)
    found = _TASK.search(lines[0])
    return Entry(lines, found["name"], found["id"], found["what"]) if found else Entry(lines)


def _of_json(line: str) -> list[str] | None:
    try:
        told: Any = json.loads(line)
    except ValueError:
        return None
    text = told.get("message") if isinstance(told, dict) else None
    trace = next((told[name] for name in ("exception", "traceback", "exc_info") if told.get(name)), "") if text else ""
    return [str(text), *str(trace).splitlines()] if text else None


_Command = Callable[[tuple[TextIO, ...]], None]
_files: Callable[[_Command], _Command] = click.argument("files", nargs=-1, type=click.File("r", encoding="utf-8", errors="replace"))


def _all(files: tuple[TextIO, ...]) -> Iterator[Entry]:
    for file in files or (sys.stdin,):
        yield from entries(file)


@click.group()
def logtool() -> None:
    """Count and find things in worker logs (files, or what is piped in): celeriac logtool stats worker.log"""


@logtool.command()
@_files
def stats(files: tuple[TextIO, ...]) -> None:
    """How often each task was received, succeeded, failed and so on."""
    tasks: dict[str, Counter[str]] = {}
    for entry in _all(files):
        if entry.name:
            tasks.setdefault(entry.name, Counter())[entry.what.removesuffix(" in")] += 1
    for name, counted in sorted(tasks.items()):
        click.echo(f"{name}: {', '.join(f'{count} {what}' for what, count in counted.most_common())}")
    total: Counter[str] = sum(tasks.values(), Counter())
    click.echo(f"Total: {', '.join(f'{count} {what}' for what, count in total.most_common()) or 'no line about a task'}")


@logtool.command()
@_files
def errors(files: tuple[TextIO, ...]) -> None:
    """The failures, with their tracebacks."""
    for entry in _all(files):
        if entry.what == _FAILED:
            click.echo("\n".join(entry.lines))


@logtool.command()
@_files
def traces(files: tuple[TextIO, ...]) -> None:
    """The different tracebacks, the most frequent first."""
    counted = Counter(entry.trace for entry in _all(files) if entry.what == _FAILED and entry.trace)
    for trace, count in counted.most_common():
        click.echo(f"{count} x\n{trace}\n")


@logtool.command()
@_files
def incomplete(files: tuple[TextIO, ...]) -> None:
    """The tasks that were received and of which no end is told."""
    received: dict[str, str] = {}
    ended: set[str] = set()
    # Each process may have a file of its own, so an end can be read before its beginning.
    for entry in _all(files):
        if entry.id and entry.what == _RECEIVED:
            received[entry.id] = f"{entry.name}[{entry.id}]"
        elif entry.id and entry.what != _RETRY:
            ended.add(entry.id)
    for id, text in received.items():
        if id not in ended:
            click.echo(text)


@logtool.command()
@_files
def debug(files: tuple[TextIO, ...]) -> None:
    """All that is not about a task."""
    for entry in _all(files):
        if not entry.name:
            click.echo("\n".join(entry.lines))
