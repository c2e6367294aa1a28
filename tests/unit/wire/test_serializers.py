from __future__ import annotations

import asyncio
import dataclasses
import enum
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celeriac.canvas.compile import Plain
from celeriac.model.errors import ContentDisallowed, DecodeError, EncodeError, ImproperlyConfigured
from celeriac.wire import serializers
from celeriac.wire.serializers import content_types, dumps, loads, register, register_type, size, unregister

JSON = frozenset({"application/json"})

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.binary()
    | st.datetimes()
    | st.decimals(allow_nan=False),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


def there_and_back(value: Any, serializer: str) -> Any:
    content_type, content_encoding, body = dumps(value, serializer)
    return loads(body, content_type, content_encoding, frozenset({content_type}))


@given(json_values)
def test_json_gives_back_what_was_written(value: Any) -> None:
    assert there_and_back(value, "json") == value


@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml", "pickle"])
def test_every_serializer_gives_back_plain_data(serializer: str) -> None:
    value = {"text": "café", "list": [1, -2.5, None, True, 2**40], "empty": {}, "": []}

    assert there_and_back(value, serializer) == value


@pytest.mark.parametrize("serializer", ["json", "yaml", "msgpack", "pickle"])
def test_dicts_of_ours_are_written_so_that_others_can_read_them(serializer: str) -> None:
    """Celery, which has no such class."""
    content_type, content_encoding, body = dumps({"chord": Plain(task="a"), "chain": [Plain(task="b")]}, serializer)

    assert b"celeriac" not in body
    read = loads(body, content_type, content_encoding, None)
    assert ({"chord": {"task": "a"}, "chain": [{"task": "b"}]}, dict) == (read, type(read["chord"]))


def test_raw_gives_back_bytes_and_text() -> None:
    assert there_and_back(b"\xff", "raw") == b"\xff"
    assert there_and_back("é", "raw") == "é"


@pytest.mark.parametrize("value", [{1}, date(2020, 1, 1), Decimal(1), UUID(int=5), object(), 2**70])
def test_msgpack_refuses_what_its_readers_would_not_turn_back(value: Any) -> None:
    with pytest.raises(EncodeError, match=r"msgpack cannot write args\[0\]"):
        dumps([[value]], "msgpack", names=("args",))


def test_msgpack_writes_subclasses_as_their_base() -> None:
    class Text(str):
        pass

    class Number(enum.IntEnum):
        ONE = 1

    assert there_and_back([Text("a"), Number.ONE, (1, 2)], "msgpack") == ["a", 1, [1, 2]]


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int


class Pair(NamedTuple):
    a: int


class Row:
    pk = 5


loop: list[Any] = []
loop.append(loop)


@pytest.mark.parametrize(
    ("value", "part", "remedy"),
    [
        ([[1, Row()], {}, {}], f"args[1]: a value of type {__name__}.Row", "primary key"),
        ([[1], {"user": Row()}, {}], "kwargs.user: ", "primary key"),
        ([[], {"a": {"b c": [0, {1, 2}]}}, {}], "kwargs.a['b c'][1]: a value of type set", "list(...)"),
        ([[Colour.RED], {}, {}], "args[0]", ".value"),
        ([[Point(1)], {}, {}], "args[0]", "dataclasses.asdict"),
        ([[timedelta(1)], {}, {}], "args[0]", ".total_seconds()"),
        ([[object()], {}, {}], "args[0]: a value of type object", "register_type"),
        ([[range(3)], {}, {}], "args[0]: a value of type range", "list(...)"),
        ([[{(1, 2): 3}], {}, {}], "args[0]: a key of type tuple", "text as the key"),
        ([[loop], {}, {}], "args[0]", "contains itself"),
    ],
)
def test_what_cannot_be_written_is_named_with_its_place_type_and_remedy(value: Any, part: str, remedy: str) -> None:
    with pytest.raises(EncodeError) as caught:
        dumps(value, "json", names=("args", "kwargs", "embed"))

    assert part in str(caught.value)
    assert remedy in str(caught.value)


