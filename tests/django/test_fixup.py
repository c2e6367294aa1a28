"""What an application does because DJANGO_SETTINGS_MODULE is set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.django.harness import BIN, DjangoProject

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> DjangoProject:
    return DjangoProject(tmp_path_factory.mktemp("django"))


def test_the_application_is_imported_without_django(project: DjangoProject) -> None:
    done = project.run(BIN / "python", "-c", "import sys, proj.celery; print('django' in sys.modules, proj.celery.app.configured)")

    assert done.stdout.split() == ["False", "False"]


def test_the_time_zone_and_the_tasks_are_those_of_the_project(project: DjangoProject) -> None:
    told = project.python("""
from proj.celery import app
app.import_task_modules()
bases = type(app.tasks["shop.tasks.add"]).__mro__
print(json.dumps([str(app.timezone), app.now().utcoffset() is not None, bases[2].__name__]))
""")

    assert told == ["Europe/Berlin", True, "DjangoTask"]


def test_a_time_zone_of_its_own_comes_before_djangos(tmp_path: Path) -> None:
    project = DjangoProject(tmp_path, CELERY_TIMEZONE="Asia/Tokyo")

    assert project.python("from proj.celery import app\nprint(json.dumps(str(app.timezone)))") == "Asia/Tokyo"


def test_a_worker_does_not_start_when_djangos_checks_fail(project: DjangoProject) -> None:
    done = project.run(BIN / "celery", "-A", "proj", "worker", "-P", "solo", check=False, SHOP_IS_WRONG="1")

    assert done.returncode == 1
    assert "shop.E001" in done.stderr
    assert "--skip-checks" in done.stderr
    assert "Traceback" not in done.stderr


def test_skipped_checks_let_it_start(project: DjangoProject) -> None:
    project.environment["SHOP_IS_WRONG"] = "1"
    worker = project.start(BIN / "celery", "-A", "proj", "worker", "-P", "solo", "-l", "info", "--skip-checks", name="unchecked")
    del project.environment["SHOP_IS_WRONG"]
    try:
        worker.wait_ready(40)
    finally:
        project.end()


def test_the_command_line_runs_from_manage_py(tmp_path: Path) -> None:
    project = DjangoProject(tmp_path, INSTALLED_APPS=["celeriac.django", "shop.apps.ShopConfig"])
    done = project.run(BIN / "python", "-m", "django", "celeriac", "report")

    assert "result_backend: 'django-db'" in done.stdout
    assert "No changes" in project.run(BIN / "python", "-m", "django", "makemigrations", "--check", "--dry-run", "celeriac").stdout


def test_without_django_the_variable_is_a_warning() -> None:
    code = "import sys, warnings\nsys.modules['django'] = None\nwarnings.simplefilter('error')\nfrom celeriac import Celeriac\nCeleriac('proj')"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "DJANGO_SETTINGS_MODULE": "proj.settings"}, capture_output=True, text=True, check=False
    )

    assert "FixupWarning: DJANGO_SETTINGS_MODULE is set, but Django is not installed here" in done.stderr


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        ("proj.stores:Nothing", "that class cannot be imported"),
        ("proj.settings:Path", "is no result store"),
        ("django-cash", "Unknown scheme 'django-cash'"),
    ],
)
def test_a_result_store_that_cannot_be_is_named(project: DjangoProject, backend: str, told: str) -> None:
    done = project.run(BIN / "celery", "-A", "proj", "--result-backend", backend, "result", "some-id", check=False)

    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_results_in_django_without_django_are_refused() -> None:
    code = "import sys\nsys.modules['django'] = None\nfrom celeriac import Celeriac\nCeleriac('proj', backend='django-db').backend"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert "result_backend = 'django-db' needs Django, which is not installed" in done.stderr
