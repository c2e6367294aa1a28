"""From URLs to RabbitMQ brokers and result backends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celeriac.drivers.rabbitmq.address import address_of
from celeriac.drivers.rabbitmq.backend import RpcBackend
from celeriac.drivers.rabbitmq.broker import AmqpBroker
from celeriac.lib.clock import SystemClock
from celeriac.lib.urls import Url, parse
from celeriac.model.errors import ImproperlyConfigured


def broker(url: Url, options: Mapping[str, Any], owner: str) -> AmqpBroker:
    """Open the broker of a virtual host.

    Options: ``connect_timeout``, ``publish_timeout`` and ``heartbeat`` (seconds), ``login_method``, ``ssl`` (True or a dict), ``confirm_publish``,
    ``queue_prefix`` and ``native_delayed_delivery_queue_type`` (Celery's native delayed delivery), ``queue_of`` (from a queue's name to
    what it should be like) and ``queue_names`` (the names that are configured).
    """
    clock = options.get("clock") or SystemClock()
    return AmqpBroker(address_of(url, options), owner=owner, clock=clock, ask=options.get("queue_of"), known=options.get("queue_names"))


def backend(url: Url, options: Mapping[str, Any]) -> RpcBackend:
    """Open the result backend ``rpc://``: on the broker of the application, or the one that the URL names.

    Options: ``broker_url`` and ``broker_options`` (those of the broker), ``reply_to`` (the name of this client's queue, "" for a worker),
    ``expires`` (seconds), ``persistent``, ``accept`` (content types of results that are no JSON),
    ``space`` (one application's name: its workers finish its chords).
    """
    where = url if url.host else parse(str(options.get("broker_url") or ""))
    if not url.host and where.scheme not in ("amqp", "amqps", "pyamqp"):
        raise ImproperlyConfigured(f"The result backend rpc:// sends results by the broker, which has to be a RabbitMQ (amqp://), not {where.scheme}://")
    return RpcBackend(
        address_of(where, options.get("broker_options") or options),
        reply_to=str(options.get("reply_to") or ""),
        expires=options.get("expires"),
        persistent=bool(options.get("persistent")),
        accept=options.get("accept"),
        space=str(options.get("space") or ""),
    )
