from __future__ import annotations

import random
from typing import Any

import pytest

from celeriac.model import errors
from celeriac.model.errors import RemoteError
from celeriac.model.record import ResultMeta
from celeriac.wire import json_codec
from celeriac.wire.exceptions import from_wire, to_wire
from celeriac.wire.results import decode_result, encode_result


def there_and_back(error: BaseException) -> BaseException:
    return from_wire(json_codec.decode(json_codec.encode(to_wire(error))))


class TwoArguments(Exception):
    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(f"{code}: {reason}")


class Demanding(Exception):
    def __init__(self, *, user: str) -> None:
        self.user = user
        super().__init__(f"no such user: {user}")


class StrNeedsAttribute(Exception):
    def __init__(self, *, user: str) -> None:
        self.user = user
        super().__init__("no such user")

    def __str__(self) -> str:
        return f"no such user {self.user}"


@pytest.mark.parametrize(
    "error", [ValueError("x", 5), KeyError("k"), OSError(2, "no"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), SystemExit(3)]
)
def test_an_exception_of_python_comes_back(error: BaseException) -> None:
    again = there_and_back(error)

    assert type(again) is type(error)
    assert again.args == error.args


def test_the_text_survives_a_constructor_that_makes_it() -> None:
    again = there_and_back(TwoArguments(404, "gone"))

    assert (type(again).__name__, str(again)) == ("TwoArguments", "404: gone")


def test_a_class_that_demands_more_than_its_arguments_comes_back_with_its_text() -> None:
    again = there_and_back(Demanding(user="ann"))

    assert (type(again), str(again)) == (Demanding, "no such user: ann")


def test_a_class_that_cannot_be_printed_without_its_attributes_becomes_a_stand_in() -> None:
    again = there_and_back(StrNeedsAttribute(user="ann"))

    assert isinstance(again, RemoteError)
    assert (type(again).__name__, again.exc_module, again.args) == ("StrNeedsAttribute", __name__, ("no such user",))


def test_an_unknown_class_becomes_a_stand_in_that_is_made_once_and_keeps_its_name() -> None:
    wire = {"exc_type": "Outer.Inner", "exc_message": ["x", 1], "exc_module": "no.such.module"}

    first, second = from_wire(wire), from_wire(wire)

    assert type(first) is type(second)
    assert isinstance(first, RemoteError)
    assert (repr(first), type(first).__module__, first.exc_type) == ("Inner('x', 1)", "no.such.module", "Outer.Inner")
    assert to_wire(first) == wire


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "int"),
        ("subprocess", "Popen"),
        ("os", "path.join"),
        ("celery.exceptions", "Any"),
        (None, "open"),
    ],
)
def test_nothing_but_exceptions_is_ever_called(module: str | None, name: str) -> None:
    again = from_wire({"exc_type": name, "exc_message": ["exit 1"], "exc_module": module})

    assert isinstance(again, RemoteError)
    assert again.args == ("exit 1",)


@pytest.mark.parametrize("found", ["text", None, {}, 5, [1], {"exc_type": None}, {"no": 1}])
def test_what_is_no_description_becomes_a_remote_error_that_holds_it(found: Any) -> None:
    again = from_wire(found)

    assert type(again) is RemoteError
    assert again.args == (found,)


@pytest.mark.parametrize(
    "wire",
    [{"exc_type": "A\0B", "exc_module": "x"}, {"exc_type": "\ud800", "exc_module": "\0"}, {"exc_type": 5, "exc_module": ["l"]}, {"exc_type": "."}],
)
def test_names_that_no_class_can_have_do_no_harm(wire: dict[str, Any]) -> None:
    assert isinstance(from_wire(wire), RemoteError)


def test_our_errors_carry_the_names_that_celery_gives_them() -> None:
    homes = {
        errors.TaskRevokedError("x"): "celery.exceptions",
        errors.OperationalError("x"): "kombu.exceptions",
        errors.SoftTimeLimitExceeded(5): "billiard.exceptions",
        errors.UnsupportedPower("x"): "celeriac.model.errors",
    }

    for error, home in homes.items():
        assert to_wire(error)["exc_module"] == home
        assert type(there_and_back(error)) is type(error)
    assert (to_wire(errors.CeleriacError())["exc_type"], type(there_and_back(errors.CeleriacError()))) == ("CeleryError", errors.CeleriacError)


