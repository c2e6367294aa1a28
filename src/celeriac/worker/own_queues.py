"""Queues that one worker has for itself: its share of broadcasts, and the one by which it is addressed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from celeriac.contracts.broker import Broker, DeletesQueues
from celeriac.model.errors import CeleriacError
from celeriac.model.topology import Queue, worker_direct

logger = logging.getLogger("celeriac.worker")


def own_queues(conf: Any, queues: Iterable[Queue], hostname: str) -> list[Queue]:
    """Return what a worker of this node name consumes: of broadcasts its own queue, and with the setting ``worker_direct`` one more."""
    found = [queue.of_worker(hostname) if queue.broadcast else queue for queue in queues]
    return [*found, worker_direct(hostname)] if conf.worker_direct else found


def remove_broadcasts(broker: Broker, queues: Iterable[Queue]) -> None:
    """The worker ends: what is broadcast from now on is not for it."""
    mine = [queue for queue in queues if queue.exchange.type == "fanout" and queue.expires is not None]
    if not isinstance(broker, DeletesQueues):
        return
    for queue in mine:
        try:
            broker.delete(queue)
        except CeleriacError as error:
            logger.warning("consumer: The queue %s stays behind: %s", queue.name, error)
