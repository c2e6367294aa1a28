from __future__ import annotations

import os

from celeriac.worker.slots import Slots, State


def test_a_slot_shows_the_packet_in_hand_until_it_is_idle() -> None:
    slot = Slots(2).slot(1)

    slot.occupy(4711)
    slot.take(7, b"the packet")
    slot.claim(2, 10.0, 0.0, 15.0)
    slot.reported(1)

    seen = slot.look()
    assert (1, 4711, State.BUSY, 7, 2, 1, b"the packet") == (seen.index, seen.pid, seen.state, seen.packet, seen.claimed, seen.reported, seen.content)
    assert (4711, 10.0, 0.0, 15.0) == slot.deadlines()

    slot.idle(2)
    assert (0, b"", 2) == (slot.look().packet, slot.look().content, slot.look().done)


def test_a_packet_larger_than_its_space_leaves_no_content() -> None:
    slot = Slots(1).slot(0)

    slot.take(1, b"x" * (1 << 20))

    assert b"" == slot.look().content


def test_slots_do_not_share_space() -> None:
    slots = Slots(3)

    slots.slot(0).take(1, b"a" * 60_000)
    slots.slot(1).take(2, b"b" * 60_000)
    slots.slot(0).take(3, b"c" * 60_000)

    assert b"b" * 60_000 == slots.slot(1).look().content
    assert 0 == slots.slot(2).packet


def test_a_child_process_writes_what_its_parent_reads() -> None:
    slots = Slots(1)
    pid = os.fork()
    if pid == 0:
        slots.slot(0).take(9, b"from the child")
        slots.next_look = 12.5
        os._exit(0)
    os.waitpid(pid, 0)

    assert (9, b"from the child", 12.5) == (slots.slot(0).packet, slots.slot(0).look().content, slots.next_look)
