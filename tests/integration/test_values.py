"""What goes through: big, odd and impossible values, and exceptions that fight back."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from celeriac import exceptions
from tests.harness.project import Project

NASTY = ["peculiar", "unprintable", "local", "recursive", "huge", "surrogate", "object", "many", "group", "bytes", "base"]


def test_arguments_of_ten_megabytes_arrive(shared: Project) -> None:
    text = "0123456789" * 1_000_000

    args, kwargs = shared.send("echo", text, kwargs={"again": 1}).get(timeout=30)

    assert len(args[0]) == len(text)
    assert args[0] == text
    assert kwargs == {"again": 1}


def test_results_of_ten_megabytes_arrive(shared: Project) -> None:
    assert shared.send("repeat", "z", 10_000_000).get(timeout=30) == "z" * 10_000_000


def test_big_and_small_messages_mix(shared: Project) -> None:
    results = [shared.send("echo", n, "y" * (300_000 if n % 10 == 0 else 10)) for n in range(100)]

    assert [result.get(timeout=30)[0][0] for result in results] == list(range(100))


def test_typed_values_keep_their_type(shared: Project) -> None:
    values = [datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=UTC), date(2026, 2, 3), Decimal("1.10"), uuid.UUID(int=7)]

    assert shared.send("echo", *values).get(timeout=10)[0] == values


@pytest.mark.parametrize("value", [None, True, 0, -1.5e300, 2**70, "", "snow ☃ \U0001f40d", "\x00", [], {}, [[[[{"a": [None]}]]]]], ids=repr)
def test_plain_values_arrive_as_they_are(shared: Project, value: object) -> None:
    assert shared.send("echo", value).get(timeout=10) == [[value], {}]


@pytest.mark.parametrize("kind", NASTY)
def test_the_nastiest_exceptions_are_stored_as_failures(shared: Project, kind: str) -> None:
    result = shared.send("raises_nasty", kind)

    error = result.get(timeout=15, propagate=False)

    assert result.state == "FAILURE"
    assert isinstance(error, BaseException)
    record = shared.client.result_backend.load([result.id])[result.id]
    assert len(record.body) < 64 * 1024
    assert "raise _nasty(kind)" in result.traceback


def test_the_worker_survives_them_all(shared: Project) -> None:
    before = shared.workers[0].children
    for result in [shared.send("raises_nasty", kind) for kind in NASTY]:
        result.get(timeout=15, propagate=False)

    assert shared.send("add", 1, 1).get(timeout=10) == 2
    assert shared.workers[0].children == before


def test_a_result_that_cannot_be_stored_is_a_failure_that_says_so(shared: Project) -> None:
    result = shared.send("returns_what_cannot_be_stored")

    with pytest.raises(exceptions.EncodeError, match=r"object") as caught:
        result.get(timeout=10)
    assert "rows" in str(caught.value)


def test_an_argument_that_cannot_be_sent_is_refused_at_the_call(shared: Project) -> None:
    with pytest.raises(exceptions.EncodeError, match=r"args\[1\]"):
        shared.send("echo", 1, object())


def test_wrong_arguments_fail_the_task_with_pythons_words(shared: Project) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'y'"):
        shared.send("add", 1).get(timeout=10)


def test_two_thousand_results_of_one_client_come_back(shared: Project) -> None:
    results = [shared.send("add", n, 0) for n in range(2_000)]

    states = shared.states(results)

    assert set(states.values()) == {"SUCCESS"}
    assert [result.get(timeout=5) for result in results[::97]] == list(range(0, 2_000, 97))
