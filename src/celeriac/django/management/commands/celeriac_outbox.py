"""``manage.py celeriac_outbox``: sends messages that were committed and are not sent yet; workers do it too."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from celeriac.contracts.current import current_client
from celeriac.django.outbox import databases, rows, sweep
from celeriac.django.outbox_step import PAUSE, Sweeper
from celeriac.model.errors import CeleriacError


class Command(BaseCommand):
    """Sweeps the outbox, once or until it is told to end."""

    help = "Sends what waits in the outbox: messages that were committed, whose process died or found no broker. Every worker does it too."

    def add_arguments(self, parser: Any) -> None:
        """Name the options."""
        parser.add_argument("--once", action="store_true", help="sweep once, say what was sent and what is left, and end")
        parser.add_argument("--at-once", action="store_true", help="with --once: leave no time to the processes that wrote the messages")
        parser.add_argument("--interval", type=float, default=PAUSE, help="seconds between two sweeps (%(default)s)")

    def handle(self, *args: Any, once: bool = False, at_once: bool = False, interval: float = PAUSE, **options: Any) -> None:
        """Sweep."""
        app = current_client()
        if not once:
            sweeper = Sweeper(app, interval)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: sweeper.stop())
            self.stdout.write(f"Sweeping every {interval:g} s, in {', '.join(databases())}.")
            sweeper.run()
            return
        try:
            for using in databases():
                self.stdout.write(f"{using}: {sweep(app, using, at_once=at_once)} sent, {rows(using).count()} left")
        except CeleriacError as error:
            raise CommandError(str(error)) from None
