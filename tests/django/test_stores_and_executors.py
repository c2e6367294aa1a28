"""Where results can be kept, and what becomes of connections in executors of one process."""

from __future__ import annotations

import pytest

from tests.django.harness import BIN, DjangoProject

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
