"""From a URL to a driver. Drivers are imported when their scheme is first used, never before."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, cast

from celeriac.contracts.backend import ResultBackend
from celeriac.contracts.broker import Broker
from celeriac.contracts.schedule_store import ScheduleStore
from celeriac.contracts.settler import Fuses, Settler
from celeriac.drivers.two_step import TwoStep
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.urls import Url, censor, parse
from celeriac.model.errors import ImproperlyConfigured

OpenBroker = Callable[[Url, Mapping[str, Any], str], Broker]
OpenBackend = Callable[[Url, Mapping[str, Any]], ResultBackend]
OpenScheduleStore = Callable[[Url, Mapping[str, Any]], ScheduleStore]

_MEMORY = "celeriac.drivers.memory.opening"
_SQL = "celeriac.drivers.sql.opening"
_REDIS = "celeriac.drivers.redis.opening"
_RABBITMQ = "celeriac.drivers.rabbitmq.opening"
_REDIS_SCHEMES = ("redis", "rediss", "redis+socket", "redis+cluster", "rediss+cluster", "sentinel", "valkey", "valkeys", "unix")

BROKERS: dict[str, str] = {
    "memory": f"{_MEMORY}:broker",
    "sqlite": f"{_SQL}:broker",
    "sql+sqlite": f"{_SQL}:broker",
    "sqla+sqlite": f"{_SQL}:broker",
    "sqlalchemy+sqlite": f"{_SQL}:broker",
    **dict.fromkeys(_REDIS_SCHEMES, f"{_REDIS}:broker"),
    **dict.fromkeys(("amqp", "amqps", "pyamqp"), f"{_RABBITMQ}:broker"),
}
"""Scheme of a broker URL -> ``module:function`` that takes (Url, options, owner)."""

BACKENDS: dict[str, str] = {
    "memory": f"{_MEMORY}:backend",
    "cache+memory": f"{_MEMORY}:backend",
    "sqlite": f"{_SQL}:backend",
    "sql+sqlite": f"{_SQL}:backend",
    "db+sqlite": f"{_SQL}:backend",
    "database+sqlite": f"{_SQL}:backend",
    **dict.fromkeys(_REDIS_SCHEMES, f"{_REDIS}:backend"),
    "rpc": f"{_RABBITMQ}:backend",
    "django-db": "celeriac.django.opening:database",
    "django-cache": "celeriac.django.opening:cache",
}
"""Scheme of a result store URL -> ``module:function`` that takes (Url, options)."""

SCHEDULE_STORES: dict[str, str] = {
    scheme: f"{module}:schedule_store" for scheme, path in BROKERS.items() if (module := path.partition(":")[0]) in (_MEMORY, _SQL, _REDIS)
}
"""Scheme of a URL -> ``module:function`` that takes (Url, options): brokers that can keep schedules too, and stores that are no brokers."""
SCHEDULE_STORES["django-db"] = "celeriac.django.opening:schedule_store"

CELERY_BACKENDS = "celery.result_backends"
"""Entry points by which packages bring result stores that were written for Celery."""
_CUSTOM = "celeriac.drivers.celery_backend.opening:backend"

_MESSAGES = ("amqp", "amqps", "pyamqp")
"""Schemes of a broker that people give for results too: Celery's store of that name is gone since 5.0."""
_LATER = {
    *("py-amqp", "librabbitmq", "sqs", "sqla", "sql", "postgresql", "mysql"),
    *("mongodb", "filesystem", "kafka", "confluentkafka", "gcpubsub", "consul", "etcd", "zookeeper", "azurestoragequeues", "azureservicebus"),
    *("qpid", "pyro", "db", "database", "cache", "memcache", "elasticsearch", "cassandra", "couchbase", "couchdb", "cosmosdbsql"),
    *("arangodb", "dynamodb", "s3", "azureblockblob", "gs", "gcs", "file", "coredis", "riak"),
}
"""Schemes (their part before a ``+``) that Celery knows and this version does not: a clear refusal instead of a guess."""


