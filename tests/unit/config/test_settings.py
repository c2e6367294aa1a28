from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from celeriac.config.settings import Settings
from celeriac.config.table import SETTINGS
from celeriac.model.errors import ImproperlyConfigured, SettingWarning


def test_a_setting_reads_alike_as_attribute_and_item_under_new_and_old_name() -> None:
    conf = Settings({"task_acks_late": True})

    assert [True] * 4 == [conf.task_acks_late, conf["task_acks_late"], conf.CELERY_ACKS_LATE, conf["CELERY_ACKS_LATE"]]


def test_an_old_name_can_be_written() -> None:
    conf = Settings()

    conf.CELERY_ALWAYS_EAGER = True
    conf["CELERYD_CONCURRENCY"] = 3
    conf.update(CELERY_TASK_SERIALIZER="yaml")

    assert {"task_always_eager": True, "worker_concurrency": 3, "task_serializer": "yaml"} == conf.changes


def test_with_both_spellings_the_new_one_counts() -> None:
    conf = Settings()

    conf.update({"task_serializer": "yaml", "CELERY_TASK_SERIALIZER": "pickle"})

    assert "yaml" == conf.task_serializer


def test_the_prefixed_name_reads_with_a_namespace() -> None:
    conf = Settings(config={"task_serializer": "yaml"}, namespace="CELERY")

    assert ["yaml", "yaml"] == [conf.CELERY_TASK_SERIALIZER, conf["CELERY_TASK_SERIALIZER"]]


def test_an_unknown_name_is_an_attribute_error_or_a_key_error() -> None:
    conf = Settings()

    with pytest.raises(AttributeError, match="task_colour"):
        _ = conf.task_colour
    with pytest.raises(KeyError):
        _ = conf["task_colour"]
    assert [None, 5] == [conf.get("task_colour"), conf.get("task_colour", 5)]
    assert "task_colour" not in conf


def test_foreign_keys_are_kept() -> None:
    conf = Settings({"mine": 1})
    conf.other = 2

    assert [1, 2] == [conf.mine, conf["other"]]
    assert "mine" in conf


def test_layers_come_in_order() -> None:
    conf = Settings(
        {"task_serializer": "preconf", "result_serializer": "preconf", "event_serializer": "preconf"},
        environment={"broker_url": "environment://", "result_backend": "environment://"},
        config={"task_serializer": "config", "broker_url": "config://", "control_exchange": "config", "event_exchange": "config"},
    )
    conf.add_defaults({"control_exchange": "added", "task_default_queue": "added"})
    conf.result_serializer = conf.event_serializer = "written"
    conf.override(event_serializer="overridden")

    assert ("preconf", "environment://", "config", "added", "written", "overridden", "celeryev") == (
        conf.task_serializer,
        conf.broker_url,
        conf.control_exchange,
        conf.task_default_queue,
        conf.result_serializer,
        conf.event_serializer,
        conf.event_queue_prefix,
    )


@pytest.mark.parametrize(("environment_wins", "expected"), [(False, ["given://", "written://"]), (True, ["env://", "env://"])])
def test_the_application_decides_whether_the_environment_wins(environment_wins: bool, expected: list[str]) -> None:
    conf = Settings({"broker_url": "given://"}, environment={"broker_url": "env://"}, environment_wins=environment_wins)
    before = conf.broker_url
    conf.broker_url = "written://"

    assert expected == [before, conf.broker_url]


def test_defaults_may_be_a_callable_that_is_called_late_and_once() -> None:
    calls = []

    def defaults() -> Mapping[str, Any]:
        calls.append(1)
        return {"worker_concurrency": 3, "CELERY_TASK_SERIALIZER": "yaml"}

    conf = Settings({"task_acks_late": True})
    conf.add_defaults(defaults)
    before = len(calls)

    assert [True, 3, "yaml"] == [conf.task_acks_late, conf.worker_concurrency, conf.task_serializer]
    assert (0, 1) == (before, len(calls))


def test_later_defaults_and_later_sources_lie_over_earlier_ones() -> None:
    conf = Settings(config={"task_serializer": "a"})
    conf.add_config({"task_serializer": "b"})
    conf.add_defaults({"worker_concurrency": 1})
    conf.add_defaults({"worker_concurrency": 2})

    assert ["b", 2] == [conf.task_serializer, conf.worker_concurrency]


def test_a_write_is_seen_after_a_read() -> None:
    conf = Settings()
    before = conf.task_acks_late
    conf.task_acks_late = True
    between = conf.task_acks_late
    del conf.task_acks_late

    assert [False, True, False] == [before, between, conf.task_acks_late]


def test_a_wrong_type_is_refused_when_written_and_nothing_is() -> None:
    conf = Settings()

    with pytest.raises(ImproperlyConfigured, match="worker_concurrency = 'x'"):
        conf.update(task_acks_late=True, worker_concurrency="x")

    assert {} == conf.changes


def test_a_wrong_type_in_a_source_is_refused_when_read() -> None:
    conf = Settings(config={"worker_concurrency": "x"})

    with pytest.raises(ImproperlyConfigured, match="worker_concurrency"):
        _ = conf.worker_concurrency