def test_notes_causes_and_groups_survive() -> None:
    error = ValueError("outer")
    error.add_note("seen while testing")
    error.__cause__ = KeyError("inner")
    group = ExceptionGroup("several", [error, TypeError("t")])

    again = there_and_back(group)

    assert isinstance(again, ExceptionGroup)
    assert (again.message, [type(member) for member in again.exceptions]) == ("several", [ValueError, TypeError])
    member = again.exceptions[0]
    assert (member.__notes__, repr(member.__cause__)) == (["seen while testing"], "KeyError('inner')")


def test_a_plain_exception_has_celerys_three_keys_only() -> None:
    assert to_wire(ValueError("x")) == {"exc_type": "ValueError", "exc_message": ["x"], "exc_module": "builtins"}


def test_arguments_that_cannot_be_written_become_their_representations() -> None:
    found = to_wire(ValueError("x", object))

    assert found["exc_message"] == ["x", "<class 'object'>"]


class Awkward:
    def __repr__(self) -> str:
        raise SystemExit("not even this")


def nasty_class(draw: random.Random, number: int) -> BaseException:
    """Make an exception of a class of its own with a few of the ways in which classes are nasty."""

    def broken(self: Any, *args: Any, **named: Any) -> Any:
        raise RuntimeError("no")

    body: dict[str, Any] = {}
    for name, chance in (
        ("__str__", 0.3),
        ("__repr__", 0.3),
        ("__reduce__", 0.3),
        ("__eq__", 0.2),
        ("__getattr__", 0.2),
        ("__setattr__", 0.1),
        ("__bool__", 0.1),
    ):
        if draw.random() < chance:
            body[name] = broken
    if draw.random() < 0.3:
        body["__slots__"] = ("a", "b")
    if draw.random() < 0.2:
        body["args"] = property(broken)
    if draw.random() < 0.2:
        body["__module__"] = draw.choice(["no.such.module", "\ud800", 5, "x" * 10_000, ""])
    if draw.random() < 0.3:
        body["__init__"] = lambda self, one, two, *, three: None
    base = draw.choice([Exception, ValueError, OSError, KeyError, BaseException, SystemExit, UnicodeError])
    kind = type(draw.choice(["Nasty", "N" * 5000, "é\U0001f600"]) + str(number), (base,), body)
    nested: Any = []
    for _ in range(2000):
        nested = [nested]
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    choices = [
        object(),
        lambda: None,
        "x" * 100_000,
        "\ud800" * 5000,
        "\0" * 9000,
        b"\xff" * 100_000,
        nested,
        cycle,
        {1: {2}},
        Awkward(),
        10**5000,
        float("nan"),
        kind,
    ]
    args = [draw.choice(choices) for _ in range(draw.choice([0, 1, 3, 20]))]
    error: BaseException = kind.__new__(kind, *args)
    return error


def test_the_nastiest_exceptions_are_stored_in_less_than_64_kilobytes_and_come_back() -> None:
    draw = random.Random(26)
    previous: BaseException = ValueError("first")
    for number in range(500):
        error = nasty_class(draw, number)
        try:
            error.__cause__ = draw.choice([None, previous, error])
            error.__notes__ = ["\ud800" * 3000, "note"] * 20  # type: ignore[attr-defined]
        except RuntimeError:
            pass
        previous = error
        serializer = draw.choice(["json", "json", "msgpack", "yaml", "pickle"])
        traceback = draw.choice(["Traceback", "line\n" * 100_000, "\ud800" * 20_000, '\0"' * 50_000])

        record = encode_result(ResultMeta("id", "FAILURE", error, traceback=traceback), serializer=serializer)
        found = decode_result(record, accept=None)

        assert len(record.body) < 65_536
        assert isinstance(found.result, BaseException)
        assert found.traceback


def test_a_long_traceback_keeps_its_beginning_and_its_end() -> None:
    record = encode_result(ResultMeta("id", "FAILURE", ValueError(), traceback="first\n" + "x\n" * 100_000 + "last"), serializer="json")

    traceback = decode_result(record, accept=None).traceback or ""
    assert traceback.startswith("first\n")
    assert traceback.endswith("last")
    assert "characters left out" in traceback
