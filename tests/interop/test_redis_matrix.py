"""Every serializer with every compression, for calls and for results, between real Celery and ours on Redis, with all that may hang on a call."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.harness.fixtures import ROUNDS
from tests.harness.waiting import PATIENCE, eventually
from tests.interop.fleet_sides import SIDES, Fleet

QUEUES = {"celery": "theirs", "ours": "ours"}
SERIALIZERS = ("json", "msgpack", "pickle", "yaml")
COMPRESSIONS = (None, "zlib", "bzip2", "lzma", "brotli")
CROSSING = [("celery", "ours"), ("ours", "celery")]
"""Who sends and asks for the result, who runs."""

pytestmark = pytest.mark.timeout(120)


RESULTS = [("yaml", "lzma"), ("msgpack", "brotli"), ("pickle", "bzip2"), ("json", "zlib")] if ROUNDS >= 20 else [("yaml", "brotli")]


@pytest.fixture(params=RESULTS, ids=["results in " + " by ".join(kind) for kind in RESULTS])
def mixed(own: Fleet, request: pytest.FixtureRequest) -> Fleet:
    """A fleet of both whose results are of a kind that is not the usual one."""
    serializer, compression = request.param
    accepted = list(SERIALIZERS)
    own.conf = {
        "accept_content": accepted, "result_accept_content": accepted, "result_serializer": serializer, "result_compression": compression,
    }  # fmt: skip
    for worker in [own.worker("celery", "theirs", "-P", "threads", "-c", "4"), own.worker("ours", "ours", "-P", "threads", "-c", "4")]:
        worker.ready()
    return own


def test_calls_and_results_of_every_kind_cross_both_ways(mixed: Fleet, tmp_path: Path) -> None:
    sent: dict[tuple[Any, ...], str] = {}
    for sender, runner in CROSSING:
        for serializer, compression in itertools.product(SERIALIZERS, COMPRESSIONS):
            options = {"queue": QUEUES[runner], "serializer": serializer, "compression": compression, "priority": len(sent) % 10, "expires": 60}
            countdown = {"countdown": 0.2} if len(sent) % 3 == 0 else {}
            value = "([1, 'two', 'snow ☃', 2.5, None, True], [{'three': [4] * 500}])"
            sent[sender, runner, serializer, compression] = mixed.client(sender).send("add", value, **options, **countdown)

    expected = [1, "two", "snow ☃", 2.5, None, True, {"three": [4] * 500}]
    for (sender, runner, *kind), task_id in sent.items():
        for reader in (sender, runner):
            got = mixed.client(reader).get(task_id)
            assert (got["state"], got["value"]) == ("SUCCESS", expected), (sender, runner, reader, kind, got)


def test_what_hangs_on_a_call_crosses_both_ways(mixed: Fleet, tmp_path: Path) -> None:
    end = tmp_path / "end"
    for (sender, runner), serializer in zip(CROSSING, ("msgpack", "pickle")):
        client, how = mixed.client(sender), {"queue": QUEUES[runner], "serializer": serializer, "compression": "lzma"}
        held = client.send("hold", repr((str(end), "PROGRESS")), **how)
        failed = client.send("fail_particularly", options_text=f"{{**{how!r}, 'link_error': [note_failure.s()]}}")
        tried = client.send("again_elsewhere", f"(['{QUEUES[sender]}', '{QUEUES[runner]}'],)", **how)
        ignored = client.send("add", "(1, 2)", ignore_result=True, **how)
        expired = client.send("add", "(1, 2)", options_text=f"{{**{how!r}, 'expires': -1}}")
        linked = client.send("add", "(1, 2)", options_text=f"{{**{how!r}, 'link': note.s('linked').set(queue='{QUEUES[sender]}')}}")

        looked = eventually(lambda: seen if (seen := client.ask("look", id=held))["state"] == "PROGRESS" else {}, "its own state")  # noqa: B023
        assert looked["info"] == {"done": 3}
        end.touch()
        assert client.get(held)["value"] == runner
        got = client.get(failed)
        assert (got["state"], got["kind"]) == ("FAILURE", "fleet_tasks.Particular")
        assert "raise Particular(" in got["traceback"]
        assert [entry.note for entry in mixed.ledger.wait_for("errback", task_id=failed)] == [[runner, "Particular"]]
        assert client.get(tried)["value"] == [2, runner]
        assert client.get(expired)["state"] == "REVOKED"
        assert client.get(linked)["value"] == 3
        seen = client.ask("look", id=linked)
        assert (seen["name"], seen["queue"], seen["retries"]) == ("fleet.add", QUEUES[runner], 0)
        eventually(lambda: [e for e in mixed.ledger.entries("note") if e.note[1:] == [3, "linked"]], "the link was called")
        assert client.ask("look", id=ignored)["state"] == "PENDING"
        end.unlink()


def test_parts_of_groups_and_chords_are_divided_between_both(mixed: Fleet) -> None:
    """No part travels as yaml: Celery cannot write signatures in it."""
    how = "queue=['theirs', 'ours'][n % 2], serializer=['json', 'msgpack', 'pickle'][n % 3], compression='bzip2'"
    parts = f"[add.s(n, n).set({how}) for n in range(8)]"
    for sender in SIDES:
        client = mixed.client(sender)
        assert client.ask("workflow", expression=f"group({parts})", timeout=10 * PATIENCE)["value"] == [2 * n for n in range(8)]
        for body in QUEUES.values():
            chord = f"chord({parts}, total.s().set(queue='{body}', serializer='msgpack'))"
            assert client.ask("workflow", expression=chord, timeout=10 * PATIENCE)["value"] == 56, (sender, body)
        failing = f"chord([*{parts}, fail.s().set(queue='theirs')], total.s().set(queue='ours'))"
        ended = client.ask("outcome", expression=failing, timeout=10 * PATIENCE)
        assert ended["state"] == "FAILURE", ended
