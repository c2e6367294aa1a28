"""A worker that begins asks another what was revoked, where no store keeps it; workers of Celery's ask and answer in the same words."""

from __future__ import annotations

import logging
from typing import Any

from celeriac.model.errors import OperationalError
from celeriac.worker.parts import Parts, Station

logger = logging.getLogger("celeriac.worker")

PATIENCE = 1.0
"""Seconds in which somebody has to answer."""
_ANSWERS = 2
"""One's own, and one of another's: what is revoked is told to all, so each knows it."""


def mingle(parts: Parts, station: Station) -> None:
    """Learn from another worker which tasks are revoked, before anything is fetched; a store that keeps it knows more, and is asked instead."""
    if station.remembers is not None or parts.options.without_mingle:
        return
    hostname, revoked = parts.options.hostname, station.gate.revoked
    try:
        replies: dict[str, Any] = parts.app.control.inspect(timeout=PATIENCE, limit=_ANSWERS).hello(hostname, revoked.ids()) or {}
    except OperationalError as error:
        logger.warning("mingle: Cannot ask other workers which tasks are revoked: %s", error)
        return
    for node, reply in replies.items():
        if node == hostname or not isinstance(reply, dict):
            continue
        ids = [str(each) for each in reply.get("revoked") or ()]
        new = [each for each in ids if each not in revoked]
        if new:
            station.revocations.add(new)
        logger.info("mingle: %s knows of %d revoked tasks.", node, len(ids))
