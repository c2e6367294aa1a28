"""Every setting there is, by name and by old name."""

from __future__ import annotations

from celeriac.config import table_broker, table_general, table_results, table_stores, table_tasks, table_worker
from celeriac.config.setting import Setting

SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for part in (table_general, table_broker, table_tasks, table_worker, table_results, table_stores)
    for setting in part.SETTINGS
}

OLD_NAMES: dict[str, str] = {old: setting.name for setting in SETTINGS.values() for old in setting.old}

NAMESPACES: frozenset[str] = frozenset(name.partition("_")[0] for name in SETTINGS if "_" in name) - {"accept", "enable", "override"}

STAND_INS: dict[str, str] = {
    "broker_read_url": "broker_url",
    "broker_write_url": "broker_url",
    "task_default_exchange": "task_default_queue",
    "task_default_routing_key": "task_default_queue",
}
"""Settings that take the value of another when they have none."""

ENVIRONMENT: dict[str, str] = {
    "CELERY_BROKER_URL": "broker_url",
    "CELERY_BROKER_READ_URL": "broker_read_url",
    "CELERY_BROKER_WRITE_URL": "broker_write_url",
    "CELERY_RESULT_BACKEND": "result_backend",
    "CELERIAC_EMBEDDED_FILE": "embedded_file",
}
"""Environment variables that set settings."""
