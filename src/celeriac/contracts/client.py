"""What signatures, results and remote control may ask of an application, without importing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from celeriac.contracts.backend import ResultBackend
from celeriac.contracts.broker import Broker
from celeriac.model.plan import Plan
from celeriac.model.record import ResultMeta, ResultRecord


class Client(Protocol):
    """An application's client side."""

    main: str | None

    @property
    def conf(self) -> Any:
        """The settings."""
        ...

    @property
    def tasks(self) -> Any:
        """The registry: a mapping of names to tasks."""
        ...

    @property
    def broker(self) -> Broker:
        """This process's connection to the broker, opened when first used."""
        ...

    @property
    def result_backend(self) -> ResultBackend | None:
        """This process's connection to the result store, or None when results are disabled."""
        ...

    def submit(self, plan: Plan) -> Sequence[ResultMeta]:
        """Send a plan; return the results that are known already: none, or all when tasks run eagerly.

        Asks ``canvas.sending.collected(plan)`` first: when that is true, somebody else sends the plan, together with other effects.
        """
        ...

    def send_task(self, name: str, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Call a task by its name, registered here or not; return its result handle."""
        ...

    def AsyncResult(self, id: str, **options: Any) -> Any:
        """Return the handle of a task's result."""
        ...

    def encode_result(self, meta: ResultMeta) -> ResultRecord:
        """Encode a task-meta with this application's result serializer and expiry."""
        ...

    def decode_result(self, record: ResultRecord) -> ResultMeta:
        """Decode a task-meta."""
        ...
