"""Where results can be kept, and what becomes of connections in executors of one process."""

from __future__ import annotations

import pytest

from tests.django.harness import BIN, DjangoProject
from tests.harness.waiting import PATIENCE

pytestmark = pytest.mark.timeout(180)

PLAIN = ["django.contrib.contenttypes", "django.contrib.auth", "shop.apps.ShopConfig"]
STORES = {
    "our table": {"INSTALLED_APPS": [*PLAIN, "celeriac.django"]},
    "our cache": {"INSTALLED_APPS": PLAIN, "CELERY_RESULT_BACKEND": "django-cache"},
    "the cache of django-celery-results": {"INSTALLED_APPS": [*PLAIN, "django_celery_results"], "CELERY_RESULT_BACKEND": "django-cache"},
    "a class of one's own": {"INSTALLED_APPS": PLAIN, "CELERY_RESULT_BACKEND": "proj.stores:InADict"},
}
WORK = """
from celery import chord, group
from celery.result import AsyncResult, GroupResult
from celeriac.testing.worker import start_worker
from proj.celery import app
from shop.tasks import add, refuse, total
with start_worker(app, pool="threads", concurrency=2):
    good, bad = add.delay(2, 3), refuse.delay()
    told = [good.get(timeout=30), AsyncResult(good.id).state, repr(bad.get(timeout=30, propagate=False)), "refuse" in bad.traceback]
    parts = group(add.s(1, 1), add.s(2, 2)).apply_async()
    parts.save()
    told += [GroupResult.restore(parts.id).get(timeout=30), chord([add.s(1, 1), add.s(2, 2)], total.s()).apply_async().get(timeout=40)]
    backend = app.result_backend
    again = app.encode_result(__import__("celeriac.model.record", fromlist=["x"]).ResultMeta(good.id, "FAILURE", ValueError("late")))
    backend.store([again])
    told.append(AsyncResult(good.id).state)
    good.forget()
    told.append(AsyncResult(good.id).state)
print(json.dumps(told))
"""
POOLS = """
import threading
from django.db import connections
from celeriac.testing.worker import start_worker
from proj.celery import app
from shop.tasks import count, count_softly, order
with start_worker(app, pool=POOL, concurrency=2):
    order.delay("one").get(timeout=30)
    met = [count.delay().get(timeout=30) for _ in range(4)]
    soft = [count_softly.delay().get(timeout=30) for _ in range(4)]
asked = sorted(thread.name.rpartition("_")[0] for thread in threading.enumerate() if "ThreadPoolExecutor" in thread.name)
print(json.dumps([met, soft, asked]))
"""


IN_A_TRANSACTION = """
from django.db import transaction
from celery.result import AsyncResult
from shop.models import Order
from shop.tasks import order
with transaction.atomic():
    Order.objects.create(title="kept")
    states = [AsyncResult("nobody").state, order.delay("later").state]
print(json.dumps([states, Order.objects.count()]))
"""
ADMIN = """
import re
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import setup_test_environment
from celeriac.django.models import OutboxMessage, TaskResult
from celeriac.testing.worker import start_worker
from celery import chain
from proj.celery import app
from shop.tasks import add, refuse
setup_test_environment()
visitor = Client()
visitor.force_login(User.objects.create_superuser("anna", password="x"))
with start_worker(app, pool="threads", concurrency=2):
    bad = refuse.delay()
    bad.get(timeout=30, propagate=False)
    last = chain(add.s(1, 1), add.s(2)).delay()
    last.get(timeout=30)
    page = "/admin/celeriac/taskresult/"
    def shown(path):
        return re.sub(r"<[^>]+>", " ", visitor.get(path).content.decode())
    def act(name, row):
        answer = visitor.post(page, {"action": name, "_selected_action": row.pk}, follow=True)
        return [str(message) for message in answer.context["messages"]]
    first = TaskResult.objects.get(task_id=last.parent.id)
    failed = TaskResult.objects.get(task_id=bad.id)
    told = [
        "shop.tasks.add" in shown(page + "?q=shop.tasks.add"), "shop.tasks.refuse" in shown(page + "?state=FAILURE&q=" + bad.id),
        "no such order" in shown(f"{page}{failed.pk}/change/"), "shop.tasks.add" in shown(f"{page}{first.pk}/change/").partition("Called from it")[2],
        act("revoke", first), app.AsyncResult(act("run_again", first)[0].rpartition(" ")[2]).get(timeout=30),
    ]
told.append(visitor.get("/admin/celeriac/outboxmessage/").status_code)
print(json.dumps(told))
"""


