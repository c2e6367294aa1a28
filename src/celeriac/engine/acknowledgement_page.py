"""The published table of what becomes of message and result, made from the engine's own: python -m celeriac.engine.acknowledgement_page."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from celeriac.engine.acknowledgement import End, rules_of, verdict
from celeriac.lib.value import Value
from celeriac.model.envelope import Verdict

_NONE = {
    "acks_late": None, "acks_on_failure_or_timeout": None, "acks_on_failure": None, "acks_on_timeout": None, "reject_on_worker_lost": None,
    "retry_on_worker_lost": None,
}  # fmt: skip


class Policy(Value, frozen=True):
    """What a task says of acknowledgement."""

    name: str
    options: dict[str, Any]

    @property
    def words(self) -> str:
        """The options, as they are written."""
        return ", ".join(f"{option}={value}" for option, value in self.options.items()) or "acks_late=False (the default)"


class Way(Value, frozen=True):
    """A way in which an attempt can end. ``state`` is what is stored where the end is final, None for nothing."""

    name: str
    words: str
    end: End
    state: str | None = None


class Cell(Value, frozen=True):
    """What follows from one way to end under one policy."""

    message: str
    state: str | None
    again: bool
    """Whether the task runs again."""
    dead: bool
    """Whether the message is kept among the dead letters."""


POLICIES = (
    Policy("early", {}),
    Policy("early_retry", {"retry_on_worker_lost": True}),
    Policy("late", {"acks_late": True}),
    Policy("keep", {"acks_late": True, "acks_on_failure_or_timeout": False}),
    Policy("keep_failure", {"acks_late": True, "acks_on_failure": False}),
    Policy("keep_timeout", {"acks_late": True, "acks_on_timeout": False}),
    Policy("once", {"acks_late": True, "reject_on_worker_lost": False}),
    Policy("late_retry", {"acks_late": True, "retry_on_worker_lost": True}),
)

_LOST = "FAILURE (`WorkerLostError`)"

WAYS = (
    Way("returns", "it returns", End.RETURNED, "SUCCESS"),
    Way("raises", "it raises", End.FAILED, "FAILURE"),
    Way("retries", "`self.retry()`", End.RETRIED, "RETRY"),
    Way("replaces", "`self.replace(...)`", End.REPLACED, "that of its replacement"),
    Way("ignores", "it raises `Ignore`", End.IGNORED),
    Way("rejects", "it raises `Reject`", End.REJECTED, "FAILURE (`Reject`)"),
    Way("puts_back", "it raises `Reject(requeue=True)`", End.PUT_BACK, "FAILURE (`Reject`)"),
    Way("soft_limit", "its soft time limit passes and it does not catch that", End.TIMEOUT, "FAILURE (`SoftTimeLimitExceeded`)"),
    Way("hard_limit", "its hard time limit passes", End.TIMEOUT, "FAILURE (`TimeLimitExceeded`)"),
    Way("dies", "its process dies (SIGKILL, out of memory, a crash)", End.LOST, _LOST),
    Way("dies_always", "its process dies every time it runs", End.EXHAUSTED, _LOST),
    Way("consumer_killed", "the worker's consumer is killed; it returns", End.RETURNED, "SUCCESS"),
    Way("broker_gone", "the broker is away when it returns, and comes back", End.RETURNED, "SUCCESS"),
    Way("worker_killed", "the whole worker is killed", End.ABANDONED, _LOST),
    Way("warm", "a warm shutdown begins; it returns", End.RETURNED, "SUCCESS"),
    Way("soft", "a soft shutdown begins; it returns in time", End.RETURNED, "SUCCESS"),
    Way("soft_too_long", "a soft shutdown begins; it does not return in time", End.INTERRUPTED, _LOST),
    Way("cold", "a cold shutdown begins", End.INTERRUPTED, _LOST),
)

_SETTLED = {
    Verdict.ACK: "acknowledged",
    Verdict.REJECT: "to the dead letters",
    Verdict.REQUEUE: "back to its queue",
}
_RUNS_AGAIN = {Verdict.REQUEUE}


def cell(policy: Policy, way: Way) -> Cell:
    """Return what follows when a task of this policy ends in this way."""
    task: Any = SimpleNamespace(**{**_NONE, **policy.options})
    rules, end = rules_of(task), way.end
    if end is End.EXHAUSTED and not (rules.late and rules.requeue_lost):
        end = End.LOST
    if end is End.ABANDONED and not rules.late:
        # Another worker that finds it concludes it as it would a lost process of its own.
        end = End.LOST
    found = verdict(task, end)
    early = "acknowledged before it began"
    message = _SETTLED[found] if rules.late else early
    if end is End.LOST and rules.retry_lost:
        last = way.end is End.EXHAUSTED
        return Cell(message if last else f"{message}; a retry is sent", way.state if last else "RETRY", not last, False)
    if end in (End.RETRIED, End.REPLACED):
        return Cell(f"{message}; a new one is sent", way.state, end is End.RETRIED, False)
    again = found in _RUNS_AGAIN and rules.late
    when = {End.INTERRUPTED: " at once", End.ABANDONED: " when the lease has run out"}.get(end, "") if again else ""
    return Cell(f"{message}{when}", None if again else way.state, again, rules.late and found is Verdict.REJECT)


def rows() -> Iterator[tuple[Policy, Way, Cell]]:
    """Return the whole table."""
    for policy in POLICIES:
        for way in WAYS:
            yield policy, way, cell(policy, way)


_HEAD = """# What becomes of a message: the acknowledgement table

