from __future__ import annotations

from pathlib import Path

import click
import pytest

from celeriac.cli.application import BrokenModule, find_app

APP = "from celeriac import Celeriac\n{name} = Celeriac({main!r}, broker='memory://', set_as_current=False)\n"


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("attribute", ["app", "celery", "celeriac", "something_else"])
def test_a_module_gives_its_application_whatever_it_is_called(project: Path, attribute: str) -> None:
    write(project, "one.py", APP.format(name=attribute, main="found"))

    assert find_app("one").main == "found"


def test_the_usual_name_wins_over_other_applications(project: Path) -> None:
    write(project, "two.py", APP.format(name="first", main="wrong") + APP.format(name="app", main="right"))

    assert find_app("two").main == "right"


@pytest.mark.parametrize("name", ["three:mine", "three.mine"])
def test_an_attribute_may_be_named_after_a_colon_or_a_dot(project: Path, name: str) -> None:
    write(project, "three.py", APP.format(name="app", main="wrong") + APP.format(name="mine", main="right"))

    assert find_app(name).main == "right"


def test_a_package_gives_the_application_of_its_module_celery(project: Path) -> None:
    write(project, "proj/__init__.py", "")
    write(project, "proj/celery.py", APP.format(name="app", main="proj"))

    assert find_app("proj").main == "proj"


def test_a_package_that_imports_its_application_under_djangos_name_gives_it(project: Path) -> None:
    write(project, "site1/__init__.py", "from .celery import app as celery_app\n")
    write(project, "site1/celery.py", APP.format(name="app", main="site1"))

    assert find_app("site1").main == "site1"


def test_the_application_becomes_the_current_one(project: Path) -> None:
    write(project, "four.py", APP.format(name="app", main="four"))

    app = find_app("four")

    assert find_app(None) is app


def test_a_module_that_does_not_exist_is_named_with_the_nearest(project: Path) -> None:
    write(project, "tasks.py", "")

    with pytest.raises(click.UsageError, match=r"there is no module taks .* Did you mean -A tasks\?"):
        find_app("taks")


def test_a_file_name_is_answered_with_the_modules_name(project: Path) -> None:
    write(project, "tasks.py", "")

    with pytest.raises(click.UsageError, match="-A takes a module's name, not a file's: -A tasks"):
        find_app("tasks.py")


def test_a_module_that_another_one_misses_is_an_error_inside_the_users_code(project: Path) -> None:
    write(project, "broken.py", "import does_not_exist_anywhere\n")

    with pytest.raises(BrokenModule) as caught:
        find_app("broken")

    assert "broken.py" in str(caught.value)
    assert "does_not_exist_anywhere" in str(caught.value)


def test_an_exception_inside_the_users_module_is_shown_with_its_line(project: Path) -> None:
    write(project, "broken2.py", "x = 1\nx / 0\n")

    with pytest.raises(BrokenModule) as caught:
        find_app("broken2")

    assert 'broken2.py", line 2' in str(caught.value)
    assert "ZeroDivisionError" in str(caught.value)


def test_a_module_without_an_application_is_refused_with_an_example(project: Path) -> None:
    write(project, "empty.py", "")

    with pytest.raises(click.UsageError, match=r"holds no application. It needs something like:  app = Celeriac\('empty'\)"):
        find_app("empty")


def test_a_missing_attribute_is_answered_with_the_one_there_is(project: Path) -> None:
    write(project, "five.py", APP.format(name="app", main="five"))

    with pytest.raises(click.UsageError, match="it has the application app: -A five:app"):
        find_app("five:ap")


def test_something_that_is_no_application_is_refused(project: Path) -> None:
    write(project, "six.py", "app = 3\n")

    with pytest.raises(click.UsageError, match="that is a int, not an application"):
        find_app("six:app")
