"""``self.request``: what a running task may know about its call."""

from __future__ import annotations

from typing import Any, ClassVar

from celeriac.model.steps import Steps


class Request:
    """The context of one attempt; Celery's names. An unknown attribute that is a message header is found, else AttributeError.

    Message headers become attributes; fields that the message lacks have the defaults below.
    """

    _defaults: ClassVar[dict[str, Any]]

    id: str | None = None
    task: str | None = None
    args: Any = None
    kwargs: Any = None
    retries: int = 0
    eta: str | None = None
    expires: Any = None
    is_eager: bool = False
    called_directly: bool = True
    hostname: str | None = None
    delivery_info: dict[str, Any] | None = None
    reply_to: str | None = None
    correlation_id: str | None = None
    root_id: str | None = None
    parent_id: str | None = None
    group: str | None = None
    group_index: int | None = None
    taskset: str | None = None
    chord: Any = None
    callbacks: Any = None
    errbacks: Any = None
    timelimit: Any = None
    logfile: str | None = None
    loglevel: int = 0
    headers: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None
    origin: str | None = None
    shadow: str | None = None
    utc: bool = True
    children: Any = None
    ignore_result: bool = False
    replaced_task_nesting: int = 0
    stamped_headers: Any = None
    stamps: Any = None
    lang: str | None = None
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    deliveries: int = 1
    redelivered: bool = False

    def __init__(self, fields: dict[str, Any] | None = None, **named: Any) -> None:
        if fields:
            self.__dict__.update(fields)
        if named:
            self.__dict__.update(named)

    @property
    def time_limit(self) -> float | None:
        """The hard limit of this call in seconds."""
        return self.timelimit[0] if self.timelimit else None

    @property
    def soft_time_limit(self) -> float | None:
        """The soft limit of this call in seconds."""
        return self.timelimit[1] if self.timelimit else None

    @property
    def chain(self) -> Any:
        """The signatures that follow, as plain dicts, the next one last."""
        found = self.__dict__.get("chain")
        if isinstance(found, Steps):
            found = self.__dict__["chain"] = list(found)
        return found

    @chain.setter
    def chain(self, steps: Any) -> None:
        self.__dict__["chain"] = steps

    @property
    def unread_chain(self) -> Any:
        """The same, as the message brought it."""
        return self.__dict__.get("chain")

    def get(self, key: str, default: Any = None) -> Any:
        """Return a field, or ``default``."""
        return getattr(self, key, default)

    def update(self, *fields: Any, **named: Any) -> None:
        """Set several fields."""
        self.__dict__.update(*fields, **named)

    def clear(self) -> None:
        """Forget everything but the defaults."""
        self.__dict__.clear()

    def __repr__(self) -> str:
        return f"<Context: {self.__dict__!r}>"
