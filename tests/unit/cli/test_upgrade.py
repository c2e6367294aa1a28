from __future__ import annotations

from pathlib import Path

from celeriac.cli.upgrade import renew
from tests.unit.cli.conftest import Run

OLD = '''# BROKER_URL stays in comments
BROKER_URL = "redis://"
CELERY_TASK_SERIALIZER = "json"
CELERYBEAT_SCHEDULE = {"CELERY_IMPORTS": 1}
DEBUG = True
'''


def test_old_names_become_new_ones_outside_of_text() -> None:
    new, renamed = renew(OLD)

    assert new.splitlines() == [
        "# BROKER_URL stays in comments",
        'broker_url = "redis://"',
        'task_serializer = "json"',
        'beat_schedule = {"CELERY_IMPORTS": 1}',
        "DEBUG = True",
    ]
    assert {"BROKER_URL": "broker_url", "CELERY_TASK_SERIALIZER": "task_serializer", "CELERYBEAT_SCHEDULE": "beat_schedule"} == renamed


def test_django_names_have_capitals_and_a_prefix() -> None:
    new, renamed = renew(OLD, django=True)

    assert 'CELERY_BROKER_URL = "redis://"' in new
    assert 'CELERY_TASK_SERIALIZER = "json"' in new
    assert {"BROKER_URL": "CELERY_BROKER_URL", "CELERYBEAT_SCHEDULE": "CELERY_BEAT_SCHEDULE"} == renamed


def test_both_names_can_be_kept() -> None:
    assert 'broker_url = BROKER_URL = "redis://"' in renew(OLD, compat=True)[0]


def test_the_file_is_changed_and_a_copy_kept(cli: Run, tmp_path: Path) -> None:
    path = tmp_path / "celeryconfig.py"
    path.write_text(OLD)
    status, out, _ = cli("upgrade", "settings", str(path))

    assert status == 0
    assert "BROKER_URL -> broker_url" in out
    assert OLD == (tmp_path / "celeryconfig.py.orig").read_text()
    assert "Nothing to do" in cli("upgrade", "settings", str(path))[1]


def test_what_is_not_python_is_refused(cli: Run, tmp_path: Path) -> None:
    path = tmp_path / "settings.py"
    path.write_text("BROKER_URL = (\n")
    status, _, err = cli("upgrade", "settings", str(path))

    assert status == 1
    assert "is not Python that can be read" in err
