"""``app.log``: setting up the log of a program that is no worker, in the worker's way."""

from __future__ import annotations

import logging
import sys
from typing import Any

from celeriac.lib.importing import symbol_by_name
from celeriac.log import get_logger, mlevel


class Logging:
    """Sets up the log as a worker does: the formats are settings, and receivers of ``signals.setup_logging`` do it instead if there are any."""

    already_setup = False

    def __init__(self, app: Any) -> None:
        self.app = app

    @property
    def format(self) -> str:
        """The setting ``worker_log_format``."""
        return str(self.app.conf.worker_log_format)

    @property
    def task_format(self) -> str:
        """The setting ``worker_task_log_format``."""
        return str(self.app.conf.worker_task_log_format)

    def setup(
        self,
        loglevel: int | str | None = None,
        logfile: str | None = None,
        redirect_stdouts: bool = False,
        redirect_level: str = "WARNING",
        colorize: bool | None = None,
        hostname: str | None = None,
    ) -> bool:
        """Set up the log, and let what is printed go there if that is wanted; return whether it was not set up before."""
        done = self.setup_logging_subsystem(loglevel, logfile, colorize=colorize, hostname=hostname)
        if redirect_stdouts:
            self.redirect_stdouts(redirect_level)
        return done

    def setup_logging_subsystem(
        self,
        loglevel: int | str | None = None,
        logfile: str | None = None,
        format: str | None = None,  # noqa: A002 (Celery's name)
        colorize: bool | None = None,
        hostname: str | None = None,
        **_ignored: Any,
    ) -> bool:
        """Set up the root logger and that of tasks, once a process; return whether it was not done before."""
        if Logging.already_setup:
            return False
        Logging.already_setup = True
        options = symbol_by_name("celeriac.worker.options:resolve")(
            self.app.conf, loglevel=logging.getLevelName(mlevel(loglevel)), logfile=logfile, hostname=hostname, colour=colorize
        )
        if format is not None:
            self.app.conf.override({"worker_log_format": format})
        self.app.conf.override({"worker_redirect_stdouts": False})
        symbol_by_name("celeriac.worker.logs:setup")(self.app, options)
        return True

    def redirect_stdouts(self, loglevel: int | str | None = None, name: str = "celeriac.redirected") -> None:
        """Let what is printed become log records."""
        symbol_by_name("celeriac.worker.stdouts:redirect_stdouts")(mlevel(loglevel or "WARNING"), name)

    def redirect_stdouts_to_logger(self, logger: logging.Logger, loglevel: int | str | None = None, stdout: bool = True, stderr: bool = True) -> None:
        """Let what is printed become records of this logger."""
        self.redirect_stdouts(loglevel, logger.name)

    def supports_color(self, colorize: bool | None = None, logfile: str | None = None) -> bool:
        """Tell whether log lines on this terminal have colours."""
        return colorize if colorize is not None else logfile is None and sys.stderr.isatty()

    def get_default_logger(self, name: str = "celeriac", **_ignored: Any) -> logging.Logger:
        """Return the logger of this name."""
        return get_logger(name)
