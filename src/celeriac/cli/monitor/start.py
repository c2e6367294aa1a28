"""From the command line to the screen, and back to the command line as it was."""

from __future__ import annotations

import asyncio
import contextlib
import signal

from celeriac.cli.context import Context
from celeriac.cli.monitor.feed import Feed
from celeriac.cli.monitor.screen import Monitor
from celeriac.cli.monitor.switching import EventsSwitch
from celeriac.events.able import able
from celeriac.model.errors import OperationalError

MOST_TASKS = 10_000
"""How many tasks are remembered: a few ten megabytes."""


class _OnTerminal(Monitor):
    """Leaves in order when it is told to end, or the terminal goes away: events are turned off again then too."""

    def on_mount(self) -> None:
        for name in ("SIGTERM", "SIGHUP"):
            if (number := getattr(signal, name, None)) is not None:
                with contextlib.suppress(NotImplementedError):
                    asyncio.get_running_loop().add_signal_handler(number, self.exit)


def watch(context: Context, *, enable: bool) -> int:
    """Show the monitor until the user leaves it; ``enable`` turns the events of tasks on, and off again afterwards."""
    app = context.app
    with contextlib.suppress(OperationalError):
        # What is wrong for good is told before the screen is filled; a broker that is away is waited for.
        able(app.broker)
    switch = EventsSwitch(app.control) if enable else None
    feed = Feed(app, most_tasks=MOST_TASKS)
    feed.start()
    try:
        _OnTerminal(app, feed, switch).run()
    finally:
        feed.stop()
        if switch is not None and switch.ours:
            _switch_off(context, switch)
    return 0


def _switch_off(context: Context, switch: EventsSwitch) -> None:
    ours = switch.ours
    try:
        confirmed = switch.off()
    except OperationalError as error:
        context.error(f"Events of tasks stay on in {', '.join(ours)}: {error}. 'celeriac control disable_events' turns them off.")
        return
    silent = [name for name in ours if name not in confirmed]
    if confirmed:
        context.error(f"Events of tasks, which this monitor had turned on, are off again in {', '.join(confirmed)}.")
    if silent:
        context.error(f"No reply from {', '.join(silent)}, where this monitor had turned events of tasks on.")