<!-- made by: python -m celeriac.engine.acknowledgement_page > docs/reference/acknowledgement.md -->

For every way in which an attempt can end: what happens to its message, what the result store says then, and whether the task runs again. The page is
made from the table that the worker itself goes by, and a test provokes every line of it with a real worker.

* An **early** acknowledged task (the default) runs at most once. A **late** acknowledged one (`acks_late=True`) runs at least once.
* *Back to its queue* is to its head. After a death, the delivery is counted: `task_max_deliveries` (10) of them, then the message is a
  dead letter (`celeriac dead list`, `show`, `replay`) that says how each attempt died. A shutdown is not counted.
* *When the lease has run out* is `worker_lease` (10 s) after the worker's last sign of life. On RabbitMQ messages are bound to the connection
  instead: they are back as soon as it is cut.
* *When the whole worker is killed* and a task that it ran was acknowledged early, another worker of the same queue, or the same one
  after its restart, finds what it had begun: after the lease on SQLite, after two leases (some 25 s) on Redis, where a worker that only could not
  reach the server for a while must not be taken for dead. Handlers, error callbacks and chords learn of it as of a lost process. RabbitMQ
  forgets what was acknowledged: there the result stays what it was.
* `acks_on_failure_or_timeout=False` keeps what failed among the dead letters. Celery rejects its message, which most brokers then drop.
* Where nothing is stored, the result stays what it was: PENDING, or STARTED with `track_started`.
"""


def markdown() -> str:
    """Return the page."""
    parts = [_HEAD]
    base: dict[bool, dict[str, Cell]] = {}
    for policy in POLICIES:
        late = bool(policy.options.get("acks_late"))
        cells = {way.name: cell(policy, way) for way in WAYS}
        known = base.setdefault(late, cells)
        parts.append(f"## `{policy.words}`\n" if policy.options else "## Early: `acks_late=False`, the default\n")
        if known is not cells:
            parts.append(f"As with `acks_late={late}` alone, except:\n")
        parts.append("| when | the message | the result | runs again |\n|---|---|---|---|")
        lines = [_line(way, cells[way.name]) for way in WAYS if known is cells or known[way.name] != cells[way.name]]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _line(way: Way, found: Cell) -> str:
    return f"| {way.words} | {found.message} | {found.state or 'nothing is stored'} | {'yes' if found.again else 'no'} |"


if __name__ == "__main__":
    print(markdown(), end="")
