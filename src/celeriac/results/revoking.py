"""Revoking from the caller's side: kept in the broker's store where that can, and told to all workers of the moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from celeriac.contracts.broker import RemembersRevoked

KEPT = 10_800.0
"""Seconds for which a revoked task is remembered."""


def remember(client: Any, marks: Sequence[str]) -> None:
    """Keep revocations in the broker, else in the result store, for workers that start later or have not heard; some can keep none."""
    for store in (client.broker, client.result_backend) if marks else ():
        if isinstance(store, RemembersRevoked):
            store.remember_revoked(marks, kept=KEPT)
            return


def revoke(
    client: Any, ids: Sequence[str], *, terminate: bool = False, signal: str | None = None, wait: bool = False, timeout: float | None = None
) -> Any:
    """Let tasks never start; ``terminate`` also ends those that run, with ``signal``; ``wait`` for the workers' answers."""
    task_id: Any = ids[0] if len(ids) == 1 else list(ids)
    return client.control.revoke(task_id, terminate=terminate, signal=signal or "SIGTERM", **_waiting(wait, timeout))


def revoke_by_stamps(
    client: Any, headers: Mapping[str, Any], *, terminate: bool = False, signal: str | None = None, wait: bool = False, timeout: float | None = None
) -> Any:
    """As ``revoke``, for all tasks that bear one of these stamps."""
    return client.control.revoke_by_stamped_headers(headers, terminate=terminate, signal=signal or "SIGTERM", **_waiting(wait, timeout))


def _waiting(wait: bool, timeout: float | None) -> dict[str, Any]:
    return {"reply": True, "timeout": 1.0 if timeout is None else timeout} if wait else {}
