"""Mixed fleets: real Celery and ours on one Redis, real processes on both sides. Everything runs beside everything else on one server."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.harness.waiting import PATIENCE, eventually
from tests.interop.fleet_sides import SIDES, Fleet

QUEUES = {"celery": "theirs", "ours": "ours"}
SERIALIZERS = ("json", "msgpack", "pickle")
BOTH_WAYS = [("celery", "ours"), ("ours", "celery")]
"""Who sends, who runs; the sender asks for the result."""

pytestmark = pytest.mark.timeout(60)


both_ways = pytest.mark.parametrize(("sender", "runner"), BOTH_WAYS, ids=["theirs-to-ours", "ours-to-theirs"])


# --- one call


@both_ways
@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("compression", [None, "gzip", "bzip2"])
def test_a_call_is_run_by_the_other_and_its_result_read(fleet: Fleet, sender: str, runner: str, serializer: str, compression: str | None) -> None:
    client = fleet.client(sender)

    sent = client.send("add", "([1, 'two', 'snow ☃'], [{'three': 4.5}])", queue=QUEUES[runner], serializer=serializer, compression=compression)

    assert client.get(sent)["value"] == [1, "two", "snow ☃", {"three": 4.5}]
    assert fleet.client(runner).get(sent)["value"] == [1, "two", "snow ☃", {"three": 4.5}]


@both_ways
def test_typed_values_arrive_as_what_they_were(fleet: Fleet, sender: str, runner: str) -> None:
    values = "(datetime.datetime(2026, 2, 3, 4, 5, tzinfo=datetime.UTC), b'bytes', (1, 2))"
    client = fleet.client(sender)

    sent = client.send("describe", values, queue=QUEUES[runner], serializer="pickle")

    shown = ["datetime datetime.datetime(2026, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)", "bytes b'bytes'", "tuple (1, 2)"]
    assert client.get(sent)["value"] == shown


def test_arguments_that_the_result_cannot_tell_of_do_not_fail_the_call(fleet: Fleet) -> None:
    """A Celery worker stores no result at all then."""
    client = fleet.client("celery")

    sent = client.send("describe", "({1, 2},)", queue="ours", serializer="pickle")

    assert client.get(sent)["value"] == ["set {1, 2}"]
    assert client.ask("look", id=sent)["args"] == "({1, 2},)"


@both_ways
@pytest.mark.parametrize("how", ["{'countdown': 0.5}", "{'eta': datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=0.5)}"])
def test_a_call_for_later_waits_until_its_time(fleet: Fleet, sender: str, runner: str, how: str) -> None:
    client, began = fleet.client(sender), time.time()

    sent = client.send("add", "(1, 2)", options_text=f"{{**{how}, 'queue': {QUEUES[runner]!r}}}")

    assert client.get(sent)["value"] == 3
    assert 0.45 < time.time() - began < 5 * PATIENCE


@both_ways
def test_a_call_that_has_expired_is_revoked(fleet: Fleet, sender: str, runner: str) -> None:
    client = fleet.client(sender)

    sent = client.send("add", "(1, 2)", queue=QUEUES[runner], options_text=f"{{'expires': -1, 'queue': {QUEUES[runner]!r}}}")

    got = client.get(sent)
    assert (got["state"], got["kind"].rpartition(".")[2]) == ("REVOKED", "TaskRevokedError")


@both_ways
def test_the_request_says_the_same(fleet: Fleet, sender: str, runner: str) -> None:
    fields = ("id", "root_id", "parent_id", "group", "retries", "timelimit", "shadow", "correlation_id", "mine", "lang", "reply_to")
    client = fleet.client(sender)
    options = {"headers": {"mine": {"a": [1]}}, "shadow": "another name", "time_limit": 20, "soft_time_limit": 10}

    other, same = (client.get(client.send("request", repr(fields), queue=QUEUES[side], **options))["value"] for side in (runner, sender))

    assert other["root_id"] == other["id"] == other["correlation_id"]
    for told in (other, same):
        for name in ("id", "root_id", "correlation_id"):
            del told[name]
    assert other == same


@both_ways
def test_tries_are_counted_across_both(fleet: Fleet, sender: str, runner: str) -> None:
    client = fleet.client(sender)

    sent = client.send("again", "(2,)", queue=QUEUES[runner])

    assert client.get(sent)["value"] == [2, runner]


@both_ways
def test_a_task_is_tried_again_by_the_other(fleet: Fleet, sender: str, runner: str) -> None:
    client = fleet.client(sender)

    sent = client.send("again_elsewhere", f"([{QUEUES[sender]!r}, {QUEUES[runner]!r}, {QUEUES[sender]!r}],)", queue=QUEUES[runner])

    assert client.get(sent)["value"] == [3, sender]
    assert [entry.note for entry in fleet.ledger.entries("begin", sent)] == [[0, runner], [1, sender], [2, runner], [3, sender]]


@both_ways
def test_a_failure_brings_its_exception_and_traceback(fleet: Fleet, sender: str, runner: str) -> None:
    client = fleet.client(sender)

    ordinary, particular = client.send("fail", queue=QUEUES[runner]), client.send("fail_particularly", queue=QUEUES[runner])

    got = client.get(ordinary)
    assert (got["state"], got["value"], got["kind"]) == ("FAILURE", "ValueError('broken', 7)", "builtins.ValueError")
    assert "raise ValueError(text, 7)" in got["traceback"]
    assert client.get(particular)["kind"] == "fleet_tasks.Particular"


@both_ways
def test_links_and_errbacks_are_called_by_either(fleet: Fleet, sender: str, runner: str) -> None:
    client = fleet.client(sender)
    links = f"{{'queue': {QUEUES[runner]!r}, 'link': [note.s('linked').set(queue='theirs'), note.s('linked').set(queue='ours')]}}"
    errors = f"{{'queue': {QUEUES[runner]!r}, 'link_error': [note_failure.s()]}}"

    client.send("add", "(1, 2)", options_text=links)
    failed = client.send("fail", options_text=errors)

    eventually(lambda: len([e for e in fleet.ledger.entries("note") if e.note[1:] == [3, "linked"]]) >= 2, "both links were called")
    assert {entry.note[0] for entry in fleet.ledger.entries("note")} >= set(SIDES)
    assert [entry.note for entry in fleet.ledger.wait_for("errback", task_id=failed)] == [[runner, "ValueError"]]


@both_ways
def test_an_ignored_result_is_not_stored(fleet: Fleet, sender: str, runner: str) -> None:
    client = fleet.client(sender)

    silent, ignored = client.send("silent", queue=QUEUES[runner]), client.send("add", "(1, 2)", queue=QUEUES[runner], ignore_result=True)
    client.get(client.send("add", "(1, 2)", queue=QUEUES[runner]))

    fleet.ledger.wait_for("end", task_id=silent)
    assert [client.ask("look", id=sent)["state"] for sent in (silent, ignored)] == ["PENDING", "PENDING"]


@both_ways
def test_states_on_the_way_are_seen_by_the_other(fleet: Fleet, sender: str, runner: str, tmp_path: Path) -> None:
    client = fleet.client(sender)
    end = tmp_path / "end"

    def looks(sent: str, state: str) -> dict[str, Any]:
        return eventually(lambda: seen if (seen := client.ask("look", id=sent))["state"] == state else {}, f"state {state}")

    started, own = (client.send("hold", repr(args), queue=QUEUES[runner]) for args in ((str(end),), (str(end), "PROGRESS")))
    assert {*looks(started, "STARTED")["info"]} == {"pid", "hostname"}
    assert looks(own, "PROGRESS")["info"] == {"done": 3}
    end.touch()
    assert [client.get(sent)["value"] for sent in (started, own)] == [runner, runner]
    tried = client.send("again_elsewhere", "(['nobody'],)", queue=QUEUES[runner])
    assert looks(tried, "RETRY")["info"] == "ValueError('elsewhere')"


@both_ways
def test_an_extended_result_tells_of_its_call(fleet: Fleet, sender: str, runner: str) -> None:
    client = fleet.client(sender)

    sent = client.send("add", "(1, 2)", queue=QUEUES[runner])
    client.get(sent)

    seen = client.ask("look", id=sent)
    assert {name: seen[name] for name in ("name", "args", "kwargs", "retries", "queue")} == {
        "name": "fleet.add", "args": [1, 2], "kwargs": {}, "retries": 0, "queue": QUEUES[runner],
    }  # fmt: skip
    assert "@" in seen["worker"]


@pytest.mark.parametrize(("serializer", "compression"), [("msgpack", None), ("pickle", None), ("json", "gzip"), ("pickle", "zlib")])
def test_results_by_other_serializers_are_read_by_both(own: Fleet, serializer: str, compression: str | None) -> None:
    own.conf = {"result_serializer": serializer, "result_compression": compression}
    for worker in [own.worker("celery", "theirs", "-P", "solo"), own.worker("ours", "ours", "-P", "solo")]:
        worker.ready()
    sent = {side: own.client("ours").send("add", "([1], ['x' * 3000])", queue=QUEUES[side]) for side in SIDES}
    failed = {side: own.client("celery").send("fail", queue=QUEUES[side]) for side in SIDES}

    for reader in SIDES:
        for runner in SIDES:
            assert own.client(reader).get(sent[runner])["value"] == [1, "x" * 3000], (reader, runner)
            got = own.client(reader).get(failed[runner])
            assert (got["state"], got["value"]) == ("FAILURE", "ValueError('broken', 7)"), (reader, runner)
        for body in QUEUES.values():
            chord = f"chord([add.s(n, n).set(queue=['theirs', 'ours'][n % 2]) for n in range(6)], total.s().set(queue={body!r}))"
            assert own.client(reader).ask("workflow", expression=chord, timeout=10 * PATIENCE)["value"] == 30, (reader, body)


# --- workflows


CROSSING = {
    "chain": ("chain(add.s(1, 1).set(queue='theirs'), add.s(5).set(queue='ours'), add.s(7).set(queue='theirs'), add.s(1).set(queue='ours'))", 15),
    "group": ("group([add.s(n, n).set(queue=['theirs', 'ours'][n % 2]) for n in range(6)])", [0, 2, 4, 6, 8, 10]),
    "chord, body theirs": ("chord([add.s(n, n).set(queue=['theirs', 'ours'][n % 2]) for n in range(6)], total.s().set(queue='theirs'))", 30),
    "chord, body ours": ("chord([add.s(n, n).set(queue=['theirs', 'ours'][n % 2]) for n in range(6)], total.s().set(queue='ours'))", 30),
    "chord, all theirs": ("chord([add.s(n, n).set(queue='theirs') for n in range(6)], total.s().set(queue='theirs'))", 30),
    "chord, all ours": ("chord([add.s(n, n).set(queue='ours') for n in range(6)], total.s().set(queue='ours'))", 30),
    "chord of chains": (
        "chord([chain(add.s(n, 0).set(queue='theirs'), add.s(n).set(queue='ours')) for n in range(4)], total.s().set(queue='theirs'))", 12,
    ),
}  # fmt: skip


@pytest.mark.parametrize("sender", SIDES)
@pytest.mark.parametrize("shape", CROSSING)
def test_a_workflow_crosses_between_both(fleet: Fleet, sender: str, shape: str) -> None:
    expression, expected = CROSSING[shape]

    for _ in range(3):
        assert fleet.client(sender).ask("workflow", expression=expression, timeout=10 * PATIENCE)["value"] == expected


# --- one queue for both


@pytest.mark.timeout(120)
def test_two_workers_share_a_queue_and_every_task_runs_once(own: Fleet) -> None:
    ids = [task_id for side in SIDES for task_id in own.client(side).ask("send_many", name="count", count=5000, options={"queue": "shared"})["ids"]]
    workers = [own.worker("celery", "shared", "-P", "solo", "-l", "warning"), own.worker("ours", "shared", "-c", "2", "-l", "warning")]

    eventually(lambda: len(own.ledger.path.read_bytes().splitlines()) >= len(ids), "all have run", timeout=60, pause=0.1)
    time.sleep(0.3)

    runs = Counter(entry.id for entry in own.ledger.entries("end"))
    by = Counter(entry.note for entry in own.ledger.entries("end"))
    assert (len(runs), max(runs.values()), set(runs)) == (10_000, 1, set(ids))
    assert len(by) == 2, by
    for worker in workers:
        worker.stop()


@pytest.mark.parametrize("sender", SIDES)
def test_the_more_urgent_is_taken_first_by_both(own: Fleet, sender: str) -> None:
    client = own.client(sender)
    sent = {side: [client.send("note", f"({p},)", queue=QUEUES[side], priority=p) for p in (9, 6, 3, 0, 5)] for side in SIDES}

    own.worker("celery", "theirs", "-P", "solo", "--prefetch-multiplier", "1")
    own.worker("ours", "ours", "-P", "solo")

    own.ledger.wait_for("note", 10, timeout=20)
    for side in SIDES:
        ran = [entry.id for entry in own.ledger.entries("note") if entry.note[0] == side]
        assert ran == [sent[side][at] for at in (3, 2, 4, 1, 0)], side


def test_a_chord_whose_parts_anybody_takes_is_finished(own: Fleet) -> None:
    for worker in [own.worker("celery", "shared", "-P", "solo"), own.worker("ours", "shared", "-c", "2")]:
        worker.ready()
    expression = "chord([add.s(n, n).set(queue='shared') for n in range(8)], total.s().set(queue='shared'))"

    for _ in range(10):
        for side in SIDES:
            assert own.client(side).ask("workflow", expression=expression, timeout=10 * PATIENCE)["value"] == 56


# --- what a killed worker held


def test_what_a_killed_celery_worker_held_comes_back_when_ours_run(own: Fleet, tmp_path: Path) -> None:
    end = tmp_path / "end"
    doomed = own.worker("celery", "shared", "-P", "threads", "-c", "1", "--prefetch-multiplier", "4").ready()
    sent = [own.client("celery").send("hold_late", repr((str(end),)), queue="shared") for _ in range(4)]
    own.ledger.wait_for("begin", task_id=sent[0])
    eventually(lambda: doomed.log.count("received") == 4, "it has prefetched all four", explain=lambda: doomed.log)
    doomed.kill()
    end.touch()
    time.sleep(1.0)

    own.worker("ours", "shared", "-c", "2", broker_transport_options={"visibility_timeout": 1})

    own.ledger.wait_for("end", 4, timeout=20)
    assert {entry.id for entry in own.ledger.entries("end")} == set(sent)
    assert Counter(entry.note for entry in own.ledger.entries("begin")) == {"celery": 1, "ours": 4}


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_what_a_celery_worker_had_finished_when_it_was_killed_is_not_run_again(own: Fleet, tmp_path: Path, compression: str | None) -> None:
    """It had stored the result and not acknowledged the message yet."""
    own.conf = {"result_compression": compression}
    doomed = own.worker("celery", "shared", "-P", "threads", "-c", "1", "--prefetch-multiplier", "4").ready()
    client = own.client("celery")
    done = client.send("hold_late", repr((str(tmp_path),)), queue="shared")
    assert client.get(done)["value"] == "celery"
    stored = own.redis().get(f"celery-task-meta-{done}")
    end = tmp_path / "end"
    held = client.send("hold_late", repr((str(end),)), queue="shared")
    own.ledger.wait_for("begin", task_id=held)
    [tag] = own.redis().hkeys("unacked")
    again = json.loads(own.redis().hget("unacked", tag))
    doomed.kill()
    # As if it had been killed a moment earlier: the one that it had finished is among what it held.
    again[0] = {**again[0], "headers": {**again[0]["headers"], "id": done}}
    own.redis().hset("unacked", "finished", json.dumps(again))
    own.redis().zadd("unacked_index", {"finished": time.time()})
    end.touch()
    time.sleep(1.0)

    own.worker("ours", "shared", "-c", "2", broker_transport_options={"visibility_timeout": 1})

    own.ledger.wait_for("end", task_id=held, timeout=20)
    eventually(lambda: not own.redis().exists("unacked", "shared"), "nothing is left")
    assert [entry.note for entry in own.ledger.entries("begin", done)] == ["celery"]
    assert own.redis().get(f"celery-task-meta-{done}") == stored


def test_what_ours_hold_is_invisible_to_celerys_restore(own: Fleet, tmp_path: Path) -> None:
    end = tmp_path / "end"
    own.worker("ours", "shared", "-c", "1").ready()
    sent = [own.client("celery").send("hold_late", repr((str(end),)), queue="shared") for _ in range(3)]
    own.ledger.wait_for("begin", task_id=sent[0])

    own.client("celery").ask("restore")
    other = own.worker("celery", "shared", "-P", "threads", "-c", "4", broker_transport_options={"visibility_timeout": 1}).ready()
    time.sleep(1.5)

    assert [entry.note for entry in own.ledger.entries("begin", sent[0])] == ["ours"]
    end.touch()
    own.ledger.wait_for("end", 3, timeout=10)
    assert Counter(entry.id for entry in own.ledger.entries("begin")) == dict.fromkeys(sent, 1)
    other.stop()
