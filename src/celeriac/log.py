"""Logging from inside tasks: records that know which task they come from."""

from __future__ import annotations

import logging

from celeriac.engine.current import current

TASK_LOGGER = "celeriac.task"
"""The parent of all task loggers; the worker gives it its own format (setting ``worker_task_log_format``)."""


LOG_LEVELS: dict[str | int, int | str] = {
    **{name: getattr(logging, name) for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "FATAL", "WARN", "NOTSET")},
    **{getattr(logging, name): name for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "NOTSET")},
}
"""Levels by name, names by level."""
base_logger = logging.getLogger("celeriac")
worker_logger = logging.getLogger("celeriac.worker")
task_logger = logging.getLogger(TASK_LOGGER)


def mlevel(level: int | str | None) -> int:
    """Return a level, which may be given by its name; none is 0."""
    return int(LOG_LEVELS[level.upper()]) if isinstance(level, str) else level or 0


class TaskFields(logging.Filter):
    """Gives records ``task_name`` and ``task_id``: those of the task that runs, ``???`` outside of tasks."""

    def filter(self, record: logging.LogRecord) -> bool:
        attempt = current()
        record.task_name = attempt.request.task if attempt else "???"
        record.task_id = attempt.request.id if attempt else "???"
        return True


def get_logger(name: str) -> logging.Logger:
    """Return the logger of this name."""
    return logging.getLogger(name)


def get_task_logger(name: str) -> logging.Logger:
    """Return the logger of that name, as a child of the task logger: its lines carry the name and id of the running task."""
    logger = logging.getLogger(name)
    if name != TASK_LOGGER and not name.startswith(TASK_LOGGER + "."):
        # Only where records go is changed: the logger keeps the name under which the user's code knows it.
        logger.parent = logging.getLogger(TASK_LOGGER)
    return logger
