from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from celeriac.config import sources
from celeriac.model.errors import ImproperlyConfigured


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


class Lower:
    task_serializer = "yaml"
    _private = 1
    worker_concurrency = 2


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (None, {}),
        ({"task_acks_late": True, "mine": 3}, {"task_acks_late": True, "mine": 3}),
        ({"CELERY_ACKS_LATE": True, "BROKER_URL": "redis://"}, {"task_acks_late": True, "broker_url": "redis://"}),
        (Lower, {"task_serializer": "yaml", "worker_concurrency": 2}),
        (Lower(), {"task_serializer": "yaml", "worker_concurrency": 2}),
        ({"CELERY_ACKS_LATE": True, "task_acks_late": False, "CELERYD_CONCURRENCY": 3}, {"task_acks_late": False, "worker_concurrency": 3}),
    ],
)
def test_a_source_is_read_by_the_new_names(source: Any, expected: dict[str, Any]) -> None:
    assert expected == sources.read(source)


@pytest.mark.parametrize("namespace", ["CELERY", "CELERY_", "celery"])
def test_with_a_namespace_the_prefixed_names_are_read(namespace: str) -> None:
    source = {"CELERY_TASK_ALWAYS_EAGER": True, "CELERY_BROKER_URL": "redis://", "CELERY_RESULT_BACKEND": "rpc://", "CELERY_MINE": 1}

    expected = {"task_always_eager": True, "broker_url": "redis://", "result_backend": "rpc://", "mine": 1}
    assert expected == sources.read(source, namespace=namespace)


def test_with_a_namespace_the_prefixed_name_comes_before_the_bare_and_the_old_one() -> None:
    source = {"CELERY_TASK_SERIALIZER": "yaml", "task_serializer": "json", "CELERY_TASK_ALWAYS_EAGER": False, "CELERY_ALWAYS_EAGER": True}

    assert {"task_serializer": "yaml", "task_always_eager": False} == sources.read(source, namespace="CELERY")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ({"task_always_eager": True, "task_serializer": "yaml", "CELERYD_CONCURRENCY": 3}, "CELERYD_CONCURRENCY -> worker_concurrency"),
        ({"CELERY_ALWAYS_EAGER": True, "BROKER_URL": "x", "worker_concurrency": 3}, "worker_concurrency -> CELERYD_CONCURRENCY"),
        ({"CELERY_ALWAYS_EAGER": True, "worker_concurrency": 3}, "CELERY_ALWAYS_EAGER -> task_always_eager"),
    ],
)
def test_a_mixture_of_old_and_new_names_is_refused_with_what_to_rename(source: dict[str, Any], line: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        sources.read(source)

    assert line in str(caught.value)


def test_new_settings_without_an_old_name_go_with_both_styles() -> None:
    assert {"task_always_eager": True, "worker_lease": 5.0} == sources.read({"CELERY_ALWAYS_EAGER": True, "worker_lease": 5.0})


def test_what_a_module_imports_is_no_setting(folder: Path) -> None:
    (folder / "conf_with_imports.py").write_text("import os\nfrom datetime import timezone, timedelta\nresult_expires = timedelta(1)\nhelper = len\n")

    assert ["result_expires"] == list(sources.read("conf_with_imports"))


@pytest.mark.parametrize("name", ["settings_one", "settings_one:Inner", "settings_one.Inner"])
def test_a_dotted_name_is_imported_from_the_current_folder(folder: Path, name: str) -> None:
    (folder / "settings_one.py").write_text("task_serializer = 'yaml'\nclass Inner:\n    task_serializer = 'yaml'\n")

    assert {"task_serializer": "yaml"} == sources.read(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("nowhere_conf", "nowhere_conf"), ("os:nope", "module os has no nope"), ("nowhere_conf.py", "'nowhere_conf'"), ("nowhere.conf.a", "a")],
)
def test_a_missing_module_is_named(folder: Path, name: str, hint: str) -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        sources.read(name)

    assert repr(name) in str(caught.value)
    assert hint in str(caught.value)
    assert {} == sources.read(name, silent=True)


def test_an_import_error_inside_the_module_is_passed_on(folder: Path) -> None:
    (folder / "broken_conf.py").write_text("import nowhere_at_all\n")

    with pytest.raises(ModuleNotFoundError, match="No module named 'nowhere_at_all'"):
        sources.read("broken_conf")


def test_a_module_is_named_by_an_environment_variable(folder: Path) -> None:
    (folder / "conf_two.py").write_text("task_serializer = 'yaml'\n")

    assert {"task_serializer": "yaml"} == sources.from_envvar("MINE", environ={"MINE": "conf_two"})
    assert {} == sources.from_envvar("MINE", silent=True, environ={})
    with pytest.raises(ImproperlyConfigured, match="MINE is not set"):
        sources.from_envvar("MINE", environ={})


def test_the_default_module_is_found_when_there_is_one(folder: Path) -> None:
    nothing = sources.from_default({})
    (folder / "celeryconfig.py").write_text("task_serializer = 'yaml'\n")
    (folder / "elsewhere.py").write_text("task_serializer = 'pickle'\n")

    assert ({}, {"task_serializer": "yaml"}, {"task_serializer": "pickle"}) == (
        nothing,
        sources.from_default({}),
        sources.from_default({"CELERY_CONFIG_MODULE": "elsewhere"}),
    )


def test_our_own_default_module_comes_first(folder: Path) -> None:
    (folder / "celeryconfig.py").write_text("task_serializer = 'yaml'\n")
    (folder / "celeriacconfig.py").write_text("task_serializer = 'msgpack'\n")

    assert {"task_serializer": "msgpack"} == sources.from_default({})


def test_the_environment_holds_urls() -> None:
    environ = {"CELERY_BROKER_URL": "redis://", "CELERY_RESULT_BACKEND": "rpc://", "CELERY_BROKER_READ_URL": "", "PATH": "x"}

    assert {"broker_url": "redis://", "result_backend": "rpc://"} == sources.from_environment(environ)


def test_words_of_the_command_line_get_the_type_of_their_setting() -> None:
    words = [
        "worker.prefetch_multiplier=1",
        "task_always_eager=yes",
        "broker.url=redis://x?a=b",
        "imports=a,b",
        "task_time_limit=none",
        'broker_transport_options={"a": 1}',
        ".concurrency=2",
        "task.protocol=1",
        ".timezone=UTC",
    ]

    assert {
        "worker_prefetch_multiplier": 1,
        "task_always_eager": True,
        "broker_url": "redis://x?a=b",
        "imports": ["a", "b"],
        "task_time_limit": None,
        "broker_transport_options": {"a": 1},
        "worker_concurrency": 2,
        "task_protocol": 1,
    } == sources.from_arguments(words[:-1], namespace="worker")
    assert {"timezone": "UTC"} == sources.from_arguments(words[-1:])


@pytest.mark.parametrize(
    "word", ["worker.prefetch_multiplier", "worker.colour=red", "worker.prefetch_multiplier=many", "broker_transport_options={x"]
)
def test_words_that_set_nothing_are_refused(word: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        sources.from_arguments([word])
