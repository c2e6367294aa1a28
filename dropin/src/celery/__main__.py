"""The ``celery`` command, and ``python -m celery``."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from celeriac import signals
from celeriac.cli import main as command_line

VERSION = "5.7.0 (celeriac)"
"""In the form that tools read: Celery's version, and a name in brackets."""

ONLOOKERS = ("newrelic",)
"""Packages that wait for the import of modules of Celery's, which nothing else here needs, to put something around tasks and processes."""


def main() -> int:
    """Run the command line under Celery's version."""
    signals.worker_init.connect(_let_look_on, weak=False)
    return command_line.main(version=VERSION)


def _let_look_on(**_: Any) -> None:
    if any(name in sys.modules for name in ONLOOKERS):
        for module in ("celery.app.trace", "celery.concurrency.prefork"):
            import_module(module)


if __name__ == "__main__":
    sys.exit(main())
