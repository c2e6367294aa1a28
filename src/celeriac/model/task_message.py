"""A task call as a message, decoded (Celery's task message protocol, version 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from celeriac.lib.value import Value


class TaskMessage(Value, frozen=True):
    """One call of one task. Field names are those of the protocol; ``headers`` holds what is not a field of it.

    ``eta`` and ``expires`` are ISO 8601 text as on the wire. ``ignore_result`` None leaves it to the task.
    ``timelimit`` is (hard, soft): the order that Celery writes.
    ``callbacks``, ``errbacks``, ``chain`` and ``chord`` hold signatures as plain dicts; ``chain`` is reversed: the next step is its last. A long
    one may be ``Steps``.
    """

    task: str
    id: str
    args: Any = ()
    kwargs: dict[str, Any] = {}
    callbacks: Sequence[Any] | None = None
    errbacks: Sequence[Any] | None = None
    chain: Sequence[Any] | None = None
    chord: Any = None
    lang: str = "py"
    shadow: str | None = None
    eta: str | None = None
    expires: str | None = None
    group: str | None = None
    group_index: int | None = None
    retries: int = 0
    timelimit: tuple[float | None, float | None] = (None, None)
    root_id: str | None = None
    parent_id: str | None = None
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    origin: str | None = None
    ignore_result: bool | None = None
    replaced_task_nesting: int = 0
    stamped_headers: list[str] | None = None
    stamps: dict[str, Any] = {}
    headers: dict[str, Any] = {}
    reply_to: str | None = None
    correlation_id: str | None = None
