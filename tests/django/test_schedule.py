"""The schedule in the project's database: the store's contract, beat by it, its admin page, and entries taken over from django-celery-beat."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.django.harness import BIN, PROJECT, DjangoProject

pytestmark = pytest.mark.timeout(180)

PLAIN = ["django.contrib.contenttypes", "django.contrib.auth", "celeriac.django", "shop.apps.ShopConfig"]
ADMIN = [*PLAIN, "django.contrib.admin", "django.contrib.sessions", "django.contrib.messages"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DjangoProject]:
    made = DjangoProject(tmp_path_factory.mktemp("django"), INSTALLED_APPS=ADMIN, CELERY_BEAT_STORE="django-db")
    yield made
    made.end()


def test_the_store_keeps_its_contract(tmp_path: Path) -> None:
    project = DjangoProject(tmp_path, INSTALLED_APPS=PLAIN)
    shutil.copy(PROJECT / "conformance.py", project.folder)
    done = project.run(
        BIN / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", project.folder, "conformance.py", check=False
    )

    assert done.returncode == 0, done.stdout
    assert "17 passed" in done.stdout


def test_a_running_beat_takes_up_what_is_changed_and_its_successor_repeats_nothing(project: DjangoProject) -> None:
    first = project.start(BIN / "celery", "-A", "proj", "beat", "-l", "info", "-S", "django-db", name="first")
    first.wait_log("leads", timeout=40)
    second = project.start(BIN / "celery", "-A", "proj", "beat", "-l", "info", "-S", "django", name="second")
    # That name is django-celery-beat's where it is an installed app.
    second.wait_log("schedule:    django-db", timeout=40)
    project.python("""
from celeriac.django.models import PeriodicTask
PeriodicTask.objects.create(name="tick", task="shop.tasks.order", every=1, args=["one"])
print(1)
""")
    first.wait_log("tick: sent shop.tasks.order", 2, timeout=20)
    project.python("""
from celeriac.django.models import PeriodicTask
PeriodicTask.objects.filter(name="tick").update(args=["two"])
print(1)
""")
    first.wait_log("tick: sent shop.tasks.order", len(first.wait_log("tick: sent")) + 1, timeout=20)
    first.process.kill()
    second.wait_log("leads", timeout=20)
    second.wait_log("tick: sent shop.tasks.order", 2, timeout=20)
    stopped = project.python("""
from celeriac.django.models import PeriodicTask
entry = PeriodicTask.objects.get(name="tick")
entry.enabled = False
entry.save()
print(json.dumps([entry.next_run_at, entry.last_run_at is not None]))
""")
    slots = [found[1] for beat in (first, second) for found in beat.wait_log(r"tick: sent .* for (\S+) \(")]
    told = project.python("""
from celeriac.django.models import PeriodicTask
print(json.dumps([PeriodicTask.objects.get(name="tick").runs]))
""")

    assert stopped == [None, True]
    assert len(slots) == len(set(slots))
    # A line may be missing of what was sent right before the kill.
    assert told[0] - len(slots) in (0, 1)
    project.end()


CHECK = """
from celeriac.django.models import PeriodicTask
from celeriac.model.errors import CeleriacError
from celeriac.beat.admin import Schedule
from proj.celery import app
told = []
def refused(**columns):
    try:
        PeriodicTask.objects.create(name="no", task="shop.tasks.add", **columns)
    except (CeleriacError, ValueError, TypeError) as error:
        told.append(str(error))
refused(crontab="*/15 8-25 * * *")
refused(every=3, crontab="@daily")
refused(every=3, timezone="Europe/Berln")
refused(every=3, args={object()})
PeriodicTask(name="whole", task="shop.tasks.add", every=3).full_clean()
app.schedule.add("mine", "shop.tasks.add", "30 7 * * mon-fri", args=(1, 2), timezone="Asia/Tokyo")
row = PeriodicTask.objects.get(name="mine")
told.append([row.crontab, row.timezone, row.args, row.schedule_in_words()])
before = row.next_due
row.description = "changed"
row.save()
told.append(row.next_due == before)
row.crontab = "0 8 * * *"
row.save()
told.append([row.next_due != before, app.schedule.get("mine").schedule])
PeriodicTask.objects.filter(name="mine").update(enabled=False)
told.append(app.schedule.get("mine").state)
told.append(PeriodicTask.objects.filter(name="no").count())
print(json.dumps(told))
"""


def test_rows_are_checked_and_planned_by_whatever_way_they_are_written(project: DjangoProject) -> None:
    cron, ways, zone, plain, row, same, changed, state, left = project.python(CHECK)

    assert "position 8 (hour), '25': hour goes from 0 to 23" in cron
    assert "exactly one way" in ways
    assert "did you mean 'Europe/Berlin'?" in zone
    assert "is not JSON serializable" in plain
    assert row == ["30 7 * * mon-fri", "Asia/Tokyo", [1, 2], "at 07:30, on Monday to Friday (Asia/Tokyo)"]
    assert [same, changed, state, left] == [True, [True, "at 08:00"], "paused", 0]


VISIT = """
import re
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import setup_test_environment
from celeriac.django.models import PeriodicTask
from proj.celery import app
User.objects.create_superuser("anna", password="x")
setup_test_environment()
visitor = Client()
visitor.force_login(User.objects.get())
base = {"name": "form", "task": "shop.tasks.add", "enabled": "on", "period": "seconds", "misfire": "run_once", "args": "[1, 2]"}
page = "/admin/celeriac/periodictask/"
def errors(**fields):
    answer = visitor.post(page + "add/", {**base, **fields})
    form = answer.context and answer.context.get("adminform")
    return {name: " ".join(texts) for name, texts in form.form.errors.items()} if form else {"saved": answer.status_code}
