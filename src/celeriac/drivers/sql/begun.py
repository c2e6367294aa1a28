"""What owners have begun and nobody may begin again: it stays held until it has ended, named by marks.

A mark stands for the messages of one batch, so a batch costs one row. Tags of a mark that are held no more have ended: one that is left over does no
harm. Leases here are those of processes of one machine, so whoever has none is dead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from celeriac.drivers.sql.dialect_sqlite import Row
from celeriac.drivers.sql.payload import delivery, pack, queue_of
from celeriac.drivers.sql.store import SqlStore, Transaction
from celeriac.model.envelope import Delivery, Settlement, Tag, Verdict


class Begun:
    """The marks of a store, and what this process knows of its own."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._marks: dict[Tag, Tag] = {}
        self._left: dict[Tag, int] = {}

    def settle(self, write: Transaction, settlements: Iterable[Settlement], owner: str) -> None:
        """Mark what begins; forget marks of which all has ended."""
        tags: list[Tag] = []
        over: list[tuple[Tag]] = []
        marks = self._marks
        for one in settlements:
            if one.verdict is Verdict.BEGIN:
                if one.instead is None:
                    tags.append(one.tag)
                else:
                    write.cursor.execute(self._store.texts["held_exchange"], (pack(one.instead), one.tag, owner))
            elif marks and (mark := marks.pop(one.tag, None)) is not None:
                self._left[mark] -= 1
                if not self._left[mark]:
                    del self._left[mark]
                    over.append((mark,))
        if tags:
            self._mark(write, tags, owner)
        if over:
            write.cursor.executemany(self._store.texts["begun_drop"], over)

    def _mark(self, write: Transaction, tags: Sequence[Tag], owner: str) -> None:
        write.cursor.execute(self._store.texts["begun_put"], (tags[0], owner, " ".join(map(str, tags))))
        self._note(tags[0], tags)

    def _note(self, mark: Tag, tags: Sequence[Tag]) -> None:
        self._left[mark] = len(tags)
        self._marks.update(dict.fromkeys(tags, mark))

    def known(self, owner: str) -> set[Tag]:
        """Learn what an earlier process of this owner had begun; return the tags."""
        for mark, tags in self._store.read("begun_of", (owner,)):
            self._note(mark, _numbers(tags))
        return set(self._marks)

    def of(self, write: Transaction, owner: str) -> set[Tag]:
        """Return the tags of what an owner has begun."""
        return {tag for _, tags in write.cursor.execute(self._store.texts["begun_of"], (owner,)).fetchall() for tag in _numbers(tags)}

    def orphans(self, write: Transaction) -> set[Tag]:
        """Return the tags of what owners that are gone had begun."""
        return {tag for _, _, tags in write.cursor.execute(self._store.texts["begun_orphans"]).fetchall() for tag in _numbers(tags)}

    def inherit(self, queues: Collection[str], owner: str) -> list[tuple[Delivery, str]]:
        """Take over what owners that are gone had begun in these queues."""
        if not self._store.read("begun_orphans"):
            return []
        found: list[tuple[Delivery, str]] = []
        with self._store.write() as write:
            for mark, dead, tags in write.cursor.execute(self._store.texts["begun_orphans"]).fetchall():
                left = 0
                for tag, row in self._rows(write, _numbers(tags)):
                    queue = self._store.queue_name(queue_of(row[0]))
                    if queue in queues:
                        write.cursor.execute(self._store.texts["held_give"], (owner, tag))
                        found.append((delivery(tag, queue, *row), dead))
                    else:
                        left += 1
                if not left:
                    write.cursor.execute(self._store.texts["begun_drop"], (mark,))
            if found:
                self._mark(write, [one.tag for one, _ in found], owner)
        return found

    def _rows(self, write: Transaction, tags: Iterable[Tag]) -> list[tuple[Tag, Row]]:
        text = self._store.texts["held_any"]
        rows = [(tag, write.cursor.execute(text, (tag,)).fetchone()) for tag in tags]
        return [(tag, row) for tag, row in rows if row is not None]


def _numbers(tags: str) -> list[Tag]:
    return [int(tag) for tag in tags.split()]
