"""Taking our fleet away again, and moving there and back while clients send: real Celery finds everything, and nothing of ours is left."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest
import redis

from tests.harness.waiting import PATIENCE, eventually
from tests.interop.fleet_sides import SIDES, Fleet

pytestmark = pytest.mark.timeout(60)


def keys(fleet: Fleet, pattern: bytes = b"celeriac:*") -> list[bytes]:
    """Return the keys of a fleet's database."""
    with redis.Redis.from_url(fleet.url) as client:
        return sorted(client.keys(pattern))


def test_our_fleet_leaves_nothing_behind_and_celerys_finds_everything(own: Fleet, tmp_path: Path) -> None:
    begun, ahead = time.time(), 8 * PATIENCE
    worker = own.worker("ours", "shared", "-P", "solo", FLEET_SET_ASIDE="1").ready()
    client = own.client("ours")
    set_aside = client.send("count", queue="shared")
    later = [client.send("note", f"({n},)", queue="shared", countdown=ahead + n / 10, priority=n) for n in (0, 3)]
    removed = client.send("note", "('removed',)", queue="shared", countdown=ahead)
    eventually(lambda: set_aside in own.cli("dead", "list").stdout, "the message is set aside")
    assert own.cli("hand-back", "-f").returncode == 1, "the worker is alive"
    assert f"{later[0]}  " in own.cli("delayed", "list").stdout
    assert own.cli("delayed", "remove", removed).stdout == "Removed 1 message.\n"
    assert own.cli("queues", "-Q", "shared").stdout == "shared  2\n"
    worker.stop()

    told = own.cli("hand-back", "-f")

    assert "Handed back 2 delayed messages, 1 dead letter and 0 messages" in told.stdout, told.stderr
    assert keys(own) == []
    assert time.time() - begun < ahead, "too slow for this test: nothing is delayed any more"
    own.worker("celery", "shared", "-P", "solo")
    own.ledger.wait_for("note", 2, timeout=20)
    assert [entry.id for entry in own.ledger.entries("note")] == later
    assert all(entry.at >= begun + ahead for entry in own.ledger.entries("note"))
    assert [entry.note for entry in own.ledger.entries("end", set_aside)] == ["celery"]


def test_what_a_killed_worker_of_ours_held_is_handed_back(own: Fleet, tmp_path: Path) -> None:
    end = tmp_path / "end"
    worker = own.worker("ours", "shared", "-c", "1", worker_lease=1.0).ready()
    sent = [own.client("celery").send("hold_late", repr((str(end),)), queue="shared") for _ in range(3)]
    own.ledger.wait_for("begin", task_id=sent[0])
    worker.kill()

    told = eventually(lambda: got if (got := own.cli("hand-back", "-f")).returncode == 0 else None, "the lease has ended", pause=0.1)

    assert keys(own) == [], told.stdout
    end.touch()
    own.worker("celery", "shared", "-P", "solo")
    own.ledger.wait_for("end", 3, timeout=20)
    assert {entry.id for entry in own.ledger.entries("end")} == set(sent)


@pytest.mark.timeout(120)
def test_a_fleet_moves_there_and_back_while_clients_send(own: Fleet) -> None:
    """The steps of docs/how-to/mixed-fleet.md."""
    sent: list[str] = []

    def send() -> None:
        for side in SIDES:
            sent.extend(own.client(side).ask("send_many", name="count", count=100, options={"queue": "shared"})["ids"])
            sent.extend(own.client(side).ask("send_many", name="count", count=20, options={"queue": "shared", "countdown": 1.0})["ids"])

    first = own.worker("celery", "shared", "-P", "solo").ready()
    send()
    ours = own.worker("ours", "shared", "-c", "2").ready()
    send()
    first.stop()
    send()
    last = own.worker("celery", "shared", "-P", "solo").ready()
    send()
    ours.stop()
    send()
    handed = own.cli("hand-back", "-f")
    send()

    assert handed.returncode == 0, handed.stderr
    eventually(lambda: own.ledger.count("end") >= len(sent), "all have run", timeout=20, explain=lambda: json.dumps(own.ledger.count("end")))
    assert Counter(entry.id for entry in own.ledger.entries("end")) == dict.fromkeys(sent, 1)
    # Our clients send still, and know by these what they have sent; they vanish by themselves.
    assert [key for key in keys(own) if b":sent:" not in key] == []
    last.stop()
