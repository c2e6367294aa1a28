from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from celeriac.lib.wakeup import Bell, Doorbells


@pytest.fixture
def bells(tmp_path: Path) -> Doorbells:
    return Doorbells(str(tmp_path / "bells"))


def hung(bells: Doorbells) -> Bell:
    bell = bells.bell()
    assert bell is not None
    return bell


def test_a_bell_that_was_rung_before_the_wait_is_heard(bells: Doorbells):
    bell = hung(bells)
    bell.arm("queue")

    assert bells.ring_one("queue")
    assert bell.wait(0)
    assert not bell.wait(0)


def test_one_ring_wakes_one_of_many(bells: Doorbells):
    many = [hung(bells) for _ in range(5)]
    for bell in many:
        bell.arm("queue")

    bells.ring_one("queue")
    bells.ring_one("queue")

    assert sum(bell.wait(0) for bell in many) == 2


def test_nobody_is_rung_who_does_not_wait(bells: Doorbells):
    bell = hung(bells)
    bell.arm("queue")
    bell.disarm()

    assert not bells.ring_one("queue")
    assert not bells.ring_one("nowhere")
    assert not bell.wait(0)


def test_a_ring_for_keys_wakes_those_who_wait_for_them_or_for_any(bells: Doorbells):
    one, two, any_ = hung(bells), hung(bells), hung(bells)
    one.arm("results", ["a", "b"])
    two.arm("results", ["c"])
    any_.arm("results")

    bells.ring("results", {"b", "x"})

    assert [bell.wait(0) for bell in (one, two, any_)] == [True, False, True]


def test_ringing_all_leaves_the_names_up(bells: Doorbells):
    bell = hung(bells)
    bell.arm("exchange")

    bells.ring_all("exchange")
    assert bell.wait(0)
    bells.ring_all("exchange")
    assert bell.wait(0)


def test_a_ring_wakes_a_thread_at_once(bells: Doorbells):
    bell = hung(bells)
    bell.arm("queue")
    heard: list[bool] = []
    thread = threading.Thread(target=lambda: heard.append(bell.wait(30)))
    thread.start()

    began = time.monotonic()
    bells.ring_one("queue")
    thread.join(10)

    assert heard == [True]
    assert time.monotonic() - began < 1


def test_the_bell_of_a_killed_process_is_passed_over_and_swept_away(bells: Doorbells):
    child = os.fork()
    if child == 0:
        hung(bells).arm("queue")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    living = hung(bells)
    living.arm("queue")

    bells.ring_all("queue")

    assert living.wait(0)
    assert len(os.listdir(f"{bells.folder}/queue")) == 1
    assert sum(path.is_fifo() for path in Path(bells.folder).iterdir()) == 1


def test_a_closed_bell_leaves_nothing_behind(bells: Doorbells):
    bell = hung(bells)
    bell.arm("queue")

    bell.close()
    bell.close()
    bell.ring()

    assert os.listdir(bells.folder) == ["queue"]
    assert os.listdir(f"{bells.folder}/queue") == []


def test_many_rings_do_not_block(bells: Doorbells):
    bell = hung(bells)
    for _ in range(70_000):
        bell.ring()

    assert bell.wait(0)


def test_where_no_bell_can_hang_there_is_none():
    assert Doorbells("/proc/nowhere/bells").bell() is None
    assert not Doorbells("/proc/nowhere/bells").usable()
