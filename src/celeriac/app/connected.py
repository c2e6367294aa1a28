"""The part of an application that reaches broker and result store, and writes what goes there."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from celeriac.app import embedded
from celeriac.app.failover import first_reachable, urls_of
from celeriac.app.pools import Connections
from celeriac.app.publisher import Publisher
from celeriac.app.queues import Queues
from celeriac.app.replaced import made
from celeriac.app.routing import Router
from celeriac.config.settings import Settings
from celeriac.contracts.backend import ResultBackend
from celeriac.contracts.broker import Broker
from celeriac.contracts.schedule_store import ScheduleStore
from celeriac.contracts.settler import Settler
from celeriac.drivers.registry import open_backend, open_broker, open_schedule_store, settler_for
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.lamport import LamportClock
from celeriac.model.errors import QueueNotFound
from celeriac.model.record import ResultMeta, ResultRecord
from celeriac.model.topology import Queue
from celeriac.wire.results import decode_result
from celeriac.wire.serializers import content_types

OURS = frozenset({"memory", "sqlite", "sql+sqlite", "sqla+sqlite"})
"""Brokers whose messages no Celery worker reads."""


class Derived(NamedTuple):
    """What was made of the settings, and the state of them at which it was."""

    generation: int
    publisher: Publisher
    accept: frozenset[str]
    accept_results: frozenset[str]
    timezone: tzinfo
    keeps_parts: bool


class Connected(ABC):
    """Mixed into the application; asks of it only its settings and its project's folder."""

    @property
    @abstractmethod
    def conf(self) -> Settings:
        """The settings."""

    _project: str
    main: str | None
    replaced: dict[str, Any]

    def _start_unconnected(self) -> None:
        self._connections = Connections(self._open_client_broker, self.open_backend)
        self._derived: Derived | None = None

    @property
    def broker_url(self) -> str:
        """The broker that is used: the setting's, or the embedded file."""
        conf = self.conf
        return next(iter(urls_of(conf.broker_write_url or conf.broker_url)), None) or f"sqlite:///{self.embedded_file}"

    @property
    def backend_url(self) -> str | None:
        """The result store that is used, None when results are disabled; the embedded file when neither it nor a broker is configured."""
        conf = self.conf
        chosen = next(iter(urls_of(conf.result_backend)), None)
        if chosen:
            return None if chosen.startswith("disabled") else chosen
        return f"db+sqlite:///{self.embedded_file}" if self.embedded else None

    @property
    def embedded(self) -> bool:
        """Whether no broker is configured, so that the embedded file is used."""
        conf = self.conf
        return not (conf.broker_url or conf.broker_write_url or conf.broker_read_url)

    @property
    def embedded_file(self) -> str:
        """The path of the embedded file; its folder is made."""
        return embedded.embedded_file(self._project, setting=self.conf.embedded_file, environ=os.environ)

    @property
    def broker(self) -> Broker:
        """This process's connection to the broker, opened when first used."""
        return self._connections.broker

    @property
    def result_backend(self) -> ResultBackend | None:
        """This process's connection to the result store, or None when results are disabled."""
        return self._connections.backend

    def open_broker(self, owner: str = "") -> Broker:
        """Return a new connection to the broker; ``owner`` is the worker that fetches by it."""
        conf = self.conf
        chosen = urls_of(conf.broker_read_url if owner and conf.broker_read_url else conf.broker_write_url or conf.broker_url)
        options = self._broker_options()
        return first_reachable(chosen or [self.broker_url], conf.broker_failover_strategy, lambda url: open_broker(url, options=options, owner=owner))

    def open_schedule_store(self, space: str) -> ScheduleStore:
        """Return a schedule store on the broker, which must be able to keep one (``registry.keeps_schedules``)."""
        return open_schedule_store(self.broker_url, options={**self._broker_options(), "space": space})

    def _broker_options(self) -> dict[str, Any]:
        conf = self.conf
        return {
            "lease": conf.worker_lease,
            "publish_timeout": conf.broker_publish_timeout,
            "connect_timeout": conf.broker_connection_timeout,
            # Unless somebody chose it: Celery's default lets a dead connection go unnoticed for minutes.
            "heartbeat": conf.broker_heartbeat if "broker_heartbeat" in conf.changes else None,
            "login_method": conf.broker_login_method,
            "ssl": conf.broker_use_ssl or None,
            **({"max_connections": conf.broker_pool_limit} if "broker_pool_limit" in conf.changes else {}),
            "vhost": conf.broker_vhost,
            "native_delayed_delivery_queue_type": conf.broker_native_delayed_delivery_queue_type,
            "queue_of": self._queue_of,
            "queue_names": lambda: list(self.queues),
            **(conf.broker_transport_options or {}),
        }

    def _queue_of(self, name: str) -> Queue | None:
        """What a queue should be like, for brokers whose server has to be told."""
        try:
            return self.queues[name]
        except QueueNotFound:
            return None

    def _open_client_broker(self) -> Broker:
        broker = self.open_broker()
        named = [queue for queue in self.queues.to_consume() if (queue.exchange.type != "direct" or queue.bindings) and not queue.broadcast]
        if named:
            broker.declare(named)
        return broker

    def open_backend(self) -> ResultBackend | None:
        """Return a new connection to the result store, or None when results are disabled."""
        url = self.backend_url
        backend = None if url is None else open_backend(url, options=self._backend_options(url))
        if backend is not None:
            backend.connect()
        return backend

    def close_connections(self) -> None:
        """Close this process's connections; the next use opens them again."""
        self._connections.close()

    def _backend_options(self, url: str) -> dict[str, Any]:
        conf = self.conf
        options = dict(conf.result_backend_transport_options or {})
        if url.startswith(_REDIS):
            named = {name: conf[setting] for name, setting in _REDIS_SETTINGS.items() if setting in conf.changes and conf[setting] is not None}
            unsaid = {name: conf[f"redis_{name}"] for name in ("host", "port", "db", "username", "password")}
            return {"where_unsaid": unsaid, **named, **options}
        if url.partition(":")[0] != "rpc":
            # What others wrote is made with the application, as Celery does.
            return options if url.partition("://")[0] in _PLAIN else {"app": self, **options}
        known = {"broker_url": self.broker_url, "broker_options": self._broker_options(), "reply_to": self.thread_oid, "accept": self.accept_results}
        known["space"] = self.main or ""
        return {**known, "expires": conf.seconds("result_expires"), "persistent": conf.result_persistent, **options}

    @property
    @abstractmethod
    def thread_oid(self) -> str:
        """The id by which this process's results are addressed."""

    def settler(self, broker: Broker, backend: ResultBackend | None = None) -> Settler:
        """Return what carries out effects by this broker and result store (by default this process's)."""
        return settler_for(broker, backend if backend is not None else self.result_backend)

    @property
    def accept_results(self) -> frozenset[str]:
        """The content types that are accepted in results."""
        return self._derive().accept_results

    @property
    def keeps_parts(self) -> bool:
        """Whether large parts of workflows are kept in the result store and messages refer to them (setting ``task_workflow_parts``)."""
        return self._derive().keeps_parts

    @property
    def publisher(self) -> Publisher:
        """Routes and encodes by the settings of the moment."""
        return self._derive().publisher

    @property
    def queues(self) -> Queues:
        """The queues by name."""
        return self.publisher.router.queues

    @property
    def accept(self) -> frozenset[str]:
        """The content types that are accepted in task messages."""
        return self._derive().accept

    def _derive(self) -> Derived:
        conf = self.conf
        derived = self._derived
        if derived is None or derived.generation != conf.generation:
            if derived is not None:
                self._forget_settled()
            results = conf.result_accept_content if conf.result_accept_content is not None else conf.accept_content
            derived = self._derived = Derived(
                conf.generation,
                Publisher(self, Router(conf, Queues(conf))),
                content_types(conf.accept_content),
                content_types([*results, conf.result_serializer]),
                _zone(conf),
                self._refers(conf.task_workflow_parts),
            )
        return derived

    def _refers(self, how: str) -> bool:
        if how == "auto":
            # Where a Celery worker may read the messages, they have to hold everything.
            return self.broker_url.partition(":")[0] in OURS and self.backend_url is not None
        return how == "reference" and self.backend_url is not None

    @abstractmethod
    def _forget_settled(self) -> None:
        """Let the tasks read the settings anew."""

    def encode_result(self, meta: ResultMeta) -> ResultRecord:
        """Encode a task-meta with the settings' serializer and expiry."""
        return self.publisher.encode_result(meta)

    def decode_result(self, record: ResultRecord) -> ResultMeta:
        """Decode a task-meta."""
        return decode_result(record, self._derive().accept_results)

    @cached_property
    def control(self) -> Any:
        """Remote control of workers (``control.Control``)."""
        return made(self, "control", self.replaced.get("control"), symbol_by_name("celeriac.control:Control"))

    @cached_property
    def clock(self) -> LamportClock:
        """The logical clock of what this process says and hears by events and remote control."""
        return LamportClock()

    @cached_property
    def events(self) -> Any:
        """Events of workers and tasks (``events.facade.Events``): ``Receiver``, ``Dispatcher``, ``State``."""
        return made(self, "events", self.replaced.get("events"), symbol_by_name("celeriac.events.facade:Events"))

    @cached_property
    def aio(self) -> Any:
        """The asyncio front (``aio.AsyncFront``)."""
        return symbol_by_name("celeriac.app.aio:AsyncFront")(self)


_PLAIN = frozenset({"memory", "cache+memory", "sqlite", "sql+sqlite", "db+sqlite", "database+sqlite"})
"""Result stores that need nothing but their URL."""
_REDIS = ("redis", "sentinel:", "valkey")
_REDIS_SETTINGS = {
    "ssl": "redis_backend_use_ssl",
    "max_connections": "redis_max_connections",
    "socket_timeout": "redis_socket_timeout",
    "socket_connect_timeout": "redis_socket_connect_timeout",
    "socket_keepalive": "redis_socket_keepalive",
    "retry_on_timeout": "redis_retry_on_timeout",
    "health_check_interval": "redis_backend_health_check_interval",
    "credential_provider": "redis_backend_credential_provider",
    "client_name": "redis_client_name",
}
"""Option of the driver -> setting of a result store in Redis."""


def _zone(conf: Settings) -> tzinfo:
    zone = conf.timezone
    if zone:
        return ZoneInfo(zone) if isinstance(zone, str) else cast(tzinfo, zone)
    return UTC if conf.enable_utc else datetime.now().astimezone().tzinfo or UTC
