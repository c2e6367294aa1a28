"""Several brokers for one: the first that can be reached is used."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from celeriac.contracts.broker import Broker
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.urls import censor
from celeriac.model.errors import OperationalError


def urls_of(found: Any) -> list[str]:
    """Return the URLs that a setting holds: a list of them, or text in which they are separated by semicolons."""
    if isinstance(found, (list, tuple)):
        return [str(url) for url in found]
    if not isinstance(found, str):
        return []
    if found.lower().startswith("sentinel"):
        # Sentinels are named together: each of them knows the one broker.
        return [found.strip()]
    return [url.strip() for url in found.split(";") if url.strip()]


def in_order(urls: Sequence[str], strategy: Any = None, *, shuffle: Callable[[list[str]], None] = random.shuffle) -> list[str]:
    """Return the URLs in the order in which they are tried (setting broker_failover_strategy): as written, shuffled, or as a function yields them."""
    if strategy in (None, "round-robin"):
        return list(urls)
    if strategy == "shuffle":
        shuffled = list(urls)
        shuffle(shuffled)
        return shuffled
    chosen: Iterable[str] = symbol_by_name(strategy)(list(urls))
    # Celery's strategies are endless: each broker is tried once here, and whoever wants to be patient calls again.
    return list(islice(chosen, len(urls)))


def first_reachable(urls: Sequence[str], strategy: Any, open_one: Callable[[str], Broker]) -> Broker:
    """Connect to the first broker that can be reached; raise OperationalError that names all when none can."""
    failures: list[str] = []
    for url in in_order(urls, strategy):
        broker = open_one(url)
        try:
            broker.connect()
        except OperationalError as error:
            if len(urls) == 1:
                raise
            failures.append(f"{censor(url)}: {error}")
            continue
        return broker
    raise OperationalError("None of the brokers could be reached. " + "; ".join(failures))
