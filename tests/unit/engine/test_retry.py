from __future__ import annotations

from types import SimpleNamespace

import pytest

from celeriac.engine.acknowledgement import TABLE, End, Policy
from celeriac.engine.retry import exhausted, next_call, options_of, pause_before, wants_retry
from celeriac.model.envelope import Verdict
from celeriac.model.errors import Ignore, Retry
from celeriac.model.request import Request


def task(**options):
    return SimpleNamespace(**{
        "retry_backoff": True, "retry_backoff_max": 600, "retry_jitter": False, "autoretry_for": (), "dont_autoretry_for": (), **options,
    })  # fmt: skip


@pytest.mark.parametrize(("options", "retries", "seconds"), [
    ({}, 0, 1), ({}, 3, 8), ({}, 20, 600), ({"retry_backoff": 5}, 2, 20), ({"retry_backoff": 0.5}, 1, 2), ({"retry_backoff_max": 3}, 9, 3),
])  # fmt: skip
def test_the_pause_doubles_up_to_a_bound(options, retries, seconds):
    assert seconds == pause_before(task(**options), retries)


def test_full_jitter_takes_whole_seconds_from_zero_to_the_pause():
    jittery = task(retry_jitter=True)

    assert [0, 4, 8] == [pause_before(jittery, 3, uniform) for uniform in (lambda a, b: a, lambda a, b: (a + b) / 2, lambda a, b: b - 0.1)]


def test_which_errors_are_retried_automatically():
    picky = task(autoretry_for=(Exception,), dont_autoretry_for=(KeyError,))

    assert [True, False, False, False] == [wants_retry(picky, error) for error in (ValueError(), KeyError(), Retry(), Ignore())]


def test_none_is_no_limit():
    assert [False, False, True] == [exhausted(99, None), exhausted(2, 3), exhausted(3, 3)]


def request(**fields):
    return Request({
        "id": "i", "task": "t", "args": [1], "kwargs": {}, "root_id": "r", "argsrepr": "(***)", "timelimit": (9, 4),
        "delivery_info": {"exchange": "", "routing_key": "q", "priority": 3}, **fields,
    })  # fmt: skip


def test_the_next_call_keeps_everything_that_hangs_on_the_task():
    chain = [{"task": "next"}]
    found = next_call(request(retries=1, chain=chain, stamped_headers=["s"], stamps={"s": ["x"]}), None, None, None, {"countdown": 5, "eta": None})

    assert ("t", (1,)) == (found.name, found.args)
    assert {
        "task_id": "i", "root_id": "r", "parent_id": None, "retries": 2, "queue": "q", "priority": 3, "time_limit": 9, "soft_time_limit": 4,
        "chain": chain, "countdown": 5, "argsrepr": "(***)", "stamped_headers": ["s"], "s": ["x"], "ignore_result": False, "add_to_parent": False,
    } == found.options  # fmt: skip


def test_other_arguments_lose_the_old_text_of_them():
    assert "argsrepr" not in next_call(request(), [2], None, None, {}).options


def test_another_queue_takes_the_place_of_the_first():
    found = next_call(request(delivery_info={"exchange": "x", "routing_key": "k"}), None, None, None, {"queue": "other"})

    assert ("other", None, None) == tuple(found.options.get(key) for key in ("queue", "exchange", "routing_key"))


def test_a_named_exchange_is_kept():
    found = options_of(request(delivery_info={"exchange": "x", "routing_key": "k"}))

    assert ("x", "k", None) == (found["exchange"], found["routing_key"], found.get("queue"))


def test_every_policy_knows_every_end():
    assert {policy: set(End) for policy in Policy} == {policy: set(row) for policy, row in TABLE.items()}
    assert {Verdict.ACK} == set(TABLE[Policy.EARLY].values())
