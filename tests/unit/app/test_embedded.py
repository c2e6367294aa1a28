from __future__ import annotations

import os
import site
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from celeriac.app.embedded import embedded_file, is_installed, project_folder

INSTALLED = "/venv/lib/python3.11/site-packages/framework/boot.py"


def package(root: Path, *names: str) -> Path:
    folder = root
    for name in names:
        folder = folder / name
        folder.mkdir()
        (folder / "__init__.py").touch()
    return folder


def test_the_project_is_the_folder_of_a_single_module(tmp_path: Path) -> None:
    assert project_folder([str(tmp_path / "tasks.py")]) == str(tmp_path)


def test_the_project_is_the_folder_that_holds_the_top_package(tmp_path: Path) -> None:
    inner = package(tmp_path, "shop", "orders")

    assert project_folder([str(inner / "app.py")]) == str(tmp_path)


def test_the_first_frame_that_is_not_installed_counts(tmp_path: Path) -> None:
    mine, main = str(tmp_path / "mine.py"), "/elsewhere/main.py"

    assert project_folder([INSTALLED, mine, main]) == str(tmp_path)


def test_an_installed_application_is_the_project_when_nothing_else_is_there() -> None:
    assert project_folder([INSTALLED], exists=lambda path: path.endswith("framework/__init__.py")) == "/venv/lib/python3.11/site-packages"


def test_without_any_file_the_project_is_the_current_folder(tmp_path: Path) -> None:
    assert project_folder([], cwd=str(tmp_path)) == str(tmp_path)


def test_without_an_application_the_command_line_uses_the_current_folder(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CELERY_", "CELERIAC_"))}
    command = [str(Path(sys.executable).parent / "celeriac"), "queues"]

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert 0 == done.returncode, done.stderr
    assert (tmp_path / ".celeriac" / "celeriac.sqlite3").exists()


def test_the_standard_library_and_site_packages_are_installed() -> None:
    assert is_installed(os.__file__)
    assert is_installed(os.path.join(site.getsitepackages()[0], "x.py"))
    assert not is_installed(__file__)


def test_the_file_lies_in_a_hidden_folder_that_git_ignores(tmp_path: Path) -> None:
    path = embedded_file(str(tmp_path), setting=None, environ={})

    assert path == str(tmp_path / ".celeriac" / "celeriac.sqlite3")
    assert (tmp_path / ".celeriac" / ".gitignore").read_text() == "*\n"


def test_the_environment_names_another_file_and_the_setting_beats_it(tmp_path: Path) -> None:
    by_env, by_setting = str(tmp_path / "env" / "q.db"), str(tmp_path / "set" / "q.db")

    assert embedded_file("/", setting=None, environ={"CELERIAC_EMBEDDED_FILE": by_env}) == by_env
    assert embedded_file("/", setting=by_setting, environ={"CELERIAC_EMBEDDED_FILE": by_env}) == by_setting


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_project_that_cannot_be_written_has_its_file_among_the_users_states(tmp_path: Path) -> None:
    project = tmp_path / "proj"
    project.mkdir()
    project.chmod(stat.S_IRUSR | stat.S_IXUSR)

    path = embedded_file(str(project), setting=None, environ={"XDG_STATE_HOME": str(tmp_path / "state")})

    assert path.startswith(str(tmp_path / "state" / "celeriac" / "proj-"))


def test_a_project_folder_that_is_a_file_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / ".celeriac").touch()

    path = embedded_file(str(tmp_path), setting=None, environ={"XDG_STATE_HOME": str(tmp_path / "state")})

    assert path.startswith(str(tmp_path / "state" / "celeriac" / f"{tmp_path.name}-"))
