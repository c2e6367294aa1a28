"""The base of tasks under Django: calls that wait until the transaction is committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction

from celeriac.app.task import Task

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, TypeVar

    P = ParamSpec("P", default=...)
    R = TypeVar("R", default=Any)
else:
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")


class DjangoTask(Task[P, R]):
    """A task whose calls can wait for the end of the transaction; without one they are sent at once, after a rollback never.

    The message is sent after the commit, not with it: a process that dies between the two leaves it unsent. A call that is ``transactional``
    (by option, by its task or by the settings) is written into the transaction, and is sent whatever dies.
    """

    abstract = True

    def delay_on_commit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Send a call with these arguments when the transaction is committed."""
        self.apply_async_on_commit(args, kwargs)

    def apply_async_on_commit(self, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> None:
        """As ``apply_async``, when the transaction is committed."""
        given = options.get("transactional", self.transactional)
        if self.app.conf.task_transactional if given is None else given:
            self.apply_async(args, kwargs, **options)
        else:
            transaction.on_commit(partial(self.apply_async, args, kwargs, **options))
