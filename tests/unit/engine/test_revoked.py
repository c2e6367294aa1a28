from __future__ import annotations

from celeriac.engine.revoked import Revoked, stamp_marks


def test_ids_are_remembered_for_a_while():
    revoked = Revoked(kept=10)
    revoked.add(["a"], 100.0)

    assert [True, False, False] == [revoked.holds("a", 110.0), revoked.holds("a", 111.0), revoked.holds("b", 100.0)]


def test_the_oldest_are_forgotten_when_there_are_too_many():
    revoked = Revoked(most=2)
    revoked.add(["a", "b"], 1.0)
    revoked.add(["a", "c"], 2.0)

    assert ["a", "c"] == list(revoked)


def test_what_is_too_old_is_forgotten_when_something_is_added():
    revoked = Revoked(kept=10)
    revoked.add(["a"], 1.0)
    revoked.add(["b"], 12.0)

    assert [("b", 12.0)] == revoked.items()


def test_stamps_are_remembered_by_header_and_value():
    revoked = Revoked(kept=10.0)
    revoked.add(stamp_marks({"tenant": ["a", "b"], "job": 7}), 0.0)

    assert revoked.covers("x", {"stamped_headers": ["tenant"], "stamps": {"tenant": "b"}}, 1.0)
    assert revoked.covers("x", {"stamped_headers": ["tenant"], "stamps": {"tenant": ["z", "a"]}}, 1.0)
    assert revoked.covers("x", {"stamped_headers": ["job"], "stamps": {}, "job": 7}, 1.0)
    assert not revoked.covers("x", {"stamped_headers": ["job"], "stamps": {"job": "7"}}, 1.0)
    assert not revoked.covers("x", {"stamped_headers": None, "stamps": None}, 1.0)
    assert not revoked.covers("x", {"stamped_headers": ["tenant"], "stamps": {"tenant": "b"}}, 20.0)
    assert [] == revoked.ids()


def test_stamps_are_counted_when_they_are_forgotten():
    revoked = Revoked(most=2)
    revoked.add(stamp_marks({"tenant": "a"}), 0.0)
    revoked.add(["x", "y"], 1.0)

    assert not revoked.covers("z", {"stamped_headers": ["tenant"], "stamps": {"tenant": "a"}}, 1.0)
    assert ["x", "y"] == revoked.ids()
