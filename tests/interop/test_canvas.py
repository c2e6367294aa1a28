"""Workflows between Celery and ours: sent by either, run by Celery, by ours, and by a fleet of both, where each second call goes to the other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.rabbitmq import RabbitServer, rabbitmq  # noqa: F401 (a fixture)
from tests.harness.redis_server import running
from tests.harness.waiting import PATIENCE, eventually
from tests.interop.fleet_sides import SIDES, Fleet
from tests.interop.peer import require_peers

MODES = {"theirs": ("theirs",), "ours": ("ours",), "to and fro": ("theirs", "ours"), "fro and to": ("ours", "theirs")}
"""Which queues the calls of a workflow go to, one after the other."""

SHAPES: dict[str, tuple[str, Any]] = {
    # @ sends a call to the next queue, # is the next queue's name
    "chain": ("chain(add.s(1, 1)@, add.s(5)@, add.s(7)@)", 14),
    "group": ("group([add.s(n, n)@ for n in range(4)])", [0, 2, 4, 6]),
    "chain that ends in a group": ("chain(add.s(1, 1)@, group([add.s(1)@, add.s(2)@]))", [3, 4]),
    "chord": ("chord([add.s(1, 1)@, add.s(2, 2)@, add.s(3, 3)@], total.s()@)", 12),
    "chord of chains": ("chord([chain(add.s(1, 1)@, add.s(1)@), chain(add.s(2, 2)@, add.s(2)@)], total.s()@)", 9),
    "chain of groups": ("chain(group([add.s(1, 1)@, add.s(2, 2)@]), total.s()@, group([add.s(1)@, add.s(2)@]), total.s()@)", 15),
    "group after group": ("chain(group([add.s(1, 1)@, add.s(2, 2)@]), group([total.s()@, total.s()@]))", [6, 6]),
    "chord in a chain": ("chain(add.s(1, 1)@, chord([add.s(1)@, add.s(2)@], total.s()@), add.s(100)@)", 107),
    "chord in a header": ("chord([chord([add.s(1, 1)@, add.s(2, 2)@], total.s()@), add.s(3, 3)@], total.s()@)", 12),
    "chord as a body": ("chord([add.s(1, 1)@, add.s(2, 2)@], chord([total.s()@, total.s()@], total.s()@))", 12),
    "header element that ends in a group": (
        "chord([chain(add.s(1, 1)@, group([add.s(1)@, add.s(2)@])), add.s(3, 3)@], describe.s()@)", ["list [[3, 4], 6]"],
    ),
    "body that is a chain": ("chord([add.s(1, 1)@, add.s(2, 2)@], chain(total.s()@, add.s(4)@))", 10),
    "body that is a group": ("chord([add.s(1, 1)@, add.s(2, 2)@], group([total.s()@, total.s()@]))", [6, 6]),
    "immutable body": ("chord([add.s(1, 1)@, add.s(2, 2)@], add.si(4, 5)@)", 9),
    "header of one": ("chord([add.s(1, 1)@], total.s()@)", 2),
    "starmap": ("add.starmap([(1, 1), (2, 2)])@", [2, 4]),
    "replaced task": ("chain(replaced.s(1, '#')@, add.s(100)@)", 111),
    "replaced part": ("chord([replaced.s(1, '#')@, add.s(2, 2)@], total.s()@)", 15),
    "task replaced by a group": ("chain(replaced_by_group.s(1, '#')@, total.s()@)", 32),
}  # fmt: skip

FAILING = {
    "step": ("chain(add.s(1, 1)@, fail.si()@, add.s(7)@)", "ValueError", MODES),
    "part": ("chord([add.s(1, 1)@, fail.s()@], total.s()@)", "ChordError", MODES),
    "step of a chain in a header": ("chord([add.s(1, 1)@, chain(fail.s()@, add.s(1)@)], total.s()@)", "ChordError", MODES),
    "body": ("chord([add.s(1, 1)@], fail.si()@)", "ValueError", MODES),
    # Where Celery's worker notices it, the outer chord is never told: it hangs there, whoever sent it.
    "chord in a header": ("chord([add.s(1, 1)@, chord([fail.s()@, add.s(1, 1)@], total.s()@)], total.s()@)", "ChordError", ["ours"]),
}

pytestmark = pytest.mark.timeout(90)


class CanvasFleet(Fleet):
    """Both kinds on one broker; results in Redis."""

    def __init__(self, folder: Path, url: str, backend: str) -> None:
        super().__init__(folder, url)
        self.backend = backend
        self.modes = list(MODES) if url == backend else ["to and fro"]
        self.conf = {"task_routes": {"celery.*": {"queue": "theirs"}}}

    def environment(self, side: str, **conf: Any) -> dict[str, str]:
        """The same, with the result store."""
        return {**super().environment(side, **conf), "FLEET_BACKEND": self.backend}


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CanvasFleet]:
    """One worker and one client of each kind."""
    require_peers()
    with running(Path(tmp_path_factory.mktemp("redis"))) as redis:
        url = redis.new_url()
        broker = url if request.param == "redis" else request.getfixturevalue("rabbitmq").vhost()
        fleet = CanvasFleet(tmp_path_factory.mktemp("fleet"), broker, url)
        try:
            workers = [fleet.worker("celery", "theirs", "-P", "threads", "-c", "4"), fleet.worker("ours", "ours", "-c", "2")]
            clients = [fleet.client(side) for side in SIDES]
            for worker in workers:
                worker.ready()
            assert len(clients) == 2
            yield fleet
        finally:
            fleet.close()


def filled(text: str, mode: str) -> str:
    """Return an expression with its queues."""
    queues = itertools.cycle(MODES[mode])
    return "".join(f".set(queue={next(queues)!r})" if mark == "@" else next(queues) if mark == "#" else mark for mark in text)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_workflow_comes_to_the_same_whoever_sends_and_runs_it(fleet: CanvasFleet, shape: str) -> None:
    text, expected = SHAPES[shape]

    found = {
        (side, mode): fleet.client(side).ask("workflow", expression=filled(text, mode), timeout=10 * PATIENCE)["value"]
        for side in SIDES for mode in fleet.modes
    }  # fmt: skip

    assert dict.fromkeys(found, expected) == found


@pytest.mark.parametrize("what", FAILING)
def test_a_failure_ends_a_workflow_whoever_sends_and_runs_it(fleet: CanvasFleet, what: str) -> None:
    text, expected, modes = FAILING[what]

    found = {
        (side, mode): fleet.client(side).ask("outcome", expression=filled(text, mode), timeout=10 * PATIENCE)["kind"]
        for side in SIDES for mode in fleet.modes if mode in modes
    }  # fmt: skip

    assert dict.fromkeys(found, expected) == found


@pytest.mark.parametrize("sender", SIDES)
def test_stamps_reach_the_later_steps(fleet: CanvasFleet, sender: str) -> None:
    for mode in fleet.modes:
        expression = filled("stamped(chain(add.s(1, 1)@, stamps.s()@), tenant='x')", mode)
        stamps = fleet.client(sender).ask("workflow", expression=expression, timeout=10 * PATIENCE)["value"]
        # Celery's workers hand on a single value as it is.
        assert stamps in ({"tenant": "x"}, {"tenant": ["x"]}), mode


@pytest.mark.parametrize("sender", SIDES)
def test_the_callbacks_and_errbacks_of_workflows_are_called_by_either(fleet: CanvasFleet, sender: str) -> None:
    client, called = fleet.client(sender), [entry.note[1] for entry in fleet.ledger.entries("errback")]
    for mode in fleet.modes:
        linked = "chord([add.s(1, 1)@, add.s(2, 2)@], total.s()@.set(link=note.s('%s')@))"
        guarded = "chord([add.s(1, 1)@, fail.s()@], total.s()@.on_error(note_failure.s()@))"
        named = f"{sender} {mode}"

        client.ask("workflow", expression=filled(linked % named, mode), timeout=10 * PATIENCE)
        client.ask("outcome", expression=filled(guarded, mode), timeout=10 * PATIENCE)

        # Celery tells an errback another id than that of the body.
        called.append("ChordError")
        assert [entry.note[1] for entry in fleet.ledger.wait_for("errback", len(called), timeout=20)] == called
        wanted = [6, named]
        eventually(lambda wanted=wanted: wanted in [entry.note[1:] for entry in fleet.ledger.entries("note")], f"the callback was called: {named}")
