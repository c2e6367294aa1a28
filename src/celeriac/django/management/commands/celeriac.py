"""``manage.py celeriac ...``: the command line, for the project's application."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from celeriac.cli.main import run_for
from celeriac.contracts.current import current_client


class Command(BaseCommand):
    """Hands everything behind its name on."""

    help = "Runs celeriac for this project's application: manage.py celeriac worker -l info"

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command line that stands behind ``manage.py celeriac``."""
        sys.exit(run_for(current_client(), argv[2:]))

    def handle(self, *args: Any, **options: Any) -> None:
        """Run a command given by ``call_command("celeriac", ...)``."""
        status = run_for(current_client(), [str(word) for word in args])
        if status:
            sys.exit(status)

    def add_arguments(self, parser: Any) -> None:
        """Take any words."""
        parser.add_argument("args", nargs="*")
