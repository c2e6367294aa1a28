"""What result stores keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from celeriac.lib.value import Value


class ResultRecord(Value, frozen=True):
    """The state of one task as stored: ``body`` is the encoded task-meta, which the store does not look into.

    A record in state SUCCESS is final: a store never lets another record replace it.
    """

    id: str
    state: str
    body: bytes
    content_type: str = "application/json"
    content_encoding: str = "utf-8"
    ttl: float | None = None
    """Seconds to keep it; None keeps it until it is forgotten."""
    reply_to: str | None = None
    """Where the caller waits for it, for stores that send results instead of keeping them (``rpc://``)."""


class ResultMeta(Value, frozen=True):
    """A task-meta, decoded (SURFACE of Celery: the result message): what ``AsyncResult`` shows.

    ``result`` is the return value, or for exception states a ``RemoteError``; ``extended`` holds name, args, kwargs, worker, retries, queue.
    """

    id: str
    state: str
    result: Any = None
    traceback: str | None = None
    children: Any = None
    date_done: str | None = None
    group_id: str | None = None
    parent_id: str | None = None
    extended: dict[str, Any] = {}
    reply_to: str | None = None
    """Where the caller waits, as its message said; no part of what is stored."""

    def as_dict(self) -> dict[str, Any]:
        """Return it under the keys of Celery's task-meta, the result as a Python object."""
        told = {"task_id": self.id, "status": self.state, "result": self.result, "traceback": self.traceback, "children": self.children or []}
        ids = {name: value for name, value in (("group_id", self.group_id), ("parent_id", self.parent_id)) if value is not None}
        return {**told, "date_done": self.date_done, **ids, **self.extended}

    def __getitem__(self, key: str) -> Any:
        """Return a value by Celery's name of it: packages read ``result._get_task_meta()["status"]``."""
        return self.as_dict()[key]

    def __iter__(self) -> Iterator[str]:
        """Yield Celery's names."""
        return iter(self.as_dict())

    def __contains__(self, key: object) -> bool:
        return key in self.as_dict()

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value by Celery's name of it, or the default where there is none."""
        return self.as_dict().get(key, default)


class GroupRecord(Value, frozen=True):
    """A saved group: ``body`` is the encoded result tree."""

    id: str
    body: bytes
    content_type: str = "application/json"
    content_encoding: str = "utf-8"
    ttl: float | None = None


EXTRA = 1_000_000
"""Parts that other parts have added to their chord have indexes from here on."""


class ChordPart(Value, frozen=True):
    """One finished part of a chord: counted once however often it is written, by its ``index``."""

    group: str
    index: int
    task_id: str
    state: str
    size: int
    """How many parts the chord has; 0: the part does not know it, the store was told (``AnnouncesChords``)."""
    body: bytes
    """The part's encoded result, kept for the chord's body."""
    failed: bool = False
    ttl: float | None = None
    chord: bytes = b""
    """The encoded signature of the chord's body, as this part's message brought it."""
    more: int = 0
    """How many parts this one has added to the chord: it is complete with ``size`` and all of those (see ``weight``)."""

    @property
    def weight(self) -> int:
        """What the part counts: a chord is complete when the weights of its parts come to ``size * EXTRA``.

        An added part may be done before the one that added it, which alone knows how many there are: so those count little, and are owed.
        """
        return (1 if self.index >= EXTRA else EXTRA) - self.more


class DueChord(Value, frozen=True):
    """A chord all of whose parts are done, or whose first part failed: what the store hands out, once."""

    group: str
    parts: tuple[ChordPart, ...]
    """In order of their index; only the failed one when ``failed``."""
    failed: bool = False
