from __future__ import annotations

from collections import Counter

from celeriac.config import table_broker, table_general, table_results, table_stores, table_tasks, table_worker
from celeriac.config.setting import coerce
from celeriac.config.settings import Settings
from celeriac.config.table import ENVIRONMENT, OLD_NAMES, SETTINGS, STAND_INS

PARTS = (table_broker, table_general, table_results, table_stores, table_tasks, table_worker)


def test_no_name_and_no_old_name_stands_twice() -> None:
    names = Counter(setting.name for part in PARTS for setting in part.SETTINGS)
    old = Counter(name for setting in SETTINGS.values() for name in setting.old)

    assert [] == [name for name, count in (names + old).items() if count > 1]


def test_all_207_settings_of_celery_are_there() -> None:
    assert 207 == len(OLD_NAMES)


def test_every_default_is_possible() -> None:
    defaults = {name: setting.default for name, setting in SETTINGS.items()}

    assert defaults == {name: coerce(setting, setting.default) for name, setting in SETTINGS.items()}


def test_every_setting_has_a_line_of_documentation() -> None:
    assert [] == [setting.name for setting in SETTINGS.values() if not setting.doc.endswith(".") or "\n" in setting.doc]


def test_no_setting_is_hidden_by_an_attribute_of_the_settings_object() -> None:
    assert [] == [name for name in SETTINGS if hasattr(Settings, name)]


def test_names_that_point_at_settings_do_so() -> None:
    assert set() == {*STAND_INS, *STAND_INS.values(), *ENVIRONMENT.values()} - set(SETTINGS)
