"""From URLs to Redis brokers, result stores and schedule stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celeriac.drivers.redis.address import address_of
from celeriac.drivers.redis.backend import RedisBackend
from celeriac.drivers.redis.broker import RedisBroker
from celeriac.drivers.redis.cluster import ClusterServer
from celeriac.drivers.redis.keys import SEPARATOR, STEPS, BrokerKeys
from celeriac.drivers.redis.schedule_store import RedisScheduleStore
from celeriac.drivers.redis.server import Server, server_at
from celeriac.lib.urls import Url


def _server(url: Url, options: Mapping[str, Any]) -> Server:
    return server_at(address_of(url, options), lambda address: ClusterServer(address) if address.cluster else Server(address))


def broker(url: Url, options: Mapping[str, Any], owner: str) -> RedisBroker:
    """Open the broker of a database.

    Options: ``lease`` (seconds), and Celery's: ``global_keyprefix``, ``priority_steps``, ``sep``, ``visibility_timeout`` (seconds after which what a
    dead worker of Celery's took is put back; our own need none), ``master_name``, ``sentinels``, ``sentinel_kwargs``, ``socket_timeout``,
    ``socket_connect_timeout``, ``client_name``, ``ssl_*``; ``connections`` is how many a process opens for commands.
    """
    return RedisBroker(_server(url, options), options, owner=owner, lease=float(options.get("lease", 10.0)))


def backend(url: Url, options: Mapping[str, Any]) -> RedisBackend:
    """Open the result store of a database; options as for brokers, as far as they concern connections, and ``global_keyprefix``."""
    return RedisBackend(_server(url, options), options)


def schedule_store(url: Url, options: Mapping[str, Any]) -> RedisScheduleStore:
    """Open the schedule store of a database; options as for its broker."""
    server = _server(url, options)
    keys = BrokerKeys(
        prefix=str(options.get("global_keyprefix") or ""),
        steps=options.get("priority_steps") or STEPS,
        separator=options.get("sep") or SEPARATOR,
        db=server.address.db,
    )
    return RedisScheduleStore(server, keys)
