"""What the monitor tells workers, and their answers in words. Everything here waits for replies: it belongs into a thread of its own."""

from __future__ import annotations

from typing import Any

from celeriac.lib.saferepr import saferepr
from celeriac.lib.value import Value
from celeriac.model.errors import CeleriacError

_PATIENCE = 1.0
_LONG = 20_000


class Told(Value, frozen=True):
    """What came of it, in words, and whether it is good."""

    text: str
    good: bool


def revoke(app: Any, uuid: str) -> Told:
    """Let a task never start."""
    return _answers(app.control.revoke(uuid, reply=True, timeout=_PATIENCE))


def terminate(app: Any, uuid: str) -> Told:
    """End a task that runs."""
    return _answers(app.control.terminate(uuid, reply=True, timeout=_PATIENCE))


def rate_limit(app: Any, name: str, rate: str) -> Told:
    """Change a task's rate limit, such as 10/m; 0 takes it away."""
    return _answers(app.control.rate_limit(name, rate, reply=True, timeout=_PATIENCE))


def time_limit(app: Any, name: str, words: str) -> Told:
    """Change a task's time limits, given as the soft one and, behind it, the hard one (seconds, - for none)."""
    try:
        soft, hard = limits_of(words)
    except ValueError as error:
        return Told(str(error), False)
    return _answers(app.control.time_limit(name, soft, hard, reply=True, timeout=_PATIENCE))


def limits_of(words: str) -> tuple[float | None, float | None]:
    """Return the soft and the hard limit (seconds, None for none) that were typed."""
    given = words.replace(",", " ").split()
    try:
        numbers = [None if word == "-" else float(word) for word in given]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 2 or any(number is not None and not number > 0 for number in numbers):
        raise ValueError(f"{words!r} are no time limits: write the soft one and the hard one in seconds, such as 30 60, or - for none")
    return numbers[0], numbers[1] if len(numbers) == 2 else None


def result(app: Any, uuid: str) -> Told:
    """Fetch what a task returned from the result store."""
    try:
        found = app.AsyncResult(uuid)
        meta = {"state": found.state, "result": found.result}
    except (CeleriacError, NotImplementedError) as error:
        return Told(f"no result: {error}", False)
    if meta["state"] == "PENDING":
        return Told("the result store knows nothing of it (yet, or no more)", False)
    return Told(f"{meta['state']}: {saferepr(meta['result'], _LONG)}", meta["state"] != "FAILURE")


def describe(app: Any, node: str) -> Told:
    """Ask a worker for its pool, its queues and what it holds."""
    inspect = app.control.inspect(destination=[node], timeout=_PATIENCE)
    stats = (inspect.stats() or {}).get(node)
    if stats is None:
        return Told(f"{node} did not reply within {_PATIENCE:g} second", False)
    pool = stats.get("pool") or {}
    queues = ", ".join(queue["name"] for queue in (inspect.active_queues() or {}).get(node, ()))
    done = sorted((stats.get("total") or {}).items(), key=lambda pair: -pair[1])[:20]
    lines = [
        f"pool        {pool.get('implementation')}, at most {pool.get('max-concurrency')} at once, processes {pool.get('processes')}",
        f"queues      {queues}",
        f"prefetch    {stats.get('prefetch_count')}",
        f"uptime      {stats.get('uptime')} seconds",
        *(f"done        {count:>9} {name}" for name, count in done),
    ]
    return Told("\n".join(lines), True)


def _answers(replies: list[dict[str, Any]] | None) -> Told:
    found = {node: answer for reply in replies or () for node, answer in reply.items()}
    if not found:
        return Told("no worker replied within a second", False)
    said: dict[tuple[str, bool], list[str]] = {}
    for node, answer in sorted(found.items()):
        error = answer.get("error") if isinstance(answer, dict) else None
        said.setdefault((str(error or (answer.get("ok") if isinstance(answer, dict) else answer)), error is None), []).append(node)
    text = "; ".join(f"{words} ({', '.join(nodes) if len(nodes) < 4 else f'{len(nodes)} workers'})" for (words, _), nodes in said.items())
    return Told(text, any(good for _, good in said))
