from __future__ import annotations

import pytest

from celeriac.drivers.sql.payload import MOST_MESSAGES, MOST_QUEUES, delivery, pack, position, queue_of, span
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import EncodeError


def test_positions_order_by_priority_then_age():
    places = [position(3, 9, 50), position(3, 0, 7), position(3, 9, 51), position(3, 0, 6)]

    assert sorted(places) == [places[0], places[2], places[3], places[1]]


def test_a_span_holds_all_positions_of_its_queue_and_no_others():
    first, last = span(3)

    assert first <= position(3, 255, 0) < position(3, 0, MOST_MESSAGES) <= last
    assert position(2, 0, MOST_MESSAGES) < first
    assert last < position(4, 255, 0)
    assert queue_of(position(3, 7, 12)) == 3


def test_the_largest_position_fits_a_signed_64_bit_number():
    assert position(MOST_QUEUES, 0, MOST_MESSAGES) == 2**63 - 1


def test_a_row_is_handed_out_as_it_was_sent():
    outgoing = Outgoing(Envelope({"id": "é"}, b"\x00\xff", "a", "b", {"priority": 4}), "key", "exchange", priority=4)

    found = delivery(12, "q", position(1, 4, 9), 2, pack(outgoing))

    assert (found.envelope, found.exchange, found.routing_key, found.priority) == (outgoing.envelope, "exchange", "key", 4)
    assert (found.tag, found.queue, found.deliveries, found.redelivered) == (12, "q", 3, True)


@pytest.mark.parametrize("header", [2**70, "\ud800", object()])
def test_headers_that_cannot_be_stored_are_an_encode_error(header: object):
    with pytest.raises(EncodeError, match="celery"):
        pack(Outgoing(Envelope({"x": header}, b""), "celery"))
