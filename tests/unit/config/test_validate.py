from __future__ import annotations

import warnings

import pytest

from celeriac.config.enforcement import enforce
from celeriac.config.settings import Settings
from celeriac.config.validate import problems
from celeriac.model.errors import ImproperlyConfigured, SettingWarning


def test_all_wrong_values_are_refused_in_one_error() -> None:
    conf = Settings({"worker_concurrency": "x"}, config={"task_acks_late": "yes", "task_serializer": "json"})

    with pytest.raises(ImproperlyConfigured) as caught:
        enforce(conf)

    assert ["worker_concurrency", "task_acks_late"] == [line.split()[1] for line in str(caught.value).splitlines()]


def test_a_misspelt_name_is_a_warning_at_the_callers_line() -> None:
    with pytest.warns(SettingWarning, match="did you mean 'task_always_eager'") as caught:
        enforce(Settings({"task_allways_eager": True}))

    assert __file__ == caught[0].filename


def test_a_sound_configuration_is_silent() -> None:
    conf = Settings({"task_acks_late": True, "mine": 1}, environment={"broker_url": "redis://"})

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        enforce(conf)

    assert [] == problems(conf)


def test_all_kinds_of_problems_are_listed_the_fatal_ones_first() -> None:
    conf = Settings({"task_allways_eager": True, "timezone": "nowhere", "task_soft_time_limit": 9, "task_time_limit": 8})

    assert [("timezone", True), ("task_allways_eager", False), ("task_soft_time_limit", False)] == [(p.key, p.fatal) for p in problems(conf)]


def test_a_wrong_value_is_listed_as_fatal() -> None:
    [problem] = problems(Settings(config={"worker_concurrency": "x"}))

    assert ("worker_concurrency", True) == (problem.key, problem.fatal)
    assert "a whole number or 'auto'" in str(problem)
