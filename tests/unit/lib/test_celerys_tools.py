from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from celeriac.lib import datetimes, functional, nodenames, text
from celeriac.lib.collections import AttributeDict, Bunch, LimitedSet, force_mapping
from celeriac.lib.importing import instantiate, qualname


def test_node_names() -> None:
    assert "a@b" == nodenames.nodename("a", "b")
    assert ("a", "b") == nodenames.nodesplit("a@b")
    assert (None, "a") == nodenames.nodesplit("a")
    assert "celery@x" == nodenames.default_nodename("x")
    assert "w1-h.ex.com-ex.com-0-w1@h.ex.com%" == nodenames.node_format("%n-%h-%d-%i%I-%p%%", "w1@h.ex.com")
    assert "w.w.ex.com.ex.com" == nodenames.host_format("%n.%h.%d", "w.ex.com")
    assert nodenames.anon_nodename("h").startswith("gen")


def test_text() -> None:
    assert "hel..." == text.abbr("hello world", 6)
    assert "proj.[.]more" == text.abbrtask("proj.tasks.addition.more", 12)
    assert "hello..." == text.truncate("hello world", 8)
    assert ("tasks", "task") == (text.pluralize(2, "task"), text.pluralize(1, "task"))
    assert ["a", "b"] == text.str_to_list("a,b")
    assert "  a\n  b" == text.indent("a\nb", 2)
    assert "a\nb" == text.join(["a", "", "b"])


def test_lists_and_dicts() -> None:
    assert ([1], None, ["ab"], [1, 2]) == tuple(functional.maybe_list(value) for value in (1, None, "ab", [1, 2]))
    assert [1, 0, 0] == list(functional.padlist([1], 3, 0))
    assert [1, 2] == list(functional.uniq([1, 1, 2]))
    assert [[1, 2], [3]] == list(functional.chunks(iter([1, 2, 3]), 2))
    assert {"b": 1, "c": 3} == functional.dictfilter({"a": None, "b": 1}, c=3)
    assert (3, None) == (functional.first(None, [None, 3]), functional.first(lambda value: value > 5, [1]))
    assert [1, 2] == list(functional.regen(iter([1, 2])))
    assert {"real": 3, "gone": None} == functional.mattrgetter("real", "gone")(3)
    assert "1" == functional.firstmethod("__str__")([1, 2])
    assert functional.fun_accepts_kwargs(lambda **kwargs: kwargs)
    assert (None, 3) == (functional.maybe(int, None), functional.maybe(int, "3"))


def test_what_was_used_last_stays_in_the_cache() -> None:
    cache = functional.LRUCache(limit=2)
    cache["a"], cache["b"] = 1, 2
    assert 1 == cache["a"]
    cache["c"] = 3

    assert ["a", "c"] == list(cache)
    assert [("a", 1), ("c", 3)] == list(pickle.loads(pickle.dumps(cache)).items())
    assert 2 == cache.incr("a")
    assert "x" == cache.get("gone", "x")


def test_calls_are_remembered_and_postponed() -> None:
    made: list[int] = []

    @functional.memoize(maxsize=2)
    def twice(number: int) -> int:
        made.append(number)
        return 2 * number

    assert [4, 4, 6] == [twice(2), twice(2), twice(3)]
    assert [2, 3] == made
    later = functional.mlazy(made.append, 9)
    assert [2, 3] == made
    later()
    later()
    assert [2, 3, 9] == made
    assert 9 == functional.maybe_evaluate(functional.lazy(lambda: 9))


def test_a_limited_set_forgets_the_oldest_and_the_too_old() -> None:
    clock = [100.0]
    found = LimitedSet(maxlen=2, expires=10, now=lambda: clock[0])
    for item in "abc":
        clock[0] += 1
        found.add(item)
    assert ["b", "c"] == list(found)
    clock[0] = 112.5
    found.purge()
    assert ["c"] == list(found)
    found.add("z", now=105.0)
    assert ["c", "z"] == sorted(found)
    assert "z" == LimitedSet(data={"c": 5.0, "z": 1.0}).pop()
    with pytest.raises(ValueError, match="minlen is at most maxlen"):
        LimitedSet(maxlen=1, minlen=2)


def test_objects() -> None:
    found = AttributeDict(a=1)
    found.b = 2
    assert {"a": 1, "b": 2} == found
    with pytest.raises(AttributeError, match="no attribute 'c'"):
        _ = found.c
    assert {"x": 1} == force_mapping(Bunch(x=1))
    assert "celeriac.lib.collections.Bunch" == qualname(Bunch(x=1)) == qualname(Bunch)
    assert 1 == instantiate("celeriac.lib.collections.Bunch", x=1).x


def test_times() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 3, 29, 1, 30, tzinfo=berlin)
    assert datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC) == datetimes.maybe_iso8601("2020-01-02T03:04:05Z")
    assert timedelta(seconds=3) == datetimes.maybe_timedelta(3)
    assert (1, 0) == (datetimes.weekday("mon"), datetimes.weekday("Sunday"))
    assert 3 == datetimes.get_exponential_backoff_interval(2, 100, 3)
    assert "03:30" == f"{datetimes.add_seconds_to_datetime(before, 3600):%H:%M}"
    assert timedelta(hours=1) == datetimes.subtract_datetimes(datetimes.add_seconds_to_datetime(before, 3600), before)
    assert timedelta(seconds=5) == datetimes.remaining(datetime(2026, 1, 1), timedelta(seconds=9), datetime(2026, 1, 1, 0, 0, 4))
    assert UTC is datetimes.to_utc(datetime(2026, 1, 1)).tzinfo
    with pytest.raises(KeyError):
        datetimes.weekday("nonsense")
