from __future__ import annotations

from celeriac.worker.slots import Slots


def test_the_end_of_a_log_is_kept_from_the_beginning_of_a_line() -> None:
    slot = Slots(2).slot(1)
    for number in range(1000):
        slot.keep_log(f"line {number}\n")

    kept = slot.log.splitlines()

    assert ("line 999", True, True) == (kept[-1], kept[0].startswith("line "), 300 < len(kept) < 500)


def test_a_line_longer_than_all_there_is_room_for_is_cut() -> None:
    slot = Slots(1).slot(0)

    slot.keep_log("x" * 10_000 + "ü\n")

    assert slot.log.endswith("xü\n")


def test_a_new_process_begins_with_an_empty_log() -> None:
    slot = Slots(1).slot(0)
    slot.keep_log("old\n")

    slot.prepare()

    assert slot.log == ""


def test_what_a_process_writes_before_its_parent_runs_again_stays() -> None:
    slot = Slots(1).slot(0)
    slot.prepare()
    slot.take(7, b"packet")
    slot.claim(1, 10.0, 11.0, 12.0)

    slot.occupy(4711)

    assert (slot.packet, slot.claimed, slot.deadlines()) == (7, 1, (4711, 10.0, 11.0, 12.0))
