"""Calls that are part of a transaction: written with it, sent after it, and by somebody else when whoever committed it dies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.django.harness import BEGIN, BIN, DjangoProject
from tests.harness.waiting import eventually

pytestmark = pytest.mark.timeout(180)

PLAIN = ["django.contrib.contenttypes", "django.contrib.auth", "shop.apps.ShopConfig"]
OURS = [*PLAIN, "celeriac.django"]

WORK = """
from celery import chain, chord, group
from django.db import transaction
from celeriac.django.models import OutboxMessage
from celeriac.testing.worker import start_worker
from proj.celery import app
from shop.tasks import add, total
def dropped(block):
    try:
        with transaction.atomic():
            found = block()
            raise KeyError
    except KeyError:
        return found
waiting = OutboxMessage.objects.count
with start_worker(app, pool="threads", concurrency=2):
    with transaction.atomic():
        sent = [
            add.apply_async((1, 2), transactional=True), chain(add.s(1, 1), add.s(3)).apply_async(transactional=True),
            group(add.s(n, n) for n in range(3)).apply_async(transactional=True),
            chord([add.s(n, n) for n in range(3)], total.s()).apply_async(transactional=True),
            add.apply_async((5, 5), countdown=0.5, transactional=True),
        ]
        at_once = add.delay(9, 9).get(timeout=30)
        held = waiting()
        undone = [dropped(lambda: add.apply_async((1, 2), transactional=True))]
        told = [at_once, held, waiting(), sent[0].state]
    told += [[result.get(timeout=40) for result in sent], waiting()]
    app.conf.task_transactional = True
    undone.append(dropped(lambda: add.delay(3, 3)))
    with transaction.atomic():
        sent = [add.delay(4, 4), add.apply_async((7, 7), transactional=False)]
        none = add.delay_on_commit(8, 8)
        told += [waiting(), sent[1].get(timeout=30)]
    told += [sent[0].get(timeout=30), add.delay(2, 2).get(timeout=30), none, waiting(), [result.state for result in undone]]
print(json.dumps(told))
"""


def test_what_is_committed_is_sent_and_what_is_rolled_back_is_not(tmp_path: Path) -> None:
    store = f"db+sqlite:///{tmp_path}/results.sqlite3"  # in the project's own database nobody could answer while the transaction is open
    project = DjangoProject(tmp_path, INSTALLED_APPS=OURS, CELERY_RESULT_BACKEND=store)

    told = project.python(WORK)
    assert told == [18, 5, 5, "PENDING", [3, 5, [0, 2, 4], 6, 10], 0, 2, 14, 8, 4, None, 0, ["PENDING", "PENDING"]]


COMMIT = """
from django.db import transaction
from shop.models import Order
from shop.tasks import order
with transaction.atomic():
    Order.objects.create(title="committed NAME")
    print(order.apply_async(("ran NAME",), task_id="id-NAME", transactional=True).id)
"""
STATE = """
from celeriac.django.models import OutboxMessage
from proj.celery import app
from shop.models import Order
print(json.dumps([sorted(Order.objects.values_list("title", flat=True)), OutboxMessage.objects.count(), app.broker.depth("celery")]))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DjangoProject]:
    made = DjangoProject(tmp_path_factory.mktemp("django"), INSTALLED_APPS=OURS)
    yield made
    made.end()


def commit(project: DjangoProject, name: str, dies_at: str) -> None:
    """Commit a call in a process that dies there."""
    posts = project.folder / f"posts-{name}"
    posts.mkdir()
    (posts / f"{dies_at}.kill").touch()
    done = project.run(BIN / "python", "-c", BEGIN + COMMIT.replace("NAME", name), check=False, CELERIAC_SIGNPOSTS=str(posts))
    assert done.returncode == -9, done.stderr


def test_what_a_dead_process_left_is_sent_by_the_command_or_by_a_worker(project: DjangoProject) -> None:
    commit(project, "first", "outbox.committed")
    assert project.python(STATE) == [["committed first"], 1, 0]

    done = project.run(BIN / "python", "-m", "django", "celeriac_outbox", "--once", "--at-once")
    assert done.stdout == "default: 1 sent, 0 left\n"

    commit(project, "second", "outbox.committed")
    worker = project.start(BIN / "celery", "-A", "proj", "worker", "-l", "info", "-c", "1", name="worker")
    worker.wait_log("Sent 1 messages that were left in the outbox", timeout=60)
    eventually(lambda: project.python(STATE)[0][2:] == ["ran first", "ran second"], "both have run", timeout=40, pause=0.3)
    assert project.python(STATE)[1:] == [0, 0]

    # Its process dies when the broker has the message and the row is not crossed out: who has a result is not called again.
    commit(project, "third", "outbox.published")
    eventually(lambda: "ran third" in project.python(STATE)[0], "it has run", timeout=40, pause=0.3)
    eventually(lambda: project.python(STATE)[1] == 0, "the worker crosses it out", timeout=60, pause=0.3)
    assert project.python(STATE)[0].count("ran third") == 1
    project.end()


AWAY = """
from celeriac.django.models import OutboxMessage
row = OutboxMessage.objects.get()
print(json.dumps([row.task, row.task_id, row.error.startswith("OperationalError: The message could not be handed to the broker")]))
"""


def test_a_broker_that_is_away_holds_up_nobody(tmp_path: Path) -> None:
    project = DjangoProject(tmp_path, INSTALLED_APPS=OURS)
    done = project.run(BIN / "python", "-c", BEGIN + COMMIT.replace("NAME", "away"), CELERY_BROKER_URL="amqp://127.0.0.1:1//")

    assert done.stdout == "id-away\n"
    assert project.python(AWAY) == ["shop.tasks.order", "id-away", True]
    assert project.run(BIN / "python", "-m", "django", "celeriac_outbox", "--once", "--at-once").stdout == "default: 1 sent, 0 left\n"
    assert project.python(STATE) == [["committed away"], 0, 1]


def test_without_the_table_a_transactional_call_is_refused(tmp_path: Path) -> None:
    project = DjangoProject(tmp_path, INSTALLED_APPS=PLAIN, CELERY_RESULT_BACKEND="cache+memory://")
    done = project.run(BIN / "python", "-c", BEGIN + COMMIT, check=False)

    assert "add 'celeriac.django' to INSTALLED_APPS, then run manage.py migrate; or send it without" in done.stderr
    assert project.python("from shop.models import Order\nprint(Order.objects.count())") == 0
