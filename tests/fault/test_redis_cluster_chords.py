"""Chords and remote control on a Redis Cluster that loses one of its masters: each chord is finished, each body runs once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from celeriac import chord
from tests.fault.test_redis_topologies import serves
from tests.harness.fixtures import ROUNDS
from tests.harness.redis_project import RedisProject, resumed
from tests.harness.redis_server import replica_in_cluster, running_cluster
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")

CHORDS, PARTS = (60, 8) if ROUNDS >= 20 else (6, 8)


@pytest.mark.timeout(240)
def test_chords_are_finished_when_a_master_is_lost(tmp_path: Path, make_redis_project: Callable[..., RedisProject], figures: Any) -> None:
    """The master that has the queue, with its share of the chords; what it had is on its replica, all but its last milliseconds."""
    for name in ("cluster", "replica"):
        (tmp_path / name).mkdir()
    with running_cluster(tmp_path / "cluster") as cluster:
        slot = int(cluster[0].command("CLUSTER KEYSLOT celery").strip(":\r\n"))
        master = next(server for server in cluster if serves(server, slot))
        left = next(server for server in cluster if server is not master)
        with replica_in_cluster(tmp_path / "replica", master) as replica:
            project = make_redis_project(url=f"redis+cluster://127.0.0.1:{left.port}/0")
            worker = project.worker("-c", "2")
            resumed(project)
            call = project.client.signature
            results = [
                chord([call("tasks.safe", args=(0.02, n)) for n in range(PARTS)], call("tasks.gathered"), app=project.client)() for _ in range(CHORDS)
            ]
            project.ledger.wait_for("end", CHORDS * PARTS // 3, timeout=30)
            redis.Redis(port=master.port).wait(1, 2000)
            master.stop()
            eventually(lambda: serves(replica, slot), "the replica has taken over", timeout=40)
            values = [result.get(timeout=60) for result in results]
            answers = project.client.control.ping(timeout=5)
            stats = project.client.control.inspect(timeout=5).stats()
    bodies = Counter(entry.id for entry in project.ledger.entries("begin") if entry.id in {result.id for result in results})
    figures("Cluster, master lost during chords", f"{CHORDS} of {PARTS} parts", f"bodies {dict(Counter(bodies.values()))}")

    assert values == [list(range(PARTS))] * CHORDS
    # A body that runs in that very moment may run again, as any task may.
    assert sum(bodies.values()) <= CHORDS + 2
    assert (len(answers), len(stats or {})) == (1, 1)
    assert "CROSSSLOT" not in worker.log
