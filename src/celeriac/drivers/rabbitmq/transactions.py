"""Transactions on the consuming channel: results and the settlements of their tasks, which the server carries out together or not at all.

They are begun when they are needed first, and hold for the channel from then on: every settlement ends with a commit.
"""

from __future__ import annotations

from celeriac.drivers.rabbitmq.channel import Channel
from celeriac.drivers.rabbitmq.link import Link
from celeriac.drivers.rabbitmq.methods import encode
from celeriac.model.errors import OperationalError


class Transactions:
    """Begins transactions on a channel, and counts their ends; ``begin`` and ``end`` must be called with the owner's lock held."""

    def __init__(self, link: Link, channel: Channel) -> None:
        self._link = link
        self._channel = channel
        self._commit = encode("tx.commit", channel.number)
        self._begun = False
        self._sent = self._done = 0

    def begin(self) -> None:
        """From now on everything on this channel waits for a commit."""
        if not self._begun:
            self._channel.call("tx.select")
            self._begun = True

    def end(self) -> bytes:
        """Return what commits the settlements that go before it."""
        if not self._begun:
            return b""
        self._sent += 1
        return self._commit

    def committed(self) -> None:
        """The server has carried out the oldest transaction; called in the reading thread."""
        self._done += 1

    def wait(self) -> None:
        """Return when the server has carried out what was sent so far; raises OperationalError when it does not in time."""
        link, sent = self._link, self._sent
        if self._done >= sent or link.wait(lambda: self._done >= sent or self._channel.closed is not None, link.patience):
            return
        if link.blocked is not None:
            # What was sent is on its way and will be carried out: a connection that is cut would have the messages delivered again.
            raise OperationalError(f"RabbitMQ at {link.where} takes no results at the moment: {link.blocked}")
        raise link.fail(OperationalError(f"RabbitMQ at {link.where} did not commit in {link.patience:g} s"))
