from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celeriac.model.topology import Binding, Exchange
from celeriac.wire.bindings import matches, queues_for


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.b.c", False),
        ("a.#", "a", True),
        ("a.#", "a.b.c", True),
        ("#", "", True),
        ("#", "a.b", True),
        ("*", "", False),
        ("#.b", "b", True),
        ("#.b", "a.x.b", True),
        ("#.b.#", "a.b.c.d", True),
        ("#.b.#", "a.c", False),
        ("a.#.#.b", "a.b", True),
        ("*.#.c", "a.b.c", True),
        ("a+.b", "aa.b", False),
        ("", "", True),
    ],
)
def test_topic_patterns(pattern: str, key: str, expected: bool) -> None:
    assert matches(pattern, key) is expected


words = st.lists(st.sampled_from(["a", "b", "*", "#"]), min_size=1, max_size=6)


@given(words, st.lists(st.sampled_from(["a", "b"]), max_size=6))
def test_topic_patterns_agree_with_a_regular_expression(pattern: list[str], key: list[str]) -> None:
    parts = {"#": r"(?:\w+\.)*", "*": r"\w+\."}
    expression = "".join(parts.get(word, re.escape(word) + r"\.") for word in pattern)

    assert matches(".".join(pattern), ".".join(key)) is (re.fullmatch(expression, "".join(f"{word}." for word in key)) is not None)


def test_a_pattern_made_to_be_slow_is_not() -> None:
    assert matches(".".join(["#", "a"] * 30), ".".join(["a"] * 29 + ["b"])) is False


def bound(queue: str, exchange_type: str, key: str = "", **arguments: object) -> tuple[str, Binding]:
    return queue, Binding(Exchange("e", exchange_type), key, {name.replace("_", "-"): value for name, value in arguments.items()})


def test_a_queue_with_two_bindings_that_match_gets_a_message_once() -> None:
    bindings = [bound("q1", "topic", "a.*"), bound("q2", "topic", "b.*"), bound("q1", "topic", "#")]

    assert queues_for(bindings, "a.x") == ["q1"]


def test_direct_exchanges_compare_and_fanout_exchanges_do_not() -> None:
    assert queues_for([bound("q1", "direct", "k"), bound("q2", "direct", "x"), bound("q3", "fanout")], "k") == ["q1", "q3"]


def test_headers_exchanges_match_all_or_any() -> None:
    bindings = [
        bound("all", "headers", size="big", kind=None),
        bound("any", "headers", x_match="any", size="big", kind="pdf"),
        bound("x", "headers", x_match="all-with-x", size="big", x_own=1),
    ]

    assert queues_for(bindings, "", {"size": "big", "kind": "pdf"}) == ["all", "any"]
    assert queues_for(bindings, "", {"size": "big"}) == ["any"]
    assert queues_for(bindings, "", {"size": "big", "x-own": 1}) == ["any", "x"]
    assert queues_for(bindings, "", {}) == []
