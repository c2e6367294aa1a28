"""Tasks that were revoked before a worker began, on stores that do not keep revocations: it asks the workers that are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.rabbitmq import RabbitServer, rabbitmq
from tests.harness.rabbitmq_project import RabbitProject
from tests.harness.waiting import eventually

__all__ = ["rabbitmq"]


@pytest.fixture
def project(rabbitmq: RabbitServer, tmp_path: Path) -> Iterator[RabbitProject]:
    project = RabbitProject(tmp_path, url=rabbitmq.vhost())
    try:
        yield project
    finally:
        project.close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("options", [(), ("--without-mingle",)], ids=["asks", "does not ask"])
def test_a_worker_that_begins_later_knows_what_was_revoked(project: RabbitProject, options: tuple[str, ...]) -> None:
    first = project.worker("-Q", "elsewhere", "-c", "1")
    # Declares the queue in which both wait.
    project.worker("-c", "1").stop()
    revoked, other = project.send("early"), project.send("early")
    revoked.revoke()
    eventually(
        lambda: any(revoked.id in ids for ids in (project.client.control.inspect(timeout=2.0, limit=1).revoked() or {}).values()),
        "the first worker knows", explain=first.describe,
    )  # fmt: skip

    second = project.worker("-c", "1", *options)

    asks = not options
    states = project.states([revoked, other])
    assert {revoked.id: "REVOKED" if asks else "SUCCESS", other.id: "SUCCESS"} == states, second.describe()
    assert (0 if asks else 1) == project.ledger.count("begin", [revoked.id])
