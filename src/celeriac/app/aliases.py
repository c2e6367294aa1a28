"""Handles under names that programs know from Celery."""

from __future__ import annotations

from types import TracebackType
from typing import Any, NamedTuple, Self

from celeriac.lib.urls import censor

_LACKING = "it is this process's connection in a handle; for what kombu offers use kombu itself: kombu.Connection(app.broker_url)"


_DRIVERS = {"rediss": "redis", "sentinel": "redis", "valkey": "redis", "amqps": "amqp", "pyamqp": "amqp", "rabbitmq": "amqp", "sqla": "sql",
            "sqlite": "sql"}  # fmt: skip


class Transport(NamedTuple):
    """The kind of a broker, as monitors ask for it: amqp, redis, sql, memory."""

    driver_type: str

    @property
    def driver_name(self) -> str:
        """The same."""
        return self.driver_type


class Borrowed:
    """This process's broker connection in the shape of a connection or producer that is taken from a pool and given back."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"A connection of this application has no {name!r}: {_LACKING}", name=name)

    def ensure_connection(self, *args: Any, **options: Any) -> Self:
        """Reach the broker; raises OperationalError when it cannot be reached."""
        self.app.broker.connect()
        return self

    connect = ensure_connection

    def as_uri(self, include_password: bool = False) -> str:
        """Return the URL of the broker."""
        url: str = self.app.broker_url
        return url if include_password else censor(url)

    @property
    def connection(self) -> Self:
        """The connection of this producer."""
        return self

    @property
    def connected(self) -> bool:
        """Whether the broker is reached when it is asked for: it is, or that raises."""
        return True

    @property
    def transport_cls(self) -> str:
        """The scheme of the broker's URL."""
        url: str = self.app.broker_url
        return url.partition(":")[0]

    @property
    def transport(self) -> "Transport":
        """What kind of broker it is."""
        return Transport(_DRIVERS.get(self.transport_cls.partition("+")[0], self.transport_cls))

    def close(self) -> None:
        """Nothing to do: the connection belongs to the process."""

    release = close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()
