"""The monitor's screen, fed with events by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from celeriac import Celeriac
from celeriac.cli.monitor.actions import limits_of
from celeriac.cli.monitor.dialogs import Details
from celeriac.cli.monitor.feed import Feed
from celeriac.cli.monitor.rates import Rates, bars
from celeriac.cli.monitor.rows import duration, fit, task_columns, task_rows, worker_columns
from celeriac.cli.monitor.screen import Monitor
from celeriac.cli.monitor.search import matcher
from celeriac.cli.monitor.switching import EventsSwitch
from celeriac.events.state import Task, Worker
from celeriac.model.errors import OperationalError

NODE = "w1@host"


class FakeControl:
    """Answers as one worker does, and notes what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.answer: dict[str, Any] = {"ok": "done"}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def tell(*arguments: Any, reply: bool = False, timeout: float = 0.0, **more: Any) -> list[dict[str, Any]]:
            self.told.append((name, *arguments, *more.values()))
            return [{NODE: self.answer}]

        return tell


@pytest.fixture
def project() -> Iterator[Any]:
    app = Celeriac("monitored", broker="memory://", set_as_current=False)
    app.control = FakeControl()
    yield app
    app.close()


@pytest.fixture
def feed(project: Any) -> Feed:
    feed = Feed(project, most_tasks=100)
    feed.listening = True
    beat(feed)
    return feed


def beat(feed: Feed, node: str = NODE) -> None:
    now = time.time()
    load = {"freq": 60.0, "active": 1, "processed": 41, "loadavg": [0.5, 0.4, 0.3], "sw_ident": "celeriac", "sw_ver": "0.1.0", "sw_sys": "Linux"}
    feed.take({"type": "worker-heartbeat", "hostname": node, "pid": 1, "clock": 1, "timestamp": now, "local_received": now, **load})


def tell(feed: Feed, what: str, uuid: str, clock: int, **fields: Any) -> None:
    feed.take({"type": f"task-{what}", "uuid": uuid, "hostname": NODE, "pid": 1, "clock": clock, "timestamp": time.time(), **fields})


def two_tasks(feed: Feed) -> None:
    tell(feed, "received", "id-1", 1, name="proj.add", args="(2, 2)", kwargs="{}")
    tell(feed, "succeeded", "id-1", 2, result="4", runtime=0.012)
    tell(feed, "received", "id-2", 3, name="proj.mail", args="('ann',)", kwargs="{'copy': True}")
    tell(feed, "failed", "id-2", 4, exception="ValueError('[nobody]')", traceback="Traceback [most recent]:\n  File [bold]\nValueError")


def shown(monitor: Monitor) -> str:
    return "\n".join("".join(segment.text for segment in line) for line in monitor.screen._compositor.render_strips())


