"""What the engine needs of a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from celeriac.model.request import Request


class Runnable(Protocol):
    """A registered task as the engine sees it."""

    name: str
    acks_late: bool | None
    acks_on_failure_or_timeout: bool | None
    acks_on_failure: bool | None
    acks_on_timeout: bool | None
    reject_on_worker_lost: bool | None
    retry_on_worker_lost: bool | None
    ignore_result: bool | None
    store_errors_even_if_ignored: bool | None
    track_started: bool | None
    throws: tuple[type[BaseException], ...]
    max_retries: int | None
    default_retry_delay: float
    autoretry_for: tuple[type[BaseException], ...]
    dont_autoretry_for: tuple[type[BaseException], ...]
    retry_kwargs: dict[str, Any]
    retry_backoff: int | float | bool
    retry_backoff_max: float
    retry_jitter: bool
    time_limit: float | None
    soft_time_limit: float | None
    resultrepr_maxsize: int
    send_events: bool

    run: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def push_request(self, request: Request) -> None: ...
    def pop_request(self) -> None: ...
    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None: ...
    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None: ...
    def on_failure(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None: ...
    def on_retry(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None: ...
    def after_return(self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None: ...
