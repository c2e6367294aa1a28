from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from celeriac import signals
from celeriac.lib.clock import ManualClock
from celeriac.log import TASK_LOGGER, get_task_logger
from celeriac.model.envelope import Envelope
from celeriac.model.errors import ImproperlyConfigured
from celeriac.worker import logs
from celeriac.worker.log_output import LineFormatter, LineHandler, LogOutput
from celeriac.worker.options import resolve

FORMAT = "[%(levelname)s/%(processName)s] %(message)s"
HEAD: Any = SimpleNamespace(task="tasks.add", id="i1", shadow=None)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, task = logging.getLogger(), logging.getLogger(TASK_LOGGER)
    kept = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in (root, task)]
    streams = sys.stdout, sys.stderr
    root.handlers, task.handlers = [], []
    yield
    sys.stdout, sys.stderr = streams
    logging.captureWarnings(False)
    for logger, handlers, level, propagate in kept:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def app(**changes: Any) -> Any:
    conf = {
        "worker_log_format": FORMAT,
        "worker_log_datefmt": None,
        "worker_task_log_format": "[%(levelname)s] %(task_name)s[%(task_id)s]: %(message)s",
        "worker_task_log_datefmt": None,
        "worker_hijack_root_logger": True,
        "worker_redirect_stdouts": False,
        "worker_redirect_stdouts_level": "WARNING",
    }
    return SimpleNamespace(conf={**conf, **changes}, tasks={})


def started(path: Path, **changes: Any) -> logs.LineLog:
    made = app(**changes)
    options = resolve({}, loglevel="info", logfile=str(path))
    logs.setup(made, options)
    return logs.LineLog(made, options)


def test_lines_have_the_words_that_people_search_for(tmp_path: Path) -> None:
    log = started(tmp_path / "log")

    log.received(HEAD, None)
    log.succeeded("tasks.add", "i1", 0.0125, 8)
    log.failed("tasks.boom", "i2", ValueError("x"), "Traceback ...\nValueError: x\n", 0.1, False)
    log.failed("tasks.boom", "i3", KeyError("k"), "Traceback ...", 0.1, True)
    log.retried("tasks.again", "i4", RuntimeError("Retry in 1s"), "")
    log.ignored("tasks.ign", "i5")
    log.rejected("tasks.rej", "i6", "bad", False)
    log.revoked("tasks.add", "i7", "expired")
    log.flush()

    assert (tmp_path / "log").read_text() == (
        "[INFO/MainProcess] Task tasks.add[i1] received\n"
        "[INFO/MainProcess] Task tasks.add[i1] succeeded in 0.012500s: 8\n"
        "[ERROR/MainProcess] Task tasks.boom[i2] raised unexpected: ValueError('x')\nTraceback ...\nValueError: x\n"
        "[INFO/MainProcess] Task tasks.boom[i3] raised expected: KeyError('k')\n"
        "[INFO/MainProcess] Task tasks.again[i4] retry: Retry in 1s\n"
        "[INFO/MainProcess] Task tasks.ign[i5] ignored\n"
        "[WARNING/MainProcess] Task tasks.rej[i6] reject requeue=False: bad\n"
        "[INFO/MainProcess] Discarding revoked task: tasks.add[i7] (expired)\n"
    )


def test_an_unregistered_task_is_named_with_the_remedy(tmp_path: Path) -> None:
    log = started(tmp_path / "log")

    log.unknown("no.such", "i1", Envelope({"task": "no.such"}, b"[]"))
    log.flush()

    text = (tmp_path / "log").read_text()
    assert "Received unregistered task of type 'no.such'." in text
    assert "celeriac dead replay" in text


def test_lines_are_only_collected_until_flush(tmp_path: Path) -> None:
    log = started(tmp_path / "log")

    log.received(HEAD, None)

    assert (tmp_path / "log").read_text() == ""


def test_records_of_logging_keep_their_order_with_the_collected_lines(tmp_path: Path) -> None:
    log = started(tmp_path / "log")

    log.received(HEAD, None)
    logging.getLogger("somebody").warning("between")
    log.ignored("tasks.add", "i1")
    log.flush()

    assert [line.partition("] ")[2] for line in (tmp_path / "log").read_text().splitlines()] == [
        "Task tasks.add[i1] received",
        "between",
        "Task tasks.add[i1] ignored",
    ]


def test_a_message_with_percent_signs_is_written_as_it_is(tmp_path: Path) -> None:
    log = started(tmp_path / "log")

    log.succeeded("tasks.add", "i1", 0.5, "100%d %s")
    log.flush()

    assert "100%d %s" in (tmp_path / "log").read_text()


def test_with_another_handler_lines_are_ordinary_records(tmp_path: Path) -> None:
    log = started(tmp_path / "log")
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = seen.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    log.refresh()

    log.failed("tasks.boom", "i2", ValueError("x"), "Traceback of mine\n", 0.1, False)

    assert [record.getMessage() for record in seen] == ["Task tasks.boom[i2] raised unexpected: ValueError('x')"]
    assert seen[0].exc_info is not None
    assert "Traceback of mine" in (tmp_path / "log").read_text()


