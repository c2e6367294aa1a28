"""Results that go out on the consuming channel, each in one write with the settlement of its task's message.

The server gets both or neither: what a process has written is delivered although it is killed, what it has not written comes again. AMQP's
transactions would say the same more strictly, but while one is being committed the server allows nothing else on its channel, and fetching waits.
"""

from __future__ import annotations

from celeriac.drivers.rabbitmq.channel import Channel
from celeriac.drivers.rabbitmq.link import Link
from celeriac.drivers.rabbitmq.methods import Method
from celeriac.model.errors import OperationalError


class Answering:
    """Counts what was published on a channel, and what the server has confirmed; ``begin`` and ``sent`` need the owner's lock."""

    def __init__(self, link: Link, channel: Channel) -> None:
        self._link = link
        self._channel = channel
        self._begun = False
        self._number = 0
        self._open: set[int] = set()
        self._refused = 0

    def begin(self) -> None:
        """From now on the server confirms what is published on this channel."""
        if not self._begun:
            self._channel.call("confirm.select", False)
            self._begun = True

    def sent(self, count: int) -> None:
        """So many messages are about to be sent."""
        self._open.update(range(self._number + 1, self._number + 1 + count))
        self._number += count

    def confirmed(self, method: Method) -> None:
        """The server has taken messages, or refused them; called in the reading thread."""
        number, multiple = method.values[0], method.values[1]
        numbers = [each for each in tuple(self._open) if each <= number] if multiple else [number]
        self._refused += len(numbers) if method.name == "basic.nack" else 0
        self._open.difference_update(numbers)

    def wait(self) -> None:
        """Return when the server has all that was sent so far; raises OperationalError when it has not in time."""
        link = self._link
        if not link.wait(lambda: not self._open or self._channel.closed is not None, link.patience):
            if link.blocked is None:
                raise link.fail(OperationalError(f"RabbitMQ at {link.where} did not confirm in {link.patience:g} s"))
            # What was written is on its way: a connection that is cut would have the messages delivered again.
            raise OperationalError(f"RabbitMQ at {link.where} takes no results at the moment: {link.blocked}")
        refused, self._refused = self._refused, 0
        if refused:
            raise OperationalError(f"RabbitMQ at {link.where} refused {refused} results: a queue is full or has failed")
