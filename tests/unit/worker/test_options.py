from __future__ import annotations

import logging

import pytest

from celeriac.model.errors import ImproperlyConfigured, SettingWarning
from celeriac.worker.options import concurrency, level, logfile_for, names, node_name, per_process, resolve


def test_what_is_given_wins_over_settings() -> None:
    options = resolve({"worker_concurrency": 8, "task_time_limit": 5}, concurrency=3)

    assert options.concurrency == 3
    assert options.time_limit == 5.0


def test_none_counts_as_not_given() -> None:
    assert resolve({"worker_concurrency": 8}, concurrency=None).concurrency == 8


def test_zero_and_auto_mean_one_for_each_usable_cpu() -> None:
    assert concurrency("auto") == concurrency(0) == concurrency(None) >= 1


@pytest.mark.parametrize("value", ["x", -1, "-3"])
def test_a_concurrency_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(ImproperlyConfigured, match="concurrency"):
        concurrency(value)  # type: ignore[arg-type]


def test_solo_runs_one_task_at_a_time_whatever_was_asked() -> None:
    assert resolve({}, pool="solo", concurrency=4).concurrency == 1


def test_solo_with_a_time_limit_on_the_command_line_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="--time-limit cannot be had: the executor 'solo'"):
        resolve({}, pool="solo", time_limit=3)


def test_solo_with_a_time_limit_in_the_settings_warns() -> None:
    with pytest.warns(SettingWarning, match="task_time_limit"):
        resolve({"task_time_limit": 3}, pool="solo")


@pytest.mark.parametrize("limit", ["time_limit", "soft_time_limit"])
@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_limits_that_an_executor_cannot_keep_are_refused_by_name(pool: str, limit: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"--{limit.replace('_', '-')} cannot be had: the executor '{pool}' cannot enforce time limits"):
        resolve({}, pool=pool, **{limit: 3})


@pytest.mark.parametrize("pool", ["asyncio", "gevent", "eventlet", "prefork"])
def test_limits_that_an_executor_can_keep_are_taken(pool: str) -> None:
    assert resolve({}, pool=pool, time_limit=3, soft_time_limit=2).time_limit == 3


@pytest.mark.parametrize("pool", ["solo", "threads", "asyncio", "gevent"])
def test_replacing_task_processes_is_refused_where_there_are_none(pool: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="--max-tasks-per-child cannot be had"):
        resolve({}, pool=pool, max_tasks_per_child=3)


def test_asyncio_runs_a_hundred_tasks_side_by_side_when_nobody_says_how_many() -> None:
    assert resolve({}, pool="asyncio").concurrency == 100


def test_a_setting_of_the_application_names_the_executor() -> None:
    assert resolve({"worker_pool": "threads"}).pool == "threads"
    assert resolve({"worker_pool": "threads"}, pool="solo").pool == "solo"


def test_an_unknown_option_is_refused_by_name() -> None:
    with pytest.raises(ImproperlyConfigured, match="no option colur"):
        resolve({}, colur=True)


@pytest.mark.parametrize(("given", "expected"), [("info", 20), ("INFO", 20), ("Fatal", 50), (10, 10), ("15", 15), ("WARN", 30)])
def test_levels_are_names_in_any_case_or_numbers(given: int | str, expected: int) -> None:
    assert level(given) == expected


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="no log level 'loud'"):
        level("loud")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "celery@box.example.org"),
        ("w1@%h", "w1@box.example.org"),
        ("w1", "w1@box.example.org"),
        ("w1@%n", "w1@box"),
        ("w1@%d", "w1@example.org"),
        ("50%%@x", "50%@x"),
    ],
)
def test_node_names_are_filled_in(given: str | None, expected: str) -> None:
    assert node_name(given, host="box.example.org") == expected


def test_log_files_know_node_host_and_process() -> None:
    assert logfile_for("/l/%n@%h.log", "w1@box") == "/l/w1@box.log"
    assert logfile_for("/l/%n%I.log", "w1@box") == "/l/w1.log"
    assert logfile_for("/l/%n%I.log", "w1@box", index=3) == "/l/w1-3.log"
    assert logfile_for("/l/%p-%i", "w1@box", index=3) == "/l/w1@box-3"


def test_only_patterns_with_the_process_number_are_per_process() -> None:
    assert [per_process(pattern) for pattern in ("%n.log", "%n%I.log", "%i", "%%i", None)] == [False, True, True, False, False]


def test_names_are_split_at_commas_once_each() -> None:
    assert names(" a, b,a,,") == ("a", "b")
    assert names(["a", "b"]) == ("a", "b")


def test_a_queue_cannot_be_wanted_and_excluded() -> None:
    with pytest.raises(ImproperlyConfigured, match="queues b are asked for"):
        resolve({}, queues="a,b", exclude_queues="b")


def test_the_level_is_warning_if_nobody_says() -> None:
    assert resolve({}).loglevel == logging.WARNING


@pytest.mark.parametrize(("text", "bounds"), [("10,2", (10, 2)), ("2,10", (10, 2)), ("5", (5, 1)), ((4, 4), (4, 4))])
def test_autoscaling_has_a_most_and_a_least(text, bounds):
    options = resolve({}, autoscale=text)

    assert bounds == options.autoscale
    assert (options.concurrency, options.capacity) == (bounds[1], 64)


@pytest.mark.parametrize("text", ["x", "0", "3,0", ""])
def test_bounds_that_make_no_sense_are_refused(text):
    with pytest.raises(ImproperlyConfigured, match="the most and the least task processes"):
        resolve({}, autoscale=text)


def test_only_task_processes_are_scaled():
    with pytest.raises(ImproperlyConfigured, match="the executor 'solo' has a fixed size"):
        resolve({}, autoscale="3,1", pool="solo")
