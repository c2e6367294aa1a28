"""Looking into the delayed sets."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from celeriac.drivers.redis import messages, scripts
from celeriac.drivers.redis.keys import BrokerKeys, QueueKeys
from celeriac.drivers.redis.server import Server
from celeriac.model.envelope import Delivery

_PORTION = 200
_TWINS = 4
"""So many messages of one task, delayed at the same time in the same list, are found by its id."""


class Delayed:
    """The messages of one broker that are not due yet."""

    def __init__(self, server: Server, keys: BrokerKeys) -> None:
        self._server = server
        self._keys = keys

    def shown(self, queues: Sequence[str], limit: int) -> list[tuple[float, Delivery]]:
        """Return what is due next in these queues."""
        found: list[tuple[float, Delivery]] = []
        for name in queues:
            queue = self._keys.queue(name)
            rows = self._server.one("ZRANGE", queue.delayed, 0, max(0, limit - 1), "WITHSCORES")
            texts = self._server.one("HMGET", queue.delayed_texts, *rows[::2]) if rows else ()
            for named, due, text in zip(rows[::2], rows[1::2], texts):
                if text is not None:
                    found.append((float(due), messages.delivery(text, messages.taken_apart(named)[1], name)))
        return sorted(found, key=lambda each: each[0])[:limit]

    def remove(self, queues: Sequence[str], ids: Collection[str]) -> list[str]:
        """Throw away the messages of these tasks; return the ids that were found."""
        found: list[str] = []
        wanted = list(ids)
        for name in queues:
            for at in range(0, len(wanted), _PORTION):
                found += self._remove(self._keys.queue(name), wanted[at : at + _PORTION])
        return found

    def _remove(self, queue: QueueKeys, ids: Sequence[str]) -> list[str]:
        names: list[str] = []
        for task_id in ids:
            plain = [messages.delayed_name(task_id, step) for step in range(len(queue.lists))]
            names += [*plain, *(f"{one}|{number}" for one in plain for number in range(1, _TWINS))]
        texts = self._server.one("HMGET", queue.delayed_texts, *names)
        # What a text says counts: a name is made without understanding the message.
        there = [(one, messages.delivery(text, "", queue.name).envelope.task_id) for one, text in zip(names, texts) if text is not None]
        there = [(one, task_id) for one, task_id in there if task_id in ids]
        if not there:
            return []
        gone = self._server.call(scripts.CANCEL, (queue.delayed, queue.delayed_texts), [one for one, _ in there])
        return [str(task_id) for (_, task_id), was in zip(there, gone) if was]