def test_a_result_that_is_asked_for_leaves_the_transaction_alone(tmp_path: object) -> None:
    project = DjangoProject(tmp_path, INSTALLED_APPS=[*PLAIN, "celeriac.django"])  # type: ignore[arg-type]

    assert project.python(IN_A_TRANSACTION) == [["PENDING", "PENDING"], 1]


def test_the_results_admin_finds_shows_and_acts(tmp_path: object) -> None:
    admin = ["django.contrib.admin", "django.contrib.sessions", "django.contrib.messages"]
    project = DjangoProject(tmp_path, INSTALLED_APPS=[*PLAIN, "celeriac.django", *admin])  # type: ignore[arg-type]

    told = project.python(ADMIN)
    assert told[:4] == [True] * 4
    assert told[4:] == [["shop.tasks.add: it has ended (SUCCESS), there is nothing to revoke"], 2, 200]


def test_coroutines_ask_the_orm_under_gevent_and_the_worker_ends(tmp_path: object) -> None:
    project = DjangoProject(tmp_path, INSTALLED_APPS=[*PLAIN, "celeriac.django"])  # type: ignore[arg-type]
    worker = project.start(BIN / "celery", "-A", "proj", "worker", "-P", "gevent", "-c", "2", "-l", "info", name="green")
    worker.wait_ready(40)
    counted = "from shop.tasks import count, count_softly\nprint(json.dumps([count_softly.delay().get(timeout=30), count.delay().get(timeout=30)]))"

    assert project.python(counted) == [0, [False, 0]]
    worker.process.terminate()
    assert worker.process.wait(20 * PATIENCE) == 0


@pytest.mark.parametrize("name", STORES)
def test_results_are_kept_in_each_store(name: str, tmp_path: object) -> None:
    project = DjangoProject(tmp_path, **STORES[name])  # type: ignore[arg-type]

    assert project.python(WORK) == [5, "SUCCESS", "ValueError('no such order')", True, [2, 4], 6, "SUCCESS", "PENDING"]


@pytest.mark.parametrize("pool", ["solo", "threads", "asyncio"])
def test_each_task_begins_without_the_connection_of_another(pool: str, tmp_path: object) -> None:
    project = DjangoProject(tmp_path, INSTALLED_APPS=PLAIN, CELERY_RESULT_BACKEND="cache+memory://")  # type: ignore[arg-type]

    assert project.python(POOLS.replace("POOL", repr(pool), 1)) == [[[False, 1]] * 4, [1] * 4, []]


def test_a_connection_is_kept_for_as_many_tasks_as_db_reuse_max_says(tmp_path: object) -> None:
    project = DjangoProject(tmp_path, INSTALLED_APPS=PLAIN, CELERY_RESULT_BACKEND="cache+memory://", CELERY_DB_REUSE_MAX=3)  # type: ignore[arg-type]

    met, _, _ = project.python(POOLS.replace("POOL", "'solo'", 1))
    # `order` was the first of three, so the second and third meet its connection.
    assert [was_open for was_open, _ in met] == [True, True, False, True]


def test_a_table_that_is_missing_is_named(tmp_path: object) -> None:
    project = DjangoProject(tmp_path, INSTALLED_APPS=PLAIN)  # type: ignore[arg-type]
    done = project.run(BIN / "celery", "-A", "proj", "result", "some-id", check=False)

    assert done.returncode == 1
    assert "add 'celeriac.django' (or 'django_celery_results') to INSTALLED_APPS, then run manage.py migrate" in done.stderr
