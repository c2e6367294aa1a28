from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from celeriac.drivers.registry import open_broker
from celeriac.lib.interrupts import interrupt, uninterrupted
from celeriac.model.envelope import Envelope, Outgoing


class Limit(Exception):
    pass


def test_outside_it_is_raised_at_once():
    with pytest.raises(Limit):
        interrupt(Limit())


def test_inside_it_waits_for_the_end_of_the_outermost_block():
    steps = []

    def work() -> None:
        with uninterrupted:
            with uninterrupted:
                interrupt(Limit())
                steps.append("inner")
            steps.append("outer")

    with pytest.raises(Limit):
        work()

    assert steps == ["inner", "outer"]
    with uninterrupted:
        pass


def test_a_block_of_another_thread_does_not_hold_it_back():
    entered, leave = threading.Event(), threading.Event()

    def block():
        with uninterrupted:
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=block)
    thread.start()
    entered.wait(10)

    with pytest.raises(Limit):
        interrupt(Limit())

    leave.set()
    thread.join(10)


def test_a_signal_that_raises_never_tears_a_publish(tmp_path: Path):
    broker = open_broker(f"sqlite:///{tmp_path}/x.db", owner="w")
    broker.connect()
    message = Outgoing(Envelope({"id": "m"}, b"x"), "celery")
    raised = published = 0

    def limit(_number: int, _frame: object) -> None:
        interrupt(Limit())

    before = signal.signal(signal.SIGUSR1, limit)
    stop = threading.Event()

    def shoot() -> None:
        while not stop.wait(0.0003):
            os.kill(os.getpid(), signal.SIGUSR1)

    shooter = threading.Thread(target=shoot)
    try:
        for attempt in range(400):
            try:
                if attempt == 0:
                    shooter.start()
                broker.publish([message])
            except Limit:
                raised += 1
            published += 1
    except Limit:
        pass
    finally:
        while True:
            try:
                stop.set()
                shooter.join(10)
                break
            except Limit:
                continue
        signal.signal(signal.SIGUSR1, before)

    thread = threading.Thread(target=lambda: broker.publish([message]))
    thread.start()
    thread.join(10)

    assert not thread.is_alive(), "the lock was left behind"
    assert published <= broker.depth("celery") <= published + 2
