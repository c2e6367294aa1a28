"""What tasks wrote down while they ran: one line each, appended by the task processes themselves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tests.harness.waiting import eventually


class Entry(NamedTuple):
    """One line: which task id, what happened, in which process, when (epoch seconds), and what it had to say."""

    id: str
    event: str
    pid: int
    at: float
    note: Any


class Account(NamedTuple):
    """How the ids of a run came out."""

    lost: set[str]
    """Never ended."""
    doubled: set[str]
    """Began more than once."""
    begun: int
    """How many attempts began."""

    def __str__(self) -> str:
        return f"{self.begun} attempts, {len(self.lost)} lost, {len(self.doubled)} doubled"


class Ledger:
    """Reads the ledger of a project."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def entries(self, event: str | None = None, task_id: str | None = None) -> list[Entry]:
        """Return the lines so far, oldest first; a line that is still being written is left out."""
        whole = self.path.read_bytes().rpartition(b"\n")[0]
        entries = [Entry(**json.loads(line)) for line in whole.splitlines()]
        return [e for e in entries if event in (None, e.event) and task_id in (None, e.id)]

    def count(self, event: str, ids: Collection[str] | None = None) -> int:
        """Count the lines of one event, of some ids or all."""
        wanted = None if ids is None else set(ids)
        return sum(1 for entry in self.entries(event) if wanted is None or entry.id in wanted)

    def wait_for(self, event: str, count: int = 1, *, task_id: str | None = None, timeout: float = 10.0) -> list[Entry]:
        """Wait until an event stands there ``count`` times."""
        return eventually(
            lambda: found if len(found := self.entries(event, task_id)) >= count else [],
            f"{count} x {event!r} in the ledger" + (f" of {task_id}" if task_id else ""),
            timeout=timeout,
            explain=lambda: f"the ledger has {dict(Counter(e.event for e in self.entries()))}",
        )

    def account(self, ids: Iterable[str]) -> Account:
        """Count what became of these ids."""
        wanted = set(ids)
        begun = Counter(entry.id for entry in self.entries("begin") if entry.id in wanted)
        ended = {entry.id for entry in self.entries("end")}
        return Account(wanted - ended, {key for key, times in begun.items() if times > 1}, sum(begun.values()))
