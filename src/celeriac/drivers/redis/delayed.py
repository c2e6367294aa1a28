"""Looking into the delayed sets."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from celeriac.drivers.redis import messages
from celeriac.drivers.redis.keys import BrokerKeys, QueueKeys
from celeriac.drivers.redis.server import Server
from celeriac.model.envelope import Delivery

_PORTION = 5000
_FEW = 20
"""So many ids are searched for by the server one after the other; more, by reading everything."""
_PLAIN = re.compile(r"[\w.:@/+-]+", re.ASCII)
"""Ids that stand in a message's text as they are, and in a pattern for themselves."""


class Delayed:
    """The messages of one broker that are not due yet."""

    def __init__(self, server: Server, keys: BrokerKeys) -> None:
        self._server = server
        self._keys = keys

    def shown(self, queues: Sequence[str], limit: int) -> list[tuple[float, Delivery]]:
        """Return what is due next in these queues."""
        found: list[tuple[float, Delivery]] = []
        for name in queues:
            rows = self._server.one("ZRANGE", self._keys.queue(name).delayed, 0, max(0, limit - 1), "WITHSCORES")
            for member, due in zip(rows[::2], rows[1::2]):
                _, tag, text = messages.taken_apart(member)
                found.append((float(due), messages.delivery(text, tag, name)))
        return sorted(found, key=lambda each: each[0])[:limit]

    def remove(self, queues: Sequence[str], ids: Collection[str]) -> list[str]:
        """Throw away the messages of these tasks; return the ids that were found."""
        found: list[str] = []
        for name in queues:
            queue = self._keys.queue(name)
            for members in self._candidates(queue, ids):
                named = {member: messages.delivery(messages.taken_apart(member)[2], "", name).envelope.task_id for member in members}
                for member, task_id in named.items():
                    if task_id in ids and self._server.one("ZREM", queue.delayed, member):
                        found.append(str(task_id))
        return found

    def _candidates(self, queue: QueueKeys, ids: Collection[str]) -> Iterator[list[bytes]]:
        """Yield members among which those of these tasks are."""
        searchable = len(ids) <= _FEW and all(_PLAIN.fullmatch(task_id) for task_id in ids)
        for pattern in [f'*"{task_id}"*' for task_id in ids] if searchable else ["*"]:
            cursor = b"0"
            while True:
                cursor, rows = self._server.one("ZSCAN", queue.delayed, cursor, "MATCH", pattern, "COUNT", _PORTION)
                yield rows[::2]
                if cursor == b"0":
                    break
