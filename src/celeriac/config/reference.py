"""The page of the documentation that lists all settings: ``python -m celeriac.config.reference > docs/reference/settings.md``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celeriac.config import table_broker, table_general, table_results, table_stores, table_tasks, table_worker
from celeriac.config.setting import Setting
from celeriac.config.table import ENVIRONMENT

_HEAD = """# Settings

Every setting, generated from the table in `celeriac.config`. Settings are read from a module, a class or a dict (`app.config_from_object`),
given to the application (`Celeriac("proj", task_acks_late=True)`) or written to `app.conf`. They have a lower-case name and, those that
Celery has too, an old upper-case one; with `namespace="CELERY"` they are read as `CELERY_` and the new name in upper case. `None` leaves a
setting unset. A value of a wrong type is refused; a name that is nearly one of these is reported, and so are settings that contradict each
other (`celeriac -A proj check`). Settings marked *new* do not exist in Celery.
"""

_SECTIONS = (
    ("General, remote control, events, signing, scheduler", table_general.SETTINGS),
    ("Broker", table_broker.SETTINGS),
    ("Tasks", table_tasks.SETTINGS),
    ("Worker", table_worker.SETTINGS),
    ("Results", table_results.SETTINGS),
    ("Other result stores", table_stores.SETTINGS),
)


def markdown() -> str:
    """Return the page."""
    parts = [_HEAD, _environment()]
    for title, settings in _SECTIONS:
        parts.append(f"## {title}\n\n| setting | default | value | meaning | old name |\n|---|---|---|---|---|")
        parts.extend(_row(setting) for setting in settings)
        parts.append("")
    return "\n".join(parts)


def _environment() -> str:
    rows = "\n".join(f"| `{variable}` | `{name}` |" for variable, name in ENVIRONMENT.items())
    return f"## Environment variables\n\n| variable | setting |\n|---|---|\n{rows}\n"


def _row(setting: Setting) -> str:
    old = " ".join(f"`{name}`" for name in setting.old) or ("*new*" if setting.ours else "")
    return f"| `{setting.name}` | {_default(setting.default)} | {_cell(setting.allowed)} | {_cell(setting.doc)} | {old} |"


def _default(value: Any) -> str:
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} s (a `timedelta`)"
    return f"`{_cell(repr(value))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(markdown(), end="")