told = [
    errors(crontab="*/15 8-25 * * *"), errors(), errors(every=3, crontab="@daily"), errors(every=3, task="shop.tasks.ad"), errors(every=3, args="[1"),
    errors(every=3, args="[1]"), errors(every=3, options='{"queu": "x"}'), errors(every=3, timezone="Berlin"),
    errors(clocked_0="2020-01-01", clocked_1="0:0"), errors(solar_event="sunset"), errors(every=3600), errors(every=3),
]
row = PeriodicTask.objects.get(name="form")
def act(name):
    answer = visitor.post(page, {"action": name, "_selected_action": row.pk}, follow=True)
    return [str(message) for message in answer.context["messages"]]
told += [act("disable"), PeriodicTask.objects.get(pk=row.pk).enabled, act("enable"), act("run_now"), app.broker.depth("celery") > 0]
told.append(re.sub(r"<[^>]+>", "", visitor.get(page).content.decode()).count("in 59 minutes"))
told.append(visitor.get(f"{page}{row.pk}/change/").status_code)
print(json.dumps(told))
"""


def test_the_admin_says_at_the_field_what_is_wrong_and_acts(project: DjangoProject) -> None:
    told = project.python(VISIT)
    expected: list[tuple[str, str]] = [
        ("crontab", "position 8 (hour), '25': hour goes from 0 to 23"), ("every", "in one way"), ("crontab", "in one way"),
        ("task", "did you mean shop.tasks.add?"), ("args", "line 1, column 3"), ("args", "missing"), ("options", "did you mean queue?"),
        ("timezone", "no such time zone"), ("clocked", "is over"), ("latitude", "-90 to 90"), ("saved", "302"), ("name", "already"),
    ]  # fmt: skip

    for errors, (field, text) in zip(told, expected):
        assert text in str(errors.get(field)), (errors, field)
    disabled, enabled, again, sent, queued, hour, status = told[len(expected) :]
    assert [disabled, enabled, again] == [["“form”: disabled"], False, ["“form”: enabled"]]
    assert sent[0].startswith("“form”: sent, its id is ")
    assert [queued, hour, status] == [True, 1, 200]


IMPORT = """
from datetime import timedelta
from django.core.management import call_command
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask as Theirs
from celeriac.django.models import PeriodicTask
every, _ = IntervalSchedule.objects.get_or_create(every=10, period="minutes")
cron, _ = CrontabSchedule.objects.get_or_create(minute="30", hour="7", day_of_week="mon-fri", timezone="Asia/Tokyo")
over, _ = ClockedSchedule.objects.get_or_create(clocked_time=timezone.now() - timedelta(days=1))
ran = timezone.now() - timedelta(minutes=4)
Theirs.objects.create(name="poll", task="shop.tasks.add", args="[1, 2]", interval=every, queue="slow", expire_seconds=30, last_run_at=ran,
                      total_run_count=17)
Theirs.objects.create(name="report", task="shop.tasks.total", kwargs='{"numbers": [1]}', crontab=cron, priority=3)
Theirs.objects.create(name="over", task="shop.tasks.refuse", clocked=over, one_off=True)
call_command("celeriac_import_beat", "--disable-old", verbosity=0, stdout=open("told", "w"))
rows = {row.name: row for row in PeriodicTask.objects.all()}
poll, report = rows["poll"], rows["report"]
print(json.dumps([
    sorted(rows), [poll.every, poll.period, poll.options, poll.runs, abs(poll.next_due - ran.timestamp() - 600) < 0.001],
    [report.crontab, report.timezone, report.kwargs, report.options], rows["over"].enabled, Theirs.objects.filter(enabled=True).count(),
]))
"""


def test_entries_of_django_celery_beat_are_taken_over(tmp_path: Path) -> None:
    project = DjangoProject(tmp_path, INSTALLED_APPS=[*PLAIN, "django_celery_beat"])

    assert project.python(IMPORT) == [
        ["over", "poll", "report"],
        [10.0, "minutes", {"queue": "slow", "expires": 30}, 17, True],
        ["30 7 * * mon-fri", "Asia/Tokyo", {"numbers": [1]}, {"priority": 3}],
        False,
        0,
    ]


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    project = DjangoProject(tmp_path, INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "shop.apps.ShopConfig"])
    without_app = project.run(BIN / "celery", "-A", "proj", "beat", "-S", "django-db", check=False)
    without_django = project.run(
        BIN / "python", "-c", "from celeriac import Celeriac; Celeriac('x', beat_store='django-db').schedule.entries()", check=False,
        DJANGO_SETTINGS_MODULE="",
    )  # fmt: skip

    assert without_app.returncode == 1
    assert "add 'celeriac.django' to INSTALLED_APPS, then run manage.py migrate" in without_app.stderr
    assert "beat_store = 'django-db' needs a Django project: set DJANGO_SETTINGS_MODULE" in without_django.stderr
