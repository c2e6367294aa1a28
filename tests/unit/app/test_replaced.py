"""Classes of a program's own in the place of an application's parts: honoured, or one clear error."""

from __future__ import annotations

from typing import Any

import pytest

from celeriac import Celeriac
from celeriac.app.loader import Loader
from celeriac.control import Control
from celeriac.events.facade import Events
from celeriac.model.errors import ImproperlyConfigured


class MyControl(Control):
    """A program's own."""


class MyEvents(Events):
    """A program's own."""


class MyLoader(Loader):
    """A program's own: brings settings and imports what it likes."""

    imported: list[str] = []

    def read_configuration(self, env: str = "CELERY_CONFIG_MODULE") -> Any:
        return {"task_default_queue": "loaded"}

    def import_task_module(self, module: str) -> Any:
        self.imported.append(module)


def made(**options: Any) -> Celeriac:
    return Celeriac("replaced", broker="memory://", set_as_current=False, **options)


@pytest.mark.parametrize("control", [MyControl, f"{__name__}:MyControl", f"{__name__}.MyControl"])
def test_remote_control_and_events_may_be_of_another_class(control: Any) -> None:
    app = made(control=control, events=MyEvents)

    assert ("MyControl", MyEvents) == (type(app.control).__name__, type(app.events))
    assert app.control.app is app


def test_attributes_of_a_subclass_name_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(Celeriac):
        control_cls = MyControl
        loader_cls = MyLoader
        backend_cls = "cache+memory://of-a-subclass"

    app = Mine("mine", broker="memory://", set_as_current=False)

    assert (MyControl, MyLoader) == (type(app.control), type(app.loader))
    assert "cache+memory://of-a-subclass" == app.conf.result_backend


def test_a_loader_brings_settings_and_imports_what_workers_import() -> None:
    MyLoader.imported.clear()
    app = made(loader=MyLoader, include=["one", "two"])

    assert "loaded" == app.conf.task_default_queue
    app.import_task_modules()
    assert ["one", "two"] == MyLoader.imported


def test_settings_that_are_named_come_before_the_loaders() -> None:
    app = made(loader=MyLoader, config_source={"task_default_queue": "named"})

    assert "named" == app.conf.task_default_queue


def test_the_environment_names_a_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_LOADER", f"{__name__}:MyLoader")

    assert "MyLoader" == type(made().loader).__name__
    monkeypatch.setenv("CELERY_LOADER", "default")
    assert Loader is type(made().loader)


@pytest.mark.parametrize("part", ["amqp", "log", "fixups", "preload_options", "user_options"])
def test_what_cannot_be_replaced_is_refused_with_what_to_do_instead(part: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"Celeriac\({part}=\.\.\.\) cannot be had: .{{20}}"):
        made(**{part: object})


def test_a_class_of_another_kind_is_refused() -> None:
    app = made(control=dict)

    with pytest.raises(ImproperlyConfigured, match=r"control=<class 'dict'>\) cannot be had: it does not derive from celeriac\.control"):
        _ = app.control
