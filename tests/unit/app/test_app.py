from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

import celeriac
from celeriac import Celeriac
from celeriac.contracts.broker import Broker
from celeriac.exceptions import ImproperlyConfigured, OperationalError
from celeriac.results import NoResultBackend


def test_arguments_of_the_application_are_settings(app: Celeriac) -> None:
    made = Celeriac("x", broker="memory://", set_as_current=False, task_serializer="yaml", include=["a"], changes={"task_acks_late": True})

    assert (made.conf.broker_url, made.conf.task_serializer, made.conf.include, made.conf.task_acks_late) == ("memory://", "yaml", ("a",), True)


def test_arguments_beat_the_environment_which_beats_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "memory://env")
    configured = Celeriac("x", set_as_current=False)
    configured.config_from_object({"broker_url": "memory://config"})

    assert configured.conf.broker_url == "memory://env"
    assert Celeriac("x", broker="memory://given", set_as_current=False).conf.broker_url == "memory://given"


def test_settings_are_read_when_they_are_first_asked_for() -> None:
    app = Celeriac("x", set_as_current=False)
    order: list[str] = []
    app.on_configure.connect(lambda **kw: order.append("configure"), weak=False)
    app.on_after_configure.connect(lambda **kw: order.append("after"), weak=False)
    app.config_from_object({"task_serializer": "yaml"})

    assert (app.configured, order) == (False, [])
    assert (app.conf.task_serializer, app.configured, order) == ("yaml", True, ["configure", "after"])


def test_what_was_written_survives_another_source() -> None:
    app = Celeriac("x", broker="memory://", set_as_current=False)
    app.conf.task_serializer = "yaml"
    app.config_from_object({"task_serializer": "json", "task_acks_late": True})

    assert (app.conf.task_serializer, app.conf.task_acks_late) == ("yaml", True)


def test_a_namespace_is_a_prefix_of_the_sources_keys() -> None:
    app = Celeriac("x", set_as_current=False)
    app.config_from_object({"CELERY_TASK_SERIALIZER": "yaml", "CELERY_BROKER_URL": "memory://"}, namespace="CELERY")

    assert (app.conf.task_serializer, app.conf.broker_url) == ("yaml", "memory://")


def test_a_change_of_settings_counts_from_the_next_message_on(app: Celeriac) -> None:
    first = app.publisher

    assert app.publisher is first
    app.conf.task_default_queue = "other"
    assert app.publisher.router.queues.default_name == "other"


def test_an_application_is_finalized_when_its_tasks_are_asked_for() -> None:
    app = Celeriac("x", broker="memory://", set_as_current=False)
    seen: list[Any] = []
    app.on_after_finalize.connect(lambda sender, **kw: seen.append(sender), weak=False)

    assert "celery.accumulate" in app.tasks
    assert seen == [app]
    with pytest.raises(RuntimeError, match=r"call app\.finalize\(\)"):
        Celeriac("y", autofinalize=False, set_as_current=False).tasks  # noqa: B018


def test_an_application_is_pickled_by_its_changes() -> None:
    app = Celeriac("x", broker="memory://", set_as_current=False, task_serializer="yaml")
    copy = pickle.loads(pickle.dumps(app))

    assert (copy.main, copy.conf.task_serializer, copy.conf.broker_url) == ("x", "yaml", "memory://")


def test_a_task_is_pickled_by_its_name(app: Celeriac) -> None:
    class Named(celeriac.Task):
        name = "pickled"

        def run(self) -> int:
            return 1

    task = app.register_task(Named)

    assert pickle.loads(pickle.dumps(task)) is task


def test_with_the_memory_broker_and_no_backend_results_are_refused_with_the_remedy() -> None:
    app = Celeriac("x", broker="memory://none", set_as_current=False)
    result = app.send_task("anything")

    assert app.result_backend is None
    with pytest.raises(NoResultBackend, match="result_backend"):
        result.get(timeout=1)
    with pytest.raises(NotImplementedError):
        result.state  # noqa: B018


def test_with_the_embedded_default_one_file_is_broker_and_backend(tmp_path: Path) -> None:
    file = tmp_path / "q.sqlite3"
    app = Celeriac("x", set_as_current=False, embedded_file=str(file))

    assert (app.embedded, app.broker_url, app.backend_url) == (True, f"sqlite:///{file}", f"db+sqlite:///{file}")


def test_results_can_be_disabled_with_the_embedded_default(tmp_path: Path) -> None:
    app = Celeriac("x", set_as_current=False, embedded_file=str(tmp_path / "q"), result_backend="disabled://")

    assert app.backend_url is None


def test_a_scheme_that_is_unknown_is_refused_with_its_url() -> None:
    with pytest.raises(ImproperlyConfigured, match="redsi"):
        Celeriac("x", broker="redsi://localhost", set_as_current=False).broker  # noqa: B018


def test_modules_are_discovered(app: Celeriac, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("found_one", "found_two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "found_one" / "tasks.py").write_text("from celeriac import shared_task\n@shared_task\ndef here(): return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    app.autodiscover_tasks(lambda: ["found_one", "found_two"])

    assert "found_one.tasks" not in sys.modules
    app.import_task_modules()
    assert "found_one.tasks.here" in app.tasks


def test_an_import_error_inside_a_discovered_module_is_raised(app: Celeriac, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "halffinished").mkdir()
    (tmp_path / "halffinished" / "__init__.py").touch()
    (tmp_path / "halffinished" / "tasks.py").write_text("import surely_not_installed_anywhere\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(ModuleNotFoundError, match="surely_not_installed_anywhere"):
        app.autodiscover_tasks(["halffinished"], force=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_opens_connections_of_its_own(tmp_path: Path) -> None:
    app = Celeriac("x", set_as_current=False, embedded_file=str(tmp_path / "q.sqlite3"))
    app.send_task("from the parent")
    mine = app.broker
    child = os.fork()
    if child == 0:
        app.send_task("from the child")
        os._exit(0 if app.broker is not mine else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (app.broker is mine, app.broker.depth("celery")) == (True, 2)
    app.close()


class Refusing:
    """A broker that cannot be reached for the first ``times`` publishes."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.published: list[Any] = []

    def publish(self, outgoing: Any) -> None:
        if self.left:
            self.left -= 1
            raise OperationalError("connection refused")
        self.published += outgoing


def reach(app: Celeriac, broker: Any) -> None:
    found: Broker = broker
    app._connections._broker = found


def test_a_publish_is_tried_again_by_the_policy(app: Celeriac) -> None:
    broker = Refusing(2)
    reach(app, broker)
    app.send_task("x", retry_policy={"interval_start": 0, "interval_step": 0})

    assert len(broker.published) == 1
    reach(app, None)


def test_a_publish_that_is_given_up_says_which_broker(app: Celeriac) -> None:
    reach(app, Refusing(99))

    with pytest.raises(OperationalError, match=r"memory://.* \(1 tries\): connection refused"):
        app.send_task("x", retry=False)
    with pytest.raises(OperationalError, match=r"\(3 tries\)"):
        app.send_task("x", retry_policy={"max_retries": 2, "interval_start": 0, "interval_step": 0})
    reach(app, None)


def test_a_report_names_versions_and_hides_passwords() -> None:
    app = Celeriac("x", broker="memory://user:secret@host", set_as_current=False)

    assert f"celeriac:{celeriac.__version__}" in app.bugreport()
    assert "secret" not in app.bugreport()


def test_the_public_names_are_sorted_and_there() -> None:
    assert sorted(celeriac.__all__) == celeriac.__all__
    assert all(hasattr(celeriac, name) for name in celeriac.__all__)