def test_what_is_not_set_takes_the_value_of_its_stand_in() -> None:
    conf = Settings({"broker_url": "redis://", "task_default_queue": "mine", "broker_write_url": "amqp://"})

    assert ("redis://", "amqp://", "mine", "mine") == (
        conf.broker_read_url,
        conf.broker_write_url,
        conf.task_default_exchange,
        conf.task_default_routing_key,
    )


def test_writing_a_misspelt_name_warns_at_the_callers_line() -> None:
    def write(conf: Settings) -> None:
        conf.wroker_concurrency = 3
        conf["wroker_concurrency"] = 3
        conf.update(wroker_concurrency=3)

    with pytest.warns(SettingWarning) as caught:
        write(Settings())

    assert [(__file__, "There is no setting 'wroker_concurrency', it is ignored: did you mean 'worker_concurrency'?")] * 3 == [
        (warning.filename, str(warning.message)) for warning in caught
    ]


def test_writing_names_that_belong_to_others_is_silent() -> None:
    conf = Settings({"broker_url": "redis://"})

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        conf.update({"CELERY_BROKER_URL": "redis://", "SECRET_KEY": "x", "DEBUG": True})
        conf.mine = 1


def test_a_default_that_is_changed_in_place_stays_in_its_object() -> None:
    conf, other = Settings(), Settings()

    conf.beat_schedule["x"] = {"task": "t", "schedule": 1}
    conf.task_acks_late = True

    assert [["x"], []] == [list(conf.beat_schedule), list(other.beat_schedule)]
    assert {} == SETTINGS["beat_schedule"].default


def test_the_object_is_a_mapping_of_all_settings() -> None:
    conf = Settings({"mine": 1})

    assert len(SETTINGS) + 1 == len(conf) == len(dict(conf)) == len(list(conf.values()))
    assert {*SETTINGS, "mine"} == set(conf)
    assert conf == dict(conf)


def test_setdefault_pop_and_clear_are_those_of_a_dict() -> None:
    conf = Settings({"task_acks_late": True})

    assert ["x", False, True] == [conf.setdefault("mine", "x"), conf.setdefault("task_track_started", True), conf.pop("task_acks_late")]
    with pytest.raises(KeyError):
        conf.pop("task_acks_late_")
    with pytest.raises(KeyError):
        del conf["task_acks_late"]
    conf.clear()
    assert ({}, False) == (conf.changes, "mine" in conf)


def test_a_table_holds_what_was_set_and_hides_passwords() -> None:
    conf = Settings({"broker_url": "amqp://me:secret@host//", "task_acks_late": True}, config={"redis_password": "secret"})

    assert {"broker_url": "amqp://me:**@host//", "task_acks_late": True, "redis_password": "********"} == conf.table()
    assert "amqp://me:secret@host//" == conf.table(censored=False)["broker_url"]
    assert len(SETTINGS) == len(conf.table(with_defaults=True))
    assert "secret" not in repr(conf)


def test_humanize_writes_a_line_for_each() -> None:
    assert "task_serializer: 'yaml'\nworker_concurrency: 3" == Settings({"task_serializer": "yaml", "worker_concurrency": 3}).humanize()


def test_without_defaults_holds_only_what_was_set() -> None:
    conf = Settings({"task_acks_late": True}, config={"worker_concurrency": 3}).without_defaults()

    assert {"task_acks_late": True, "worker_concurrency": 3} == dict(conf)


def test_settings_are_found_by_a_part_of_their_name() -> None:
    conf = Settings({"broker_url": "redis://", "task_always_eager": True})
    found = [conf.find_option("url", "broker"), conf.find_option("always_eager"), conf.find_option("concurrency"), conf.find_option("imports")]

    assert [("broker", "url"), ("task", "always_eager"), ("worker", "concurrency"), ("", "imports")] == [(f.namespace, f.key) for f in found]
    assert ["redis://", True] == [conf.find_value_for_key("url", "broker"), conf.find_value_for_key("always_eager", "task")]
    with pytest.raises(KeyError):
        conf.find_option("colour")


def test_small_helpers_of_celery_are_there() -> None:
    conf = Settings({"broker_url": "redis://"})

    assert ("redis://", "redis://", "redis://", None) == (
        conf.first("colour", "result_backend", "broker_url"),
        conf.get_by_parts("broker", "url"),
        conf.value_set_for("BROKER_URL"),
        conf.value_set_for("worker_concurrency"),
    )


def test_a_duration_reads_as_seconds() -> None:
    conf = Settings({"result_expires": timedelta(minutes=1), "task_time_limit": 5})

    assert [60.0, 5.0, None] == [conf.seconds("result_expires"), conf.seconds("task_time_limit"), conf.seconds("task_soft_time_limit")]


def test_only_changes_are_pickled() -> None:
    conf = Settings({"task_acks_late": True}, config={"task_serializer": "yaml"})
    conf.worker_concurrency = 3
    conf.add_defaults(lambda: {})

    copy = pickle.loads(pickle.dumps(conf))

    assert {"task_acks_late": True, "worker_concurrency": 3} == copy.changes
    assert "json" == copy.task_serializer


def test_a_copy_is_independent() -> None:
    conf = Settings({"task_acks_late": True})
    copy = conf.copy()
    copy.task_acks_late = False

    assert [True, False] == [conf.task_acks_late, copy.task_acks_late]