def open_broker(url: str, *, options: Mapping[str, Any] = {}, owner: str = "") -> Broker:
    """Return the broker that a URL names, not yet connected; ``owner`` is the worker that fetches by it, "" a client that only publishes.

    Options: ``lease`` (seconds after which a dead owner's messages come back) and what the driver knows of its own.
    """
    opener = _find(url, "broker", BROKERS)
    return cast(OpenBroker, opener)(parse(url), options, owner)


def open_backend(url: str, *, options: Mapping[str, Any] = {}) -> ResultBackend | None:
    """Return the result store that a URL names, not yet connected, or None for ``disabled://``."""
    if _scheme(url) == "disabled":
        return None
    custom = _custom_class(url)
    if custom is not None:
        return cast(ResultBackend, symbol_by_name(_CUSTOM)(custom, url, options))
    opener = _find(url, "result backend", BACKENDS)
    return cast(OpenBackend, opener)(parse(url), options)


def _custom_class(url: str) -> Any:
    """Return the class that a result store is given by: ``module:Class``, ``module.Class``, or an entry point that a package has for Celery."""
    path = url.partition("://")[0].strip()
    if path.lower() in BACKENDS or path.partition("+")[0].lower() in _LATER:
        return None
    if "." not in path and ":" not in path:
        entries = [*importlib.import_module("importlib.metadata").entry_points(group=CELERY_BACKENDS, name=path)]
        return entries[0].load() if entries else None
    try:
        return symbol_by_name(path)
    except (ImportError, AttributeError) as error:
        raise ImproperlyConfigured(f"result_backend = {censor(url)!r}: that class cannot be imported: {error}") from error


def open_schedule_store(url: str, *, options: Mapping[str, Any] = {}) -> ScheduleStore:
    """Return the schedule store that a URL names; ``options`` are those of its broker, and ``space`` (one application's name)."""
    opener = _find(url, "schedule store", SCHEDULE_STORES)
    return cast(OpenScheduleStore, opener)(parse(url), options)


def keeps_schedules(url: str) -> bool:
    """Tell whether the broker that a URL names can keep schedules, so that a slot is marked and its messages are sent in one write."""
    scheme = _scheme(url)
    return scheme in SCHEDULE_STORES and "cluster" not in scheme


def settler_for(broker: Broker, backend: ResultBackend | None) -> Settler:
    """Return what carries out effects: one write for both stores if they are one, else two steps."""
    if backend is not None and isinstance(broker, Fuses):
        fused = broker.fuse(backend)
        if fused is not None:
            return fused
    return TwoStep(broker, backend)


_GROUPS = {"broker": "celeriac.brokers", "result backend": "celeriac.backends", "schedule store": "celeriac.schedule_stores"}
"""Entry points by which other packages bring drivers."""


def _scheme(url: str) -> str:
    return url.partition("://")[0].strip().lower()


def _find(url: str, what: str, table: Mapping[str, str]) -> Any:
    scheme = _scheme(url)
    path = table.get(scheme)
    if path is not None:
        return symbol_by_name(path)
    group = _GROUPS[what]
    # Imported here because reading the installed distributions' metadata takes longer than all of celeriac.
    metadata = importlib.import_module("importlib.metadata")
    for entry in metadata.entry_points(group=group, name=scheme):
        return entry.load()
    have = ", ".join(f"{name}://" for name in table)
    if scheme.partition("+")[0] in _LATER:
        raise ImproperlyConfigured(f"This version of celeriac has no driver yet for the {what} {censor(url)!r}; it has {have}")
    nearest = get_close_matches(scheme, [*table, *_LATER], n=1)
    hint = f"; did you mean {nearest[0]}://?" if nearest else ""
    if what == "result backend" and scheme in _MESSAGES:
        hint = "; results that travel as messages are rpc://."
    raise ImproperlyConfigured(f"Unknown scheme {scheme!r} in the {what} URL {censor(url)!r}{hint} Known are {have}, and entry points of {group!r}")
