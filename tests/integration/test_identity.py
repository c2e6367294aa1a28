"""Which file is whose: one project finds its own from anywhere, and never another's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.harness.project import Project

WHERE = "import {module} as m; print(m.app.broker_url)"


def embedded(project: Project, module: str = "tasks", *, cwd: Path | None = None, **env: str) -> str:
    """Ask a process of its own where the embedded file lies."""
    asked = project.python(
        "-c", WHERE.format(module=module), cwd=cwd, **{"CELERIAC_EMBEDDED_FILE": "", "PYTHONPATH": str(project.folder), **env}
    )
    assert asked.returncode == 0, asked.stderr
    return asked.stdout.strip()


def test_the_file_lies_in_the_projects_folder(project: Project) -> None:
    assert embedded(project).endswith(f"{project.folder}/.celeriac/celeriac.sqlite3")


def test_it_is_the_same_from_any_folder(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else" / "where"
    elsewhere.mkdir(parents=True)

    assert embedded(project) == embedded(project, cwd=elsewhere) == embedded(project, cwd=Path("/"))


def test_a_package_counts_from_its_top(project: Project) -> None:
    package = project.folder / "shop" / "orders"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "jobs.py").write_text("from celeriac import Celeriac\napp = Celeriac('shop')\n")

    assert embedded(project, "shop.orders.jobs").endswith(f"{project.folder}/.celeriac/celeriac.sqlite3")


def test_an_application_made_by_a_function_belongs_to_who_calls_it(project: Project) -> None:
    (project.folder / "factory.py").write_text("from celeriac import Celeriac\ndef make():\n    return Celeriac('made')\n")
    (project.folder / "uses.py").write_text("from factory import make\napp = make()\n")

    assert embedded(project, "uses").endswith(f"{project.folder}/.celeriac/celeriac.sqlite3")


def test_a_second_project_never_shares_it(make_project: Callable[..., Project]) -> None:
    first, second = make_project("first"), make_project("second")

    assert embedded(first) != embedded(second)


def test_the_environment_names_another_file(project: Project, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen.sqlite3"

    assert embedded(project, CELERIAC_EMBEDDED_FILE=str(chosen)).endswith(str(chosen))


def test_a_named_broker_needs_no_file(project: Project) -> None:
    assert embedded(project, CELERY_BROKER_URL="memory://") == "memory://"
    assert not (project.folder / ".celeriac").exists()


def test_importing_the_project_makes_no_file(project: Project) -> None:
    embedded(project)

    assert not (project.folder / ".celeriac" / "celeriac.sqlite3").exists()


def test_the_folder_keeps_itself_out_of_version_control(project: Project) -> None:
    sent = project.python("-c", "import tasks; tasks.add.delay(1, 1)", CELERIAC_EMBEDDED_FILE="")

    assert sent.returncode == 0, sent.stderr
    assert (project.folder / ".celeriac" / ".gitignore").read_text().strip() == "*"
    assert (project.folder / ".celeriac" / "celeriac.sqlite3").exists()


def test_clients_and_workers_meet_from_different_folders(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project.worker("-c", "1", env={"CELERIAC_EMBEDDED_FILE": ""})

    called = project.python(
        "-c", "import tasks; print(tasks.add.delay(20, 3).get(timeout=10))", cwd=elsewhere, CELERIAC_EMBEDDED_FILE="", PYTHONPATH=str(project.folder)
    )

    assert (called.returncode, called.stdout.strip()) == (0, "23"), called.stderr


def test_a_script_that_is_run_finds_the_file_of_the_module_it_is(project: Project) -> None:
    """``python tasks.py`` makes the application in ``__main__``; the worker imports it as ``tasks``."""
    with (project.folder / "tasks.py").open("a") as file:
        file.write("\n\nif __name__ == '__main__':\n    print(add.delay(2, 40).get(timeout=10))\n")
    project.worker("-c", "1", env={"CELERIAC_EMBEDDED_FILE": ""})

    called = project.python(str(project.folder / "tasks.py"), CELERIAC_EMBEDDED_FILE="", cwd=Path("/"))

    assert (called.returncode, called.stdout.strip()) == (0, "42"), called.stderr