def test_levels_that_are_off_cost_no_line(tmp_path: Path) -> None:
    log = started(tmp_path / "log")
    logging.getLogger().setLevel(logging.WARNING)
    log.refresh()

    log.received(HEAD, None)
    log.flush()

    assert (tmp_path / "log").read_text() == ""


def test_who_connects_setup_logging_sets_it_up_alone(tmp_path: Path) -> None:
    def receiver(**named: Any) -> None:
        told.update(named)

    told: dict[str, Any] = {}
    signals.setup_logging.connect(receiver)
    try:
        started(tmp_path / "log")
    finally:
        signals.setup_logging.disconnect(receiver)

    assert told["loglevel"] == logging.INFO
    assert not any(isinstance(handler, LineHandler) for handler in logging.getLogger().handlers)


def test_without_hijacking_the_handlers_of_others_stay(tmp_path: Path) -> None:
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)

    started(tmp_path / "log", worker_hijack_root_logger=False)

    assert handler in logging.getLogger().handlers
    assert not any(isinstance(found, LineHandler) for found in logging.getLogger().handlers)


def test_after_setup_signals_give_both_loggers(tmp_path: Path) -> None:
    seen: list[logging.Logger] = []

    def receiver(logger: logging.Logger, **_: Any) -> None:
        seen.append(logger)

    for signal in (signals.after_setup_logger, signals.after_setup_task_logger):
        signal.connect(receiver)
    try:
        started(tmp_path / "log")
    finally:
        for signal in (signals.after_setup_logger, signals.after_setup_task_logger):
            signal.disconnect(receiver)

    assert seen == [logging.getLogger(), logging.getLogger(TASK_LOGGER)]


def test_task_loggers_say_which_task_speaks(tmp_path: Path) -> None:
    started(tmp_path / "log")

    get_task_logger("mine.module").info("hello")

    assert (tmp_path / "log").read_text() == "[INFO] ???[???]: hello\n"


def test_what_is_printed_becomes_log_lines(tmp_path: Path) -> None:
    started(tmp_path / "log", worker_redirect_stdouts=True)

    print("one", end=" ")
    print("line")

    assert (tmp_path / "log").read_text() == "[WARNING/MainProcess] one line\n"


def test_a_line_without_an_end_is_written_when_its_task_has_ended(tmp_path: Path) -> None:
    log = started(tmp_path / "log", worker_redirect_stdouts=True)

    print("half a line", end="")
    log.succeeded("t", "1", 0.5, None)
    print("the next task's")
    log.flush()

    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.partition("] ")[2] for line in lines] == ["half a line", "Task t[1] succeeded in 0.500000s: None", "the next task's"]


def test_a_log_file_that_was_moved_away_is_opened_anew(tmp_path: Path) -> None:
    clock = ManualClock()
    output = LogOutput(str(tmp_path / "log"), now=clock.monotonic)
    output.append("one\n")
    output.flush()
    (tmp_path / "log").rename(tmp_path / "log.1")

    clock.advance(0.3)
    output.append("two\n")
    output.flush()

    assert (tmp_path / "log").read_text() == "two\n"


def test_a_log_folder_that_is_gone_does_not_stop_the_worker(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    output = LogOutput(str(tmp_path / "logs" / "log"))
    (tmp_path / "logs").rename(tmp_path / "old")
    (tmp_path / "logs").write_text("a file in its place")

    output.append("x\n")
    output.flush()

    assert (tmp_path / "old" / "log").read_text() == "x\n"


def test_a_log_file_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="Cannot write the log file"):
        started(tmp_path)


def test_a_second_set_up_replaces_the_first(tmp_path: Path) -> None:
    started(tmp_path / "first")

    started(tmp_path / "second", worker_hijack_root_logger=False)
    get_task_logger("mine.module").info("hello")

    assert (tmp_path / "first").read_text() == ""
    assert "hello" in (tmp_path / "second").read_text()


def test_a_child_does_not_repeat_what_its_parent_collected(tmp_path: Path) -> None:
    output = LogOutput(str(tmp_path / "log"))
    output.append("of the parent\n")

    output.after_fork(str(tmp_path / "log-1"))
    output.append("of the child\n")
    output.flush()

    assert (tmp_path / "log").read_text() == ""
    assert (tmp_path / "log-1").read_text() == "of the child\n"


def test_a_stream_without_a_descriptor_is_written_to() -> None:
    stream = io.StringIO()
    output = LogOutput(stream=stream)

    output.append("x\n")
    output.flush()

    assert stream.getvalue() == "x\n"


def test_a_reader_that_went_away_does_not_stop_the_worker() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        output = LogOutput(stream=stream)
        output.append("x\n")

        output.flush()

    assert output.pending == 0


def test_colours_mark_the_level() -> None:
    stream = io.StringIO()
    handler = LineHandler(LogOutput(stream=stream))
    handler.setFormatter(LineFormatter("%(message)s", colour=True))

    handler.handle(logging.LogRecord("x", logging.ERROR, "", 0, "bad", None, None))

    assert stream.getvalue() == "\033[31mbad\033[0m\n"
