"""From URLs to Redis brokers, result stores and schedule stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celeriac.drivers.redis.address import address_of
from celeriac.drivers.redis.backend import RedisBackend
from celeriac.drivers.redis.broker import RedisBroker
from celeriac.drivers.redis.cluster import ClusterServer
from celeriac.drivers.redis.keys import BrokerKeys
from celeriac.drivers.redis.schedule_store import RedisScheduleStore
from celeriac.drivers.redis.sentinel import SentinelServer
from celeriac.drivers.redis.server import Server, server_at
from celeriac.lib.urls import Url


def _server(url: Url, options: Mapping[str, Any]) -> Server:
    address = address_of(url, options)
    return server_at(address, ClusterServer if address.cluster else SentinelServer if address.master else Server)


def broker(url: Url, options: Mapping[str, Any], owner: str) -> RedisBroker:
    """Open the broker of a database.

    Options: ``lease`` (seconds), and Celery's, by what reads them: ``address_of`` how connections are made, ``BrokerKeys`` what keys are called,
    ``Foreign`` what becomes of messages that a dead worker of Celery's held, ``Flight`` in which order queues are taken from.
    """
    return RedisBroker(_server(url, options), options, owner=owner, lease=float(options.get("lease", 10.0)))


def backend(url: Url, options: Mapping[str, Any]) -> RedisBackend:
    """Open the result store of a database; options as for brokers, as far as they concern connections, and ``global_keyprefix``."""
    return RedisBackend(_server(url, options), options)


def schedule_store(url: Url, options: Mapping[str, Any]) -> RedisScheduleStore:
    """Open the schedule store of a database; options as for its broker, and ``space`` (one application's name)."""
    server = _server(url, options)
    return RedisScheduleStore(server, BrokerKeys(options, db=server.address.db), str(options.get("space") or ""))
