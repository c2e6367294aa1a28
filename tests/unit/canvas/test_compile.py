from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from celeriac.canvas.compile import plan_call

NOW = 1_700_000_000.0


def planned(options=None, args=(), kwargs=None, **more):
    return plan_call("t", args, kwargs, options or {}, now=NOW, new_id=lambda: "id-1", **more).messages[0]


def test_a_call_without_options_is_the_plain_message():
    message = planned(args=(1,), kwargs={"k": 2}, origin="gen1@h").message

    assert ("t", "id-1", (1,), {"k": 2}, "id-1", "gen1@h") == (
        message.task, message.id, message.args, message.kwargs, message.root_id, message.origin,
    )  # fmt: skip
    assert ("(1,)", "{'k': 2}") == (message.argsrepr, message.kwargsrepr)
    assert message == planned({"add_to_parent": True}, args=(1,), kwargs={"k": 2}, origin="gen1@h").message


@pytest.mark.parametrize("options", [
    {"countdown": 60},
    {"eta": datetime.fromtimestamp(NOW + 60, UTC)},
    {"eta": datetime.fromtimestamp(NOW + 60, UTC).isoformat()},
    {"eta": datetime.fromtimestamp(NOW + 60, ZoneInfo("Europe/Berlin")).replace(tzinfo=None)},
])  # fmt: skip
def test_when_a_call_is_due(options):
    found = planned(options, timezone=ZoneInfo("Europe/Berlin"))

    assert (NOW + 60, "2023-11-14T22:14:20+00:00") == (found.options.due, found.message.eta)


@pytest.mark.parametrize("expires", [60, timedelta(minutes=1), datetime.fromtimestamp(NOW + 60, UTC), "2023-11-14T22:14:20"])
def test_when_a_call_expires(expires):
    assert "2023-11-14T22:14:20+00:00" == planned({"expires": expires}).message.expires


def test_options_go_where_they_belong():
    found = planned({
        "queue": SimpleNamespace(name="q"), "priority": 3, "serializer": "yaml", "time_limit": 5, "soft_time_limit": 2, "headers": {"a": 1},
        "group_id": "g", "parent_id": "p", "foo": "bar", "retries": 2, "shadow": "s", "stamped_headers": ["tenant"], "tenant": "x",
    })  # fmt: skip
    message, options = found.message, found.options

    assert ("q", 3, "yaml", {"foo": "bar"}) == (options.queue, options.priority, options.serializer, options.properties)
    assert ((5, 2), {"a": 1}, "g", "p", 2, "s") == (
        message.timelimit, message.headers, message.group, message.parent_id, message.retries, message.shadow,
    )  # fmt: skip
    assert (["tenant"], {"tenant": "x"}) == (message.stamped_headers, message.stamps)


def test_options_of_none_say_nothing():
    assert planned() == planned(dict.fromkeys(("queue", "eta", "countdown", "expires", "link", "task_id", "retry", "serializer")))


@pytest.mark.parametrize("options", [{"countdown": -(2**31) - 1}, {"expires": -(2**31) - 1}, {"time_limit": 1, "soft_time_limit": 2}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match=r"out of range|must not be greater"):
        planned(options)