def run(monitor: Monitor, act: Callable[[Pilot[None]], Awaitable[None]], size: tuple[int, int] = (80, 24)) -> None:
    async def play() -> None:
        async with monitor.run_test(size=size, notifications=True) as pilot:
            await pilot.pause()
            monitor.look()
            await pilot.pause()
            await act(pilot)

    asyncio.run(play())


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait until it is so."""
    for _ in range(400):
        await pilot.pause(0.02)
        if condition():
            return
    raise AssertionError(shown(pilot.app))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (200, 60)])
def test_it_shows_workers_and_tasks_in_terminals_of_any_size(project, feed, size):
    two_tasks(feed)
    monitor = Monitor(project, feed)

    async def act(pilot):
        text = shown(monitor)
        assert "Workers: 1 online" in text
        if size != (40, 10):
            for word in (NODE, "41", "0.50 0.40 0.30", "proj.add", "2, 2", "SUCCESS", "12ms", "proj.mail", "'ann', 'copy': True"[:11], "FAILURE"):
                assert word in text
            assert ("q Quit", "? Help") == (text.splitlines()[-1].strip()[:6], text.splitlines()[-1].strip()[-6:])
        assert ("id-1" in text) == (size == (200, 60))

    run(monitor, act, size)


def test_without_colours_there_are_none(project, feed, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    two_tasks(feed)
    monitor = Monitor(project, feed)

    async def act(pilot):
        strips = [segment for line in monitor.screen._compositor.render_strips() for segment in line]
        filtered = [strip for strip in strips if strip.style is not None and strip.text.strip() and strip.style.reverse]
        assert any("proj.mail" in segment.text for segment in filtered)
        assert any(type(each).__name__ == "NoColor" for each in monitor._filters)

    run(monitor, act)


def test_details_show_all_fields_and_the_traceback_as_it_is(project, feed):
    two_tasks(feed)
    monitor = Monitor(project, feed)

    async def act(pilot):
        await pilot.press("enter")
        await until(pilot, lambda: "File [bold]" in shown(monitor))
        assert "ValueError('[nobody]')" in shown(monitor)
        await pilot.press("escape")
        await until(pilot, lambda: "proj.add" in shown(monitor))

    run(monitor, act)


def test_words_find_tasks(project, feed):
    two_tasks(feed)
    monitor = Monitor(project, feed)

    async def act(pilot):
        await pilot.press("slash", *"state:fail")
        await until(pilot, lambda: "proj.add" not in shown(monitor))
        assert "Tasks: 1 of 2 with 'state:fail'" in shown(monitor)
        await pilot.press("escape")
        await until(pilot, lambda: "proj.add" in shown(monitor))

    run(monitor, act)


def test_the_cursor_stays_with_its_task_and_the_first_line_follows_the_latest(project, feed):
    two_tasks(feed)
    monitor = Monitor(project, feed)

    async def act(pilot):
        assert monitor.task_table.chosen == "id-2"
        tell(feed, "received", "id-3", 5, name="proj.add", args="()", kwargs="{}")
        monitor.look()
        assert monitor.task_table.chosen == "id-3"
        await pilot.press("down")
        tell(feed, "received", "id-4", 6, name="proj.add", args="()", kwargs="{}")
        monitor.look()
        assert monitor.task_table.chosen == "id-2"

    run(monitor, act)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("ry", ("revoke", "id-2")),
        (["l", *"10/m", "enter"], ("rate_limit", "proj.mail", "10/m")),
        (["m", "3", "0", "space", "6", "0", "enter"], ("time_limit", "proj.mail", 30.0, 60.0)),
        (["enter", "t", "y"], ("terminate", "id-2")),
    ],
)
def test_keys_tell_workers_what_to_do_and_show_the_answer(project, feed, keys, told):
    two_tasks(feed)
    monitor = Monitor(project, feed)

    async def act(pilot):
        for key in keys:
            await pilot.press(key)
        await until(pilot, lambda: project.control.told)
        assert [told] == project.control.told
        await until(pilot, lambda: "done (w1@host)" in shown(monitor))

    run(monitor, act)


def test_a_question_is_to_be_read_to_its_end(project, feed):
    two_tasks(feed)
    monitor = Monitor(project, feed)

    async def act(pilot):
        await pilot.press("t")
        await until(pilot, lambda: monitor.screen.query("Confirm Label"))
        question = monitor.screen.query("Confirm Label").first()
        await until(pilot, lambda: question.region.width)
        assert question.region.width * question.region.height >= len(str(question.render()))
        assert question.region.right <= 80

    run(monitor, act)


@pytest.mark.parametrize("keys", ["rn", ["l", "enter"], ["t", "escape"], ["m", "x", "enter"]])
def test_what_is_not_confirmed_is_not_done(project, feed, keys):
    two_tasks(feed)
    monitor = Monitor(project, feed)

    async def act(pilot):
        for key in keys:
            await pilot.press(key)
        await pilot.pause(0.1)
        assert [] == project.control.told
        assert ("no time limits" in shown(monitor)) == ("x" in keys)

    run(monitor, act)


def test_a_result_is_fetched_from_the_result_store(project, feed):
    two_tasks(feed)
    monitor = Monitor(project, feed)

    async def act(pilot):
        await pilot.press("e")
        await until(pilot, lambda: isinstance(monitor.screen, Details) and "no result: No result backend" in shown(monitor))

    run(monitor, act)


def test_lists_are_held_still(project, feed):
    monitor = Monitor(project, feed)

    async def act(pilot):
        await pilot.press("p")
        two_tasks(feed)
        monitor.look()
        await pilot.pause()
        assert "proj.add" not in shown(monitor)
        assert "HELD" in shown(monitor)
        await pilot.press("p")
        await until(pilot, lambda: "proj.add" in shown(monitor))

    run(monitor, act)


def test_a_broker_that_is_away_is_named(project, feed):
    monitor = Monitor(project, feed)

    async def act(pilot):
        feed.trouble = "Connection refused"
        monitor.look()
        await pilot.pause()
        assert "BROKER AWAY, trying again: Connection refused" in shown(monitor)

    run(monitor, act)


def test_a_worker_that_leaves_is_shown_as_offline(project, feed):
    monitor = Monitor(project, feed)
    feed.take({"type": "worker-offline", "hostname": NODE, "clock": 9, "timestamp": time.time(), "local_received": time.time()})

    async def act(pilot):
        assert "Workers: 0 online" in shown(monitor)
        assert "offline" in shown(monitor)
        beat(feed)
        monitor.look()
        await pilot.pause()
        assert "Workers: 1 online" in shown(monitor)

    run(monitor, act)


def test_what_is_remembered_is_bounded(project):
    feed = Feed(project, most_tasks=10)

    for number in range(500):
        tell(feed, "received", f"id-{number}", number, name="proj.add")
        feed.take({"type": "worker-online", "hostname": f"w{number}", "timestamp": 1.0, "local_received": 1.0, "clock": 1})
        feed.take({"type": "worker-offline", "hostname": f"w{number}", "timestamp": 1.0, "local_received": 1.0, "clock": 1})

    assert (10, 20) == (len(feed.state.tasks), len(feed.gone))


def test_events_are_turned_off_only_where_they_were_turned_on():
    control = FakeControl()
    switch = EventsSwitch(control)

    control.answer = {"ok": "task events already enabled"}
    assert ([], []) == (switch.on(), switch.off())
    control.answer = {"ok": "task events enabled"}
    assert ([NODE], [NODE]) == (switch.on(), switch.ours)
    assert [NODE] == switch.off()
    assert [] == switch.ours


def test_events_are_asked_for_again_when_the_broker_is_back():
    class Away:
        def enable_events(self, **_: Any) -> None:
            raise OperationalError("away")

    assert [] == EventsSwitch(Away()).on()


def test_rates_are_of_the_last_whole_seconds():
    rates = Rates()
    for second in range(100, 200):
        for _ in range(3):
            rates.count("task-started", second + 0.5)

    assert (3.0, 0.0) == (rates.per_second("task-started", 200), rates.per_second("task-failed", 200))
    assert 1.5 == rates.per_second("task-started", 202.5, 4)
    assert [3] * 59 == rates.history("task-started", 200)[1:]
    assert 60 >= len(rates._seconds)
    assert " ▁▄█" == bars([0, 1, 4, 8])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("add", True), ("ADD 2,", True), ("mail", False), ("name:add", True), ("name:w1", False), ("w1", True), ("state:success id:id-1", True),
        ("other:x", False),
    ],
)
def test_searching(text, found):
    task = Task("id-1", name="proj.add", args="(2, 2)", kwargs="{}", state="SUCCESS", worker=Worker("w1@host"))

    assert found == matcher(text)(task)


@pytest.mark.parametrize(("words", "limits"), [("30", (30.0, None)), ("30 60", (30.0, 60.0)), ("- 60", (None, 60.0)), ("1.5, 2", (1.5, 2.0))])
def test_time_limits_as_they_are_typed(words, limits):
    assert limits == limits_of(words)


@pytest.mark.parametrize("words", ["", "x", "1 2 3", "-5", "nan"])
def test_what_is_no_time_limit_is_refused(words):
    with pytest.raises(ValueError, match="30 60"):
        limits_of(words)


def test_durations_and_texts_fit():
    durations = [duration(seconds) for seconds in (0.0004, 0.012, 1.25, 59.994, 185, 7800)]

    assert ["0ms", "12ms", "1.25s", "59.99s", "3m05s", "2h10m"] == durations
    assert ("two words", "two…") == (fit("two\n words", 9), fit("two words", 4))
    for width in (20, 79, 250):
        assert all(column.width >= 1 for column in [*task_columns(width), *worker_columns(width)])


def test_the_latest_tasks_come_first_whatever_the_logical_clocks_of_their_workers_say(project, feed):
    for number, clock in ((1, 900), (2, 5), (3, 1)):
        feed.take({"type": "task-received", "uuid": f"id-{number}", "hostname": f"w{number}", "clock": clock, "timestamp": 1000.0 + number})

    rows, count = task_rows(feed.state, matcher(""), 2, task_columns(80), 2000.0)

    assert (["id-3", "id-2"], 3) == ([row.key for row in rows], count)