def test_a_coroutine_is_named_as_something_to_await() -> None:
    coroutine = asyncio.sleep(0)
    with pytest.raises(EncodeError, match="Await it first"):
        dumps({"result": coroutine}, "json")
    coroutine.close()


def test_celerys_tuples_enums_and_own_json_methods_are_written() -> None:
    class Own:
        def __json__(self) -> Any:
            return {"own": 1}

    class Level(enum.StrEnum):
        HIGH = "high"

    assert there_and_back([Pair(1), Own(), Level.HIGH], "json") == [[1], {"own": 1}, "high"]


def test_a_registered_class_survives_with_its_subclasses_as_itself() -> None:
    register_type(Point, "test-point", lambda point: point.x, lambda x: Point(x))

    assert there_and_back([Point(3)], "json") == [Point(3)]


@pytest.mark.parametrize(
    "body", [b"{bad", b"[1,", b"\xff", b'{"__type__": "nobody-knows", "__value__": 1}', b'{"__type__": "uuid", "__value__": 5}', b"[" * 100_000]
)
def test_malformed_json_is_a_decode_error(body: bytes) -> None:
    with pytest.raises(DecodeError):
        loads(body, "application/json", "utf-8", JSON)


def test_python_json_that_others_do_not_read_is_read() -> None:
    assert loads(b'["\\ud800", Infinity, 1e999]', "application/json", "utf-8", JSON) == ["\ud800", float("inf"), float("inf")]


def test_a_body_with_three_keys_is_no_typed_value() -> None:
    found = loads(b'{"__type__": "date", "__value__": "2020-01-01", "x": 1}', "application/json", "utf-8", JSON)

    assert found == {"__type__": "date", "__value__": "2020-01-01", "x": 1}


@pytest.mark.parametrize("content_type", ["application/x-python-serialize", "application/x-yaml", "application/x-unheard-of", "text/plain"])
def test_content_that_is_not_accepted_is_refused_with_the_setting_to_change(content_type: str) -> None:
    with pytest.raises(ContentDisallowed, match="accept_content"):
        loads(b"cos\nsystem\n(S'false'\ntR.", content_type, "binary", JSON)


def test_content_of_an_unknown_type_is_text_when_everything_is_accepted() -> None:
    assert loads(b"caf\xc3\xa9", "application/x-unheard-of", "utf-8", None) == "café"
    assert loads(b"\xff", "application/x-unheard-of", "binary", None) == b"\xff"


def test_accept_content_takes_names_and_content_types() -> None:
    assert content_types(["json", "pickle", "application/x-foo"]) == {"application/json", "application/x-python-serialize", "application/x-foo"}
    with pytest.raises(ImproperlyConfigured, match="Did you mean 'json'"):
        content_types(["jason"])


def test_an_unknown_serializer_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ImproperlyConfigured, match="Did you mean 'msgpack'"):
        dumps(1, "mspack")


def test_a_serializer_from_outside_gets_text_or_bytes_by_its_encoding() -> None:
    register("upper", lambda value: str(value).upper(), lambda text: text.lower(), "application/x-upper", "utf-8")
    register("hex", lambda value: value.hex().encode(), lambda body: bytes.fromhex(body.decode()), "application/x-hex", "binary")
    try:
        assert dumps("é", "upper") == ("application/x-upper", "utf-8", "É".encode())
        assert there_and_back("é", "upper") == "é"
        assert there_and_back(b"\x01", "hex") == b"\x01"
    finally:
        unregister("upper")
        unregister("hex")
    with pytest.raises(ImproperlyConfigured):
        dumps(1, "upper")


def test_plug_ins_are_found_by_their_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name = "plugged"

        def load(self) -> Any:
            return str, int, "application/x-plugged", "utf-8"

    monkeypatch.setattr(serializers, "_plugins_loaded", False)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Entry()] if group == "kombu.serializers" else [])
    try:
        assert there_and_back(5, "plugged") == 5
    finally:
        unregister("plugged")


def test_the_size_is_none_of_what_cannot_be_written() -> None:
    assert (size([1], "json"), size("é", "yaml"), size(object(), "json")) == (3, 7, None)
