"""The monitor's screen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, Input, Static

from celeriac.cli.monitor import actions
from celeriac.cli.monitor.actions import Told
from celeriac.cli.monitor.dialogs import Ask, Confirm, Details, TaskDetails
from celeriac.cli.monitor.feed import Feed
from celeriac.cli.monitor.rates import bars
from celeriac.cli.monitor.rows import describe_worker, details_of, fit, task_columns, task_rows, worker_columns, worker_rows
from celeriac.cli.monitor.search import HINT, matcher
from celeriac.cli.monitor.switching import EventsSwitch
from celeriac.cli.monitor.tables import LiveTable
from celeriac.events.state import Task
from celeriac.lib.urls import censor
from celeriac.model.errors import CeleriacError

_LOOK = 0.5
_ENABLE = 10.0
"""Seconds after which workers that came meanwhile are asked for their events too."""
_MOST_SHOWN = 200
_RATES = ("received", "started", "succeeded", "failed", "retried")
_SCROLLBAR = 1
_BARS_FROM = 100
"""The width from which there is room for a picture of the last half minute."""
_HELP = [
    ("enter", "all that is known of the task or worker under the cursor"),
    ("/", f"search tasks: {HINT}; escape shows all again"),
    ("tab", "to the other table; the cursor on the first line follows the latest"),
    ("p", "hold the lists still, and let them go on"),
    ("r", "revoke the task: it never starts"),
    ("t", "terminate the task where it runs (SIGTERM)"),
    ("l", "change the rate limit of all tasks of this name"),
    ("m", "change the time limits of all tasks of this name"),
    ("e", "fetch the task's result from the result store"),
    ("x", "forget the tasks that have ended"),
    ("q", "leave"),
]


class Monitor(App[None]):
    """Shows what a feed knows; ``project`` is the application that workers belong to, ``switch`` is None when events are to be left as they are."""

    CSS = """
    #head, #rates { height: 1; }
    LiveTable { scrollbar-size-vertical: 1; border-top: solid $primary; background: $background; }
    LiveTable:focus { border-top: heavy $primary; }
    #workers { height: auto; max-height: 8; }
    #tasks { height: 1fr; }
    #search { display: none; border: none; height: 1; padding: 0; }
    #search.open { display: block; }
    Confirm, Ask { align: center middle; }
    Details { align: center middle; }
    .box { width: 76; max-width: 95%; height: auto; border: round $primary; padding: 0 1; background: $surface; }
    .box Label { width: 100%; }
    .box Input { border: none; height: 1; padding: 0; margin: 1 0; }
    .page { height: 1fr; border: round $primary; padding: 0 1; background: $surface; }
    .-plain LiveTable:focus > .datatable--cursor { text-style: reverse; }
    .-plain .datatable--header { text-style: bold; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
        Binding("slash", "search", "Find", key_display="/"),
        Binding("enter", "details", "Show", show=True, key_display="⏎"),
        Binding("r", "revoke", "Revoke"),
        Binding("t", "terminate", "Term"),
        Binding("l", "rate_limit", "Rate"),
        Binding("m", "time_limit", "Time"),
        Binding("e", "result", "Result"),
        Binding("p", "hold", "Hold"),
        Binding("x", "forget", "Forget", show=False),
        Binding("question_mark,f1", "help", "Help", key_display="?"),
        Binding("escape", "all", "All", show=False),
    ]

    def __init__(self, project: Any, feed: Feed, switch: EventsSwitch | None = None) -> None:
        self.plain = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if self.plain else None)
        self.project = project
        self.feed = feed
        self.switch = switch
        self.held = False
        self.head, self.rates = Static(id="head"), Static(id="rates")
        self.worker_table, self.task_table = LiveTable(id="workers"), LiveTable(id="tasks")
        self.search_field = Input(id="search", placeholder=HINT, select_on_focus=False)
        self.drawn: tuple[Any, ...] = ()

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.rates
        yield self.worker_table
        yield self.task_table
        yield self.search_field
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Begin to look."""
        self.set_class(self.plain, "-plain")
        self.task_table.focus()
        self.set_interval(_LOOK, self.look)
        if self.switch is not None:
            self.set_interval(_ENABLE, self.enable_events)
            self.enable_events()

    def on_resize(self, _event: events.Resize) -> None:
        """Give the columns their new widths."""
        self.call_after_refresh(self.look)

    # -- what is shown

    def look(self) -> None:
        """Show what has changed."""
        now, width = time.time(), max(40, self.size.width)
        self.head.update(self._heading(width))
        self.rates.update(self._rates_line(now, width))
        if self.held:
            return
        columns = worker_columns(width - _SCROLLBAR)
        workers = worker_rows(list(self.feed.state.workers.values()), list(self.feed.gone.values()), columns, now)
        self.worker_table.border_title = f"Workers: {sum(row.mood == 'online' for row in workers)} online"
        self.worker_table.show(columns, workers)
        drawn = (self.feed.state.event_count, self.search_field.value, width, int(now))
        if drawn != self.drawn:
            self.drawn = drawn
            self._look_at_tasks(now, width)

    def _look_at_tasks(self, now: float, width: int) -> None:
        columns, search = task_columns(width - _SCROLLBAR), self.search_field.value.strip()
        rows, count = task_rows(self.feed.state, matcher(search), _MOST_SHOWN, columns, now)
        title = f"Tasks: {count:,} of {len(self.feed.state.tasks):,} with {search!r}" if search else f"Tasks: {count:,}"
        self.task_table.border_title = Text(title + (f", the latest {len(rows)}" if len(rows) < count else ""))
        self.task_table.show(columns, rows)

    def _heading(self, width: int) -> Text:
        feed = self.feed
        if feed.trouble is not None:
            return Text(fit(f"BROKER AWAY, trying again: {feed.trouble}", width), style="bold reverse")
        right = f"{'HELD  ' if self.held else ''}{feed.state.event_count:,} events" if feed.listening else "connecting ..."
        left = fit(f"celeriac events  {censor(self.project.broker_url)}", width - len(right) - 1)
        return Text(f"{left:<{width - len(right)}}{right}", style="bold", no_wrap=True)

    def _rates_line(self, now: float, width: int) -> Text:
        rates = self.feed.rates
        text = "per second: " + "  ".join(f"{name} {rates.per_second(f'task-{name}', now):.1f}" for name in _RATES)
        room = width - len(text) - 3
        if width >= _BARS_FROM and room > 10:
            text += "  " + bars(rates.history("task-succeeded", now, min(60, room)))
        return Text(fit(text, width), no_wrap=True)

    # -- choosing

    def action_search(self) -> None:
        """Let words be typed."""
        self.search_field.add_class("open")
        self.search_field.focus()

    def action_all(self) -> None:
        """Show all tasks again."""
        self.search_field.value = ""
        self.search_field.remove_class("open")
        self.task_table.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to what was found."""
        if event.input is self.search_field:
            self.search_field.set_class(bool(self.search_field.value.strip()), "open")
            self.task_table.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what is found so far."""
        if event.input is self.search_field:
            self.look()

    def action_hold(self) -> None:
        """Hold the lists still, or let them go on."""
        self.held = not self.held
        self.look()

    def action_forget(self) -> None:
        """Forget the tasks that have ended."""
        self.feed.state.clear_tasks()
        self.drawn = ()
        self.look()

    def action_help(self) -> None:
        """Tell what the keys do."""
        self.push_screen(Details("Keys", "", _HELP))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Show all that is known of a task or worker."""
        if isinstance(self.screen, Details):
            # Opened already, by a key that was faster.
            return
        if event.data_table is self.worker_table:
            self._show_worker()
        else:
            self._show_task()

    def _show_worker(self) -> None:
        name = self.worker_table.chosen or ""
        worker = self.feed.state.workers.get(name) or self.feed.gone.get(name)
        if worker is not None:
            self.push_screen(Details(name, name, describe_worker(worker)))
            self._do(name, partial(actions.describe, self.project, name))

    def _show_task(self) -> None:
        task = self.selected()
        if task is not None:
            self.push_screen(TaskDetails(_named(task), task.uuid or "", details_of(task, time.time())))

    # -- telling workers

    def enable_events(self) -> None:
        """Let workers send the events of tasks, those too that have come since."""
        self.run_worker(self._enable_events, thread=True, group="events", exit_on_error=False)

    def _enable_events(self) -> None:
        changed = self.switch.on() if self.switch is not None else []
        if changed:
            told = Told(f"turned on in {', '.join(changed)}; they are turned off again when you leave", True)
            self.call_from_thread(self._tell, "Events of tasks", told)

    def action_revoke(self) -> None:
        """Let the chosen task never start."""
        self._sure("Revoke {}? It will not start.", actions.revoke)

    def action_terminate(self) -> None:
        """End the chosen task."""
        self._sure("Terminate {}? It is ended where it runs.", actions.terminate)

    def action_rate_limit(self) -> None:
        """Change the rate limit of the chosen task and all of its name."""
        self._ask("Rate limit of {}, in each worker:", "such as 100/m, 5/s, 30/h; 0 for none", actions.rate_limit)

    def action_time_limit(self) -> None:
        """Change the time limits of the chosen task and all of its name."""
        self._ask("Time limits of {}, soft and hard:", "seconds, such as 30 60; - for none", actions.time_limit)

    def action_result(self) -> None:
        """Fetch the result of the chosen task."""
        task = self.selected()
        if task is None:
            return
        if not isinstance(self.screen, Details):
            self._show_task()
        self._do(task.uuid or "", partial(actions.result, self.project, task.uuid or ""))

    def selected(self) -> Task | None:
        """The task that is looked at, or under the cursor."""
        key = self.screen.key if isinstance(self.screen, TaskDetails) else self.task_table.chosen
        return self.feed.state.tasks.get(key or "")

    def _sure(self, question: str, act: Callable[[Any, str], Told]) -> None:
        task = self.selected()
        if task is None:
            return
        uuid, name = task.uuid or "", _named(task)
        self.push_screen(Confirm(question.format(name)), lambda yes: self._do(name, partial(act, self.project, uuid)) if yes else None)

    def _ask(self, question: str, hint: str, act: Callable[[Any, str, str], Told]) -> None:
        task = self.selected()
        name = "" if task is None else task.name or ""
        if name:
            self.push_screen(
                Ask(question.format(name), hint), lambda word: self._do(name, partial(act, self.project, name, word)) if word else None
            )

    def _do(self, what: str, act: Callable[[], Told]) -> None:
        """Act in a thread, then tell what came of it."""
        self.run_worker(partial(self._in_thread, what, act), thread=True, exit_on_error=False)

    def _in_thread(self, what: str, act: Callable[[], Told]) -> None:
        try:
            told = act()
        except CeleriacError as error:
            told = Told(str(error), False)
        self.call_from_thread(self._tell, what, told)

    def _tell(self, what: str, told: Told) -> None:
        screen = self.screen
        if isinstance(screen, Details) and screen.key == what:
            screen.add(told.text)
        else:
            self.notify(f"{what}: {told.text}", severity="information" if told.good else "warning", timeout=8, markup=False)


def _named(task: Task) -> str:
    return f"{task.name or '?'}[{task.uuid}]"
