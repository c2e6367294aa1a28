from __future__ import annotations

import pytest

from celeriac.drivers.rabbitmq.chord_queue import (
    DONE,
    PREFIX,
    SENT,
    Contents,
    Look,
    announced,
    look_message,
    looks_for,
    mark,
    part_message,
    queue_of,
    read_look,
    size_message,
)
from celeriac.lib.ids import made_at, uuid
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.record import EXTRA
from celeriac.testing.conformance.making import part


def contents(*messages: Outgoing) -> Contents:
    found = Contents("g1")
    for message in messages:
        found.add(message.envelope)
    return found


def written(index: int, *, more: int = 0, chord: bytes = b"", **how: bool | int) -> Outgoing:
    return part_message(part(index, **how).replace(more=more, chord=chord), tell=bool(chord))  # type: ignore[arg-type]


def test_a_chord_is_due_with_its_last_part_in_order_of_index() -> None:
    assert contents(written(2), written(0)).due() is None

    due = contents(written(2), written(0), written(1)).due()

    assert due is not None
    assert (due.parts, due.failed) == ((part(0), part(1), part(2)), False)


def test_a_part_that_was_written_twice_counts_once_and_the_first_counts() -> None:
    late = part_message(part(0).replace(body=b"late"), tell=True)

    found = contents(written(0), late, written(1))

    assert found.due() is None
    assert (found.count, found.missing(), found.parts[0].body) == (3, 1, b"0")


def test_a_failed_part_makes_it_due_and_brings_the_body_along() -> None:
    due = contents(written(0, chord=b"body"), written(1, failed=True)).due()

    assert due is not None
    assert (due.failed, [p.index for p in due.parts], due.parts[0].chord) == (True, [1], b"body")


@pytest.mark.parametrize(
    ("messages", "missing"),
    [
        ([], 3),
        ([written(0)], 2),
        ([written(0, more=2)], 4),
        ([written(0, more=2), written(EXTRA)], 3),
        ([written(EXTRA), written(EXTRA * 2)], 3),
    ],
)
def test_it_is_known_how_many_messages_have_to_come_at_least(messages: list[Outgoing], missing: int) -> None:
    assert contents(*messages).missing(3) == missing


def test_nobody_knows_what_is_missing_of_a_chord_whose_size_was_not_told() -> None:
    unknown = [written(n, size=0) for n in range(3)]

    assert (contents(*unknown).missing(), contents(*unknown).due()) == (None, None)
    assert contents(*unknown, size_message("g1", 3)).due() is not None


@pytest.mark.parametrize(("marks", "over", "done"), [((), False, False), ((SENT,), True, False), ((SENT, DONE), True, True), ((DONE,), True, True)])
def test_marks_say_how_far_the_end_of_a_chord_has_come(marks: tuple[str, ...], over: bool, done: bool) -> None:
    found = contents(written(0), *(mark(kind, "g1", durable=True) for kind in marks))

    assert (found.over, found.done) == (over, done)


def test_what_is_no_message_of_ours_is_passed_over() -> None:
    found = Contents("g1")

    for envelope in (Envelope({}, b"?"), Envelope({"celeriac-chord": "part"}, b"?"), Envelope({"celeriac-chord": "size"}, b"\xa1x")):
        found.add(envelope)

    assert (found.count, found.parts, found.size, found.over) == (3, {}, 0, False)
    assert read_look(Envelope({}, b"")) is None
    assert read_look(Envelope({"celeriac-chord": "look"}, b"?")) is None


def test_a_mark_outlives_the_server_only_when_it_is_all_that_is_left() -> None:
    assert mark(SENT, "g1", durable=False).envelope.properties == {"delivery_mode": 1}
    assert mark(DONE, "g1", durable=True).envelope.properties == {}


def test_one_look_a_chord_is_asked_for_and_it_says_whether_a_part_has_failed() -> None:
    looks = looks_for([part(0), part(1, failed=True), part(2), part(0, group="g2", size=0)])

    assert looks == [Look("g1", 3, True), Look("g2", 0)]
    assert read_look(look_message(looks[0], "q").envelope) == looks[0]


def test_the_name_of_a_queue_fits_whatever_the_group_is_called() -> None:
    assert queue_of("g1") == f"{PREFIX}g1"
    assert len(queue_of("ü" * 250)) < 256
    assert queue_of("ü" * 250) != queue_of("ü" * 251)


def test_only_an_id_that_tells_its_age_says_that_a_missing_queue_is_one_that_was_deleted() -> None:
    young = uuid()
    made = made_at(young)
    assert made is not None

    assert announced(young, made + 59, 60)
    assert not announced(young, made + 61, 60)
    assert not announced("g1", made, 60)


@pytest.mark.parametrize(
    ("order", "mine", "falls"),
    [([0, 1, 2], {2}, True), ([0, 1, 2], {1}, False), ([0, 1, 2, 1], {1}, True), ([0, 0, 1], {1}, False), ([0, 2, 1], {1, 0}, True)],
)
def test_a_chord_falls_to_whoever_wrote_the_last_part_that_was_missing_or_one_after_it(order: list[int], mine: set[int], falls: bool) -> None:
    assert contents(*(written(index) for index in order)).falls_to(mine) is falls


def test_a_failed_chord_falls_to_whoever_wrote_the_part_or_one_after_it() -> None:
    found = contents(written(0), written(1, failed=True), written(2))

    assert [found.falls_to({index}) for index in range(3)] == [False, True, True]
