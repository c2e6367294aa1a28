"""What one owner has begun and nobody may begin again: it stays in the owner's hands until it has ended, named by marks.

A mark stands for the messages of one batch, so that a batch costs two commands however large it is; it is named after the first of them. Tags among
a mark's that are held no more have ended, so a mark that is left over does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from celeriac.drivers.redis import lease_scripts
from celeriac.drivers.redis.batch import Writing
from celeriac.drivers.redis.keys import BrokerKeys, QueueKeys
from celeriac.drivers.redis.server import Server
from celeriac.model.envelope import Settlement, Tag, Verdict

SEEN = b""
"""The field that is no mark: when this owner was first found without a lease."""
HEIR = "heir."
"""How marks begin of what was taken over; the old owner's name follows after a number and a point."""


class _Mark:
    """One batch: where its mark is, and how many of its messages have not ended."""

    __slots__ = ("left", "name", "queue")

    def __init__(self, name: str, queue: QueueKeys, left: int) -> None:
        self.name = name
        self.queue = queue
        self.left = left


class Change:
    """What a batch of verdicts changes of it: tags that begin, by queue; how many are left of marks of which some have ended; those."""

    __slots__ = ("begin", "ended", "left")

    def __init__(self, begin: dict[str, list[str]], left: dict[_Mark, int], ended: list[Tag]) -> None:
        self.begin = begin
        self.left = left
        self.ended = ended


class Begun:
    """The marks of one owner. They are changed by whoever settles, one batch at a time."""

    def __init__(self, server: Server, keys: BrokerKeys, owner: str) -> None:
        self._server = server
        self._keys = keys
        self._owner = owner
        self._marks: dict[Tag, _Mark] = {}

    def change(self, settlements: Iterable[Settlement]) -> Change:
        """Return what verdicts change."""
        begin: dict[str, list[str]] = {}
        left: dict[_Mark, int] = {}
        ended: list[Tag] = []
        marks = self._marks
        for one in settlements:
            if one.verdict is Verdict.BEGIN:
                if one.instead is not None and one.tag in marks:
                    continue
                if one.queue in begin:
                    begin[one.queue].append(one.tag)  # type: ignore[arg-type]
                else:
                    begin[one.queue] = [str(one.tag)]
            elif (mark := marks.get(one.tag)) is not None:
                left[mark] = left.get(mark, mark.left) - 1
                ended.append(one.tag)
        return Change(begin, left, ended)

    def add_to(self, writing: Writing, change: Change) -> None:
        """Add to what is going to be written: marks of what begins, and an end to those of which all has ended."""
        for name, tags in change.begin.items():
            queue = self._keys.queue(name)
            writing.at(queue.owners).mark(queue.begun(self._owner), tags[0], " ".join(tags))
        for mark, count in change.left.items():
            if count <= 0:
                writing.at(mark.queue.owners).acknowledge(mark.queue.begun(self._owner), (mark.name,))

    def settled(self, change: Change) -> None:
        """Note that it was written."""
        for name, tags in change.begin.items():
            self._marks.update(dict.fromkeys(tags, _Mark(tags[0], self._keys.queue(name), len(tags))))
        for mark, count in change.left.items():
            mark.left = count
        for tag in change.ended:
            self._marks.pop(tag, None)

    def known(self, queues: Iterable[str]) -> set[Tag]:
        """Learn from the store what an earlier process of this owner had begun; return the tags."""
        for name in queues:
            queue = self._keys.queue(name)
            for mark, tags in self.read(queue, self._owner).items():
                found = _Mark(mark, queue, len(tags))
                self._marks.update((tag, found) for tag in tags)
        return set(self._marks)

    def read(self, queue: QueueKeys, owner: str) -> dict[str, list[str]]:
        """Return the marks of an owner, with their tags."""
        rows = self._server.one("HGETALL", queue.begun(owner))
        return {mark.decode(): tags.decode().split() for mark, tags in zip(rows[::2], rows[1::2]) if mark != SEEN}

    def take_over(self, queue: QueueKeys, dead: str, found: Sequence[tuple[str, bytes]], tags: Sequence[str], patience: float) -> bool | None:
        """Take what a dead owner had begun, as (tag, text where it had only arrived), under new tags.

        None while it has not been without a lease for ``patience`` seconds under the eyes of anybody; otherwise whether anything was there.
        """
        keys = (queue.owners, queue.held(dead), queue.taken(dead), queue.begun(dead), queue.held(self._owner), queue.begun(self._owner))
        arguments: list[object] = [dead, patience, f"{HEIR}{tags[0] if tags else ''} {dead}"]
        for (tag, text), new in zip(found, tags):
            arguments += (tag, text, new)
        count = self._server.call(lease_scripts.INHERIT, keys, arguments)
        return None if count < 0 else bool(count)

    def inherited(self, queues: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        """Return what was taken over and has not been told of, by queue: tag -> its old owner."""
        found: dict[str, dict[str, str]] = {}
        for name in queues:
            queue = self._keys.queue(name)
            for mark, tags in self.read(queue, self._owner).items():
                if mark.startswith(HEIR) and tags[0] not in self._marks:
                    known = _Mark(mark, queue, len(tags))
                    self._marks.update((tag, known) for tag in tags)
                    found.setdefault(name, {}).update(dict.fromkeys(tags, mark.partition(" ")[2]))
        return found


def names(marks: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the tags of all these marks."""
    return {tag for tags in marks.values() for tag in tags}
