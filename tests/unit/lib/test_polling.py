from __future__ import annotations

import socket

import pytest

from celeriac.lib.polling import READABLE, WRITABLE, SelectPoll


def test_it_tells_what_can_be_read_and_written_as_poll_does() -> None:
    near, far = socket.socketpair()
    with near, far:
        poll = SelectPoll()
        poll.register(near)
        assert poll.poll(0) == []

        far.send(b"x")
        assert poll.poll(1000) == [(near.fileno(), READABLE)]

        poll.modify(near, READABLE | WRITABLE)
        assert poll.poll() == [(near.fileno(), READABLE | WRITABLE)]

        poll.unregister(near)
        assert poll.poll(0) == []
        with pytest.raises(KeyError):
            poll.unregister(near)
