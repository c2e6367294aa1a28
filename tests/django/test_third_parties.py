"""django-celery-results, django-celery-beat and django.tasks (or django-tasks), unchanged, on the drop-in: real processes, as a user starts them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.django.harness import BIN, DjangoProject
from tests.harness.waiting import eventually
from tests.harness.worker_process import WorkerProcess

pytestmark = pytest.mark.timeout(180)

OF_THE_ENTRY = """
from django_celery_results.models import TaskResult
rows = TaskResult.objects.filter(periodic_task_name="each second", status="SUCCESS")
print(json.dumps(sorted(set(rows.values_list("result", flat=True)))))
"""

Running = tuple[DjangoProject, WorkerProcess]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    project = DjangoProject(tmp_path_factory.mktemp("django"))
    worker = project.start(BIN / "celery", "-A", "proj", "worker", "-l", "info", "-c", "2", name="worker")
    beat = project.start(
        BIN / "celery", "-A", "proj", "beat", "-l", "info", "-S", "django_celery_beat.schedulers:DatabaseScheduler", name="beat"
    )
    try:
        worker.wait_ready(40)
        beat.wait_log("DatabaseScheduler starts", timeout=40)
        yield project, worker
    finally:
        project.end()


def test_results_stand_in_the_table_of_django_celery_results(running: Running) -> None:
    told = running[0].python("""
from shop.tasks import add, refuse
from django_celery_results.models import TaskResult
good, bad = add.delay(2, 3), refuse.delay()
assert good.get(timeout=30) == 5
try:
    bad.get(timeout=30)
except ValueError as error:
    raised = str(error)
row, failed = TaskResult.objects.get(task_id=good.id), TaskResult.objects.get(task_id=bad.id)
good.forget()
print(json.dumps({
    "row": [row.task_name, row.status, row.result, row.task_args, row.worker.startswith("celery@"), row.date_started is not None],
    "failed": [failed.status, raised, "no such order" in failed.traceback],
    "forgotten": good.state,
}))
""")

    assert told == {
        "row": ["shop.tasks.add", "SUCCESS", "5", "[2, 3]", True, True],
        "failed": ["FAILURE", "no such order", True],
        "forgotten": "PENDING",
    }


def test_groups_are_saved_and_chords_finish_in_django_celery_results(running: Running) -> None:
    told = running[0].python("""
from celery import chord, group
from celery.result import GroupResult
from shop.tasks import add, total
parts = group(add.s(1, 1), add.s(2, 2)).apply_async()
parts.save()
whole = chord([add.s(n, n) for n in range(4)], total.s()).apply_async()
print(json.dumps([GroupResult.restore(parts.id).get(timeout=30), whole.get(timeout=40)]))
""")

    assert told == [[2, 4], 12]


def test_calls_wait_for_the_commit_and_are_dropped_by_a_rollback(running: Running) -> None:
    told = running[0].python("""
from django.db import transaction
from shop.models import Order
from shop.tasks import order
returned = []
with transaction.atomic():
    returned.append(order.delay_on_commit("kept"))
    returned.append(order.apply_async_on_commit(("kept too",), countdown=0))
    before = Order.objects.count()
try:
    with transaction.atomic():
        order.delay_on_commit("dropped")
        raise KeyError
except KeyError:
    pass
deadline = time.monotonic() + 40
while Order.objects.filter(title__startswith="kept").count() < 2 and time.monotonic() < deadline:
    time.sleep(0.05)
print(json.dumps([returned, before, sorted(Order.objects.values_list("title", flat=True))]))
""")

    assert told == [[None, None], 0, ["kept", "kept too"]]
    assert "ordered kept" in (running[0].folder / "shop.log").read_text()


def test_no_task_meets_the_connection_of_the_one_before(running: Running) -> None:
    told = running[0].python("""
from shop.tasks import count, count_softly
print(json.dumps([[count.delay().get(timeout=30)[0] for _ in range(4)], type(count_softly.delay().get(timeout=30)).__name__]))
""")

    assert told == [[False] * 4, "int"]


def test_tasks_of_django_tasks_are_run_by_our_workers(running: Running) -> None:
    told = running[0].python("""
import asyncio
from datetime import timedelta
from django.utils import timezone
try:
    from django.tasks.exceptions import TaskResultDoesNotExist
except ImportError:
    from django_tasks.exceptions import TaskResultDoesNotExist
from shop.tasks import attempt, fail, price
first = price.enqueue(3, each=5)
begun = [first.status, first.args, first.kwargs]
soft, bad = asyncio.run(attempt.aenqueue()), fail.enqueue()
later = price.using(run_after=timezone.now() + timedelta(hours=1)).enqueue(1)
deadline = time.monotonic() + 40
while not (first.is_finished and soft.is_finished and bad.is_finished) and time.monotonic() < deadline:
    for result in (first, soft, bad):
        result.refresh()
later.refresh()
try:
    price.get_result("nobody")
except TaskResultDoesNotExist:
    missing = True
print(json.dumps({
    "begun": begun,
    "first": [price.get_result(first.id).return_value, first.attempts, first.started_at <= first.finished_at],
    "soft": soft.return_value[0],
    "bad": [bad.status, bad.errors[0].exception_class_path, "sold out" in bad.errors[0].traceback],
    "later": [later.status, later.started_at],
    "missing": missing,
}))
""")

    assert told == {
        "begun": ["READY", [3], {"each": 5}],
        "first": [15, 1, True],
        "soft": 1,
        "bad": ["FAILED", "builtins.ValueError", True],
        "later": ["READY", None],
        "missing": True,
    }


def test_entries_of_django_celery_beat_fire_and_edits_take_effect(running: Running) -> None:
    project, _ = running
    project.python("""
from django_celery_beat.models import IntervalSchedule, PeriodicTask
every, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
PeriodicTask.objects.create(name="each second", task="shop.tasks.add", args="[40, 2]", interval=every)
print(1)
""")
    beat = project.running[1]
    beat.wait_log("each second: sent shop.tasks.add", 2, timeout=40)
    project.python("""
from django_celery_beat.models import PeriodicTask
entry = PeriodicTask.objects.get(name="each second")
entry.args = "[50, 5]"
entry.save()
print(1)
""")
    beat.wait_log("each second: sent", len(beat.wait_log("each second: sent")) + 3, timeout=40)
    eventually(lambda: project.python(OF_THE_ENTRY) == ["42", "55"], "results of the entry as it was and as it is", timeout=40, pause=0.3)
