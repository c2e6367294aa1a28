from __future__ import annotations

from typing import Any

import pytest

from celeriac.drivers.two_step import TwoStep
from celeriac.model.effects import Writes
from celeriac.model.envelope import Envelope, Outgoing, Settlement, Verdict
from celeriac.model.errors import UnsupportedPower
from celeriac.model.record import ChordPart, ResultRecord


class Recorder:
    """A broker and a result store that write down what is asked of them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda argument: self.calls.append((name, list(argument)))


MESSAGE = Outgoing(Envelope({}, b""), "celery")
RESULT = ResultRecord("a", "SUCCESS", b"")
ACK = Settlement(Verdict.ACK, 1, "celery")


def test_a_crash_in_between_repeats_work_and_never_loses_it():
    recorder = Recorder()

    TwoStep(recorder, recorder).flush([Writes(ACK, (RESULT,), (MESSAGE,))], lambda _: ())  # type: ignore[arg-type]

    assert recorder.calls == [("publish", [MESSAGE]), ("store", [RESULT]), ("settle", [ACK])]


def test_without_a_result_store_results_are_dropped():
    recorder = Recorder()

    TwoStep(recorder, None).flush([Writes(ACK, (RESULT,))], lambda _: ())  # type: ignore[arg-type]

    assert recorder.calls == [("settle", [ACK])]


def test_chords_without_a_store_that_counts_are_refused():
    part = ChordPart("g", 0, "t", "SUCCESS", 1, b"")

    with pytest.raises(UnsupportedPower, match="result_backend"):
        TwoStep(Recorder(), None).flush([Writes(part=part)], lambda _: ())  # type: ignore[arg-type]
