"""The worker's log: set up as the settings say, with the wording that people and programs search for."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections.abc import Callable
from typing import Any

from celeriac import signals
from celeriac.contracts.client import Client
from celeriac.lib.saferepr import saferepr
from celeriac.log import TASK_LOGGER, TaskFields
from celeriac.model.envelope import Envelope
from celeriac.model.errors import ImproperlyConfigured
from celeriac.wire.task import TaskHead
from celeriac.worker.log_json import JSON, JsonFormatter
from celeriac.worker.log_output import LineFormatter, LineHandler, LogOutput
from celeriac.worker.options import WorkerOptions, level, logfile_for, per_process
from celeriac.worker.stdouts import RedirectedStream, end_lines, redirect_stdouts

_UNKNOWN = """Received unregistered task of type '%(name)s'.
The message was set aside among the dead letters: the task is not run, its result is NotRegistered.

No module that this worker imported defines a task of that name. Is the module missing from `include` or `imports`,
or is the task's module imported under another name here than where it was called?
Put the message back when the task is known:  celeriac dead replay

Task id: %(id)s
Headers: %(headers)s
Body: %(body)s (%(size)sb)"""

_MALFORMED = """Received a malformed message, which was set aside among the dead letters: %(reason)s

Headers: %(headers)s
Content type: %(content_type)s %(content_encoding)s
Body: %(body)s (%(size)sb)"""


class LineLog:
    """Writes a task's turns in Celery's words (``engine.hooks.TaskLog``).

    Where the handlers are the worker's own, lines are formatted here (about a microsecond each) and only collected: the loops call
    ``flush`` after each batch. Everywhere else they are ordinary records of ``logging``.
    """

    def __init__(self, app: Client, options: WorkerOptions, now: Callable[[], float] = time.time) -> None:
        self._tasks = app.tasks
        self._options = options
        self._now = now
        self._output: LogOutput | None = None
        self._refreshed = 0.0
        self._accepted = _Lane("celeriac.worker.strategy", logging.INFO, now)
        self._consumer_error = _Lane("celeriac.worker.consumer", logging.ERROR, now)
        self._refused = _Lane("celeriac.worker.request", logging.INFO, now)
        self._lost = _Lane("celeriac.worker.request", logging.ERROR, now)
        self._done = _Lane("celeriac.app.trace", logging.INFO, now)
        self._warning = _Lane("celeriac.app.trace", logging.WARNING, now)
        self._error = _Lane("celeriac.app.trace", logging.ERROR, now)
        self.refresh()

    def received(self, head: TaskHead, eta: float | None) -> None:
        if self._accepted.on:
            self._accepted.say("Task %(name)s[%(id)s] received", {"name": head.shadow or head.task, "id": head.id})

    def succeeded(self, name: str, id: str, runtime: float, value: Any) -> None:
        if RedirectedStream.unfinished:
            end_lines()
        if self._done.on:
            task = self._tasks.get(name)
            shown = saferepr(value, 1024 if task is None else task.resultrepr_maxsize)
            fields = {"name": name, "id": id, "runtime": runtime, "return_value": shown}
            self._done.say("Task %(name)s[%(id)s] succeeded in %(runtime).6fs: %(return_value)s", fields)

    def failed(self, name: str, id: str, error: BaseException, traceback: str, runtime: float, expected: bool) -> None:
        if RedirectedStream.unfinished:
            end_lines()
        fields = {"name": name, "id": id, "exc": saferepr(error)}
        if expected:
            self._done.say("Task %(name)s[%(id)s] raised expected: %(exc)s", fields)
        else:
            self._error.say("Task %(name)s[%(id)s] raised unexpected: %(exc)s", fields, error, traceback)

    def retried(self, name: str, id: str, reason: BaseException, traceback: str) -> None:
        self._done.say("Task %(name)s[%(id)s] retry: %(exc)s", {"name": name, "id": id, "exc": _text(reason)})

    def ignored(self, name: str, id: str) -> None:
        self._done.say("Task %(name)s[%(id)s] ignored", {"name": name, "id": id})

    def rejected(self, name: str, id: str, reason: Any, requeue: bool) -> None:
        fields = {"name": name, "id": id, "requeue": requeue, "reason": _text(reason)}
        self._warning.say("Task %(name)s[%(id)s] reject requeue=%(requeue)s: %(reason)s", fields)

    def revoked(self, name: str, id: str, reason: str) -> None:
        self._refused.say("Discarding revoked task: %(name)s[%(id)s] (%(reason)s)", {"name": name, "id": id, "reason": reason})

    def unknown(self, name: str, id: str, envelope: Envelope) -> None:
        self._consumer_error.say(_UNKNOWN, {"name": name, "id": id, **_contents(envelope)})

    def malformed(self, reason: str, envelope: Envelope) -> None:
        self._consumer_error.say(_MALFORMED, {"reason": reason, **_contents(envelope)})

    def lost(self, name: str, id: str, reason: str) -> None:
        self._lost.say("Task %(name)s[%(id)s] lost: %(reason)s", {"name": name, "id": id, "reason": reason})

    def flush(self) -> None:
        """Write the lines that were collected; ten times a second, look whether somebody changed levels or handlers."""
        if self._output is not None:
            self._output.flush()
        now = self._now()
        if not 0.0 <= now - self._refreshed < 0.1:
            self._refreshed = now
            self.refresh()

    def refresh(self) -> None:
        """Take notice of changed levels, handlers and process names."""
        output = next((handler.output for handler in logging.getLogger().handlers if type(handler) is LineHandler), None)
        if self._output is not None and self._output is not output:
            self._output.flush()
        self._output = output
        for lane in (self._accepted, self._consumer_error, self._refused, self._lost, self._done, self._warning, self._error):
            lane.refresh(output)

    def in_task_process(self, index: int, also: Callable[[str], object] | None = None) -> None:
        """To be called first of all in a forked task process, numbered from 1: its name, its own log file if the options ask for one.

        ``also`` gets all that this process writes to the log.
        """
        self._in_child(f"ForkPoolWorker-{index}", index)
        if self._output is not None:
            self._output.also = also

    def in_consumer(self) -> None:
        """To be called first of all in a forked consumer; its lines bear the main process's name, as people know them."""
        self._in_child("MainProcess", 0)

    def _in_child(self, name: str, index: int) -> None:
        multiprocessing.current_process().name = name
        if self._output is not None:
            pattern = self._options.logfile
            own = logfile_for(pattern, self._options.hostname, index=index) if pattern and per_process(pattern) else self._output.path
            self._output.after_fork(own)
        self.refresh()


class _Lane:
    """One logger at one level: silent, direct to the output, or through ``logging``."""

    __slots__ = ("_after", "_append", "_before", "_formatter", "_frame", "_level", "_logger", "_now", "_second", "_stamp", "on")

    def __init__(self, name: str, level: int, now: Callable[[], float]) -> None:
        self._logger = logging.getLogger(name)
        self._level = level
        self._now = now
        self._append: Callable[[str], None] = _nowhere
        self._formatter: LineFormatter | JsonFormatter | None = None
        self._stamp = self._second = -1
        self._frame: tuple[str, str, str] | None = None
        self._before = self._after = ""
        self.on = False

    def refresh(self, output: LogOutput | None) -> None:
        self.on = self._logger.isEnabledFor(self._level)
        self._formatter = None
        self._stamp = self._second = -1
        if self.on and output is not None:
            self._append = output.append
            self._formatter = _own_formatter(self._logger, self._level, output)

    def say(self, template: str, fields: dict[str, Any], error: BaseException | None = None, traceback: str = "") -> None:
        if self._formatter is None:
            if self.on:
                self._record(template, fields, error, traceback)
            return
        if isinstance(self._formatter, JsonFormatter):
            self._append(self._formatter.line(self._now(), self._level, self._logger.name, template % fields, fields, traceback) + "\n")
            return
        stamp = int(self._now() * 1000.0)
        if stamp != self._stamp:
            self._restamp(self._formatter, stamp)
        text = template % fields
        if traceback:
            text = f"{text}\n{traceback.rstrip()}"
        self._append(f"{self._before}{text}{self._after}")

    def _restamp(self, formatter: LineFormatter, stamp: int) -> None:
        """Make the line's frame for this millisecond: the formatter is asked once a second, the three digits are put in here."""
        second, milliseconds = divmod(stamp, 1000)
        if second != self._second:
            self._second = second
            self._frame = _frame(self._framed(formatter, stamp - milliseconds), self._framed(formatter, stamp - milliseconds + 999))
        if self._frame is None:
            before, after = self._framed(formatter, stamp)
        else:
            head, tail, after = self._frame
            before = f"{head}{milliseconds:03d}{tail}"
        self._before, self._after, self._stamp = before, after, stamp

    def _framed(self, formatter: LineFormatter, stamp: int) -> tuple[str, str]:
        """Let the formatter make a line, with a mark in the message's place; return what stands before and behind it."""
        record = logging.LogRecord(self._logger.name, self._level, "", 0, "\0", None, None)
        record.created = stamp / 1000.0
        record.msecs = float(stamp % 1000)
        before, _, after = formatter.format(record).partition("\0")
        return before, after + "\n"

    def _record(self, template: str, fields: dict[str, Any], error: BaseException | None, traceback: str) -> None:
        caught = None if error is None else (type(error), error, error.__traceback__)
        record = self._logger.makeRecord(self._logger.name, self._level, "celeriac", 0, template, (fields,), caught, None, {"data": fields})
        if traceback:
            # The attempt's own text: without the frames of the worker.
            record.exc_text = traceback.rstrip()
        self._logger.handle(record)


def _frame(first: tuple[str, str], last: tuple[str, str]) -> tuple[str, str, str] | None:
    """Find the place of the milliseconds in a second's first and last line; None when more than that differs, or nothing does."""
    (before, after), (other, other_after) = first, last
    at = next((at for at, (one, two) in enumerate(zip(before, other)) if one != two), -1)
    head, tail = before[:at], before[at + 3 :]
    if at < 0 or after != other_after or (before, other) != (f"{head}000{tail}", f"{head}999{tail}"):
        return None
    return head, tail, after


def _nowhere(text: str) -> None:
    pass


def _own_formatter(logger: logging.Logger, level: int, output: LogOutput) -> LineFormatter | JsonFormatter | None:
    """Return the formatter if this logger's records go to the worker's own handler, to nothing else, and nobody listens in between."""
    if logger.disabled or _patched():
        return None
    found: list[logging.Handler] = []
    place: logging.Logger | None = logger
    while place is not None:
        found += place.handlers
        place = place.parent if place.propagate else None
    if logger.filters or len(found) != 1:
        return None
    handler = found[0]
    if type(handler) is not LineHandler or handler.output is not output or _strange(handler.filters) or handler.level > level:
        return None
    formatter = handler.formatter
    return formatter if isinstance(formatter, LineFormatter | JsonFormatter) and type(formatter) in (LineFormatter, JsonFormatter) else None


def _strange(filters: list[Any]) -> bool:
    return any(type(each) is not TaskFields for each in filters)


def _patched() -> bool:
    # Error trackers listen by replacing methods of Logger: then every line has to go through them.
    source = logging.LogRecord.__init__.__code__.co_filename
    methods = (logging.Logger.handle, logging.Logger.callHandlers)
    return any(getattr(getattr(method, "__code__", None), "co_filename", None) != source for method in methods)


def _text(reason: Any) -> str:
    try:
        return str(reason)
    except Exception:
        return saferepr(reason)


def _contents(envelope: Envelope) -> dict[str, Any]:
    return {
        "headers": saferepr(envelope.headers, 2048),
        "body": saferepr(envelope.body, 1024),
        "size": len(envelope.body),
        "content_type": envelope.content_type,
        "content_encoding": envelope.content_encoding,
    }


def setup(app: Client, options: WorkerOptions) -> None:
    """Set up logging for a worker, before it forks; users' receivers of ``setup_logging`` do it instead if there are any."""
    path = logfile_for(options.logfile, options.hostname) if options.logfile else None
    if signals.setup_logging.connected and _set_up_by_others(app.conf, options, path):
        return
    try:
        output = LogOutput(path)
    except OSError as error:
        raise ImproperlyConfigured(f"Cannot write the log file {path}: {error.strerror}; give another one with --logfile") from None
    for name in (None, TASK_LOGGER):
        _remove_own_handlers(logging.getLogger(name))
    conf = app.conf
    colour = _wants_colour(options, output)
    told = {"loglevel": options.loglevel, "logfile": path, "format": conf["worker_log_format"], "colorize": colour}
    _setup_root(conf, output, told)
    _setup_task_logger(conf, output, told)
    if conf["worker_redirect_stdouts"]:
        redirect_stdouts(level(conf["worker_redirect_stdouts_level"] or "WARNING"))


def _set_up_by_others(conf: Any, options: WorkerOptions, path: str | None) -> bool:
    """Ask the receivers of ``setup_logging``; where there is one, the worker touches nothing: no loggers, no file, no output of the program's."""
    for name in (None, TASK_LOGGER):
        _remove_own_handlers(logging.getLogger(name))
    told = {"loglevel": options.loglevel, "logfile": path, "format": conf["worker_log_format"], "colorize": bool(options.colour) and path is None}
    return bool(signals.setup_logging.send(sender=None, **told))


def _remove_own_handlers(logger: logging.Logger) -> None:
    """Take away what an earlier worker in this process left."""
    for handler in [handler for handler in logger.handlers if type(handler) is LineHandler]:
        logger.removeHandler(handler)
        handler.output.close()


def _wants_colour(options: WorkerOptions, output: LogOutput) -> bool:
    if options.colour is not None:
        return options.colour and output.path is None
    return output.isatty() and not os.environ.get("NO_COLOR")


def _setup_root(conf: Any, output: LogOutput, told: dict[str, Any]) -> None:
    root = logging.getLogger()
    if conf["worker_hijack_root_logger"]:
        root.handlers = []
    if not root.handlers:
        root.setLevel(told["loglevel"])
        root.addHandler(_handler(output, told["format"], conf["worker_log_datefmt"], told["colorize"]))
    logging.captureWarnings(True)
    signals.after_setup_logger.send(sender=None, logger=root, datefmt=conf["worker_log_datefmt"], **told)


def _setup_task_logger(conf: Any, output: LogOutput, told: dict[str, Any]) -> None:
    logger = logging.getLogger(TASK_LOGGER)
    logger.setLevel(told["loglevel"])
    json_too = told["format"] == JSON and not conf.is_set("worker_task_log_format")
    told = {**told, "format": JSON if json_too else conf["worker_task_log_format"]}
    if not logger.handlers:
        handler = _handler(output, told["format"], conf["worker_task_log_datefmt"], told["colorize"])
        handler.addFilter(TaskFields())
        logger.addHandler(handler)
        logger.propagate = False
    signals.after_setup_task_logger.send(sender=None, logger=logger, datefmt=conf["worker_task_log_datefmt"], **told)


def _handler(output: LogOutput, fmt: str, datefmt: str | None, colour: bool) -> LineHandler:
    handler = LineHandler(output)
    if fmt == JSON:
        handler.setFormatter(JsonFormatter())
        handler.addFilter(TaskFields())
    else:
        handler.setFormatter(LineFormatter(fmt, datefmt, colour=colour))
    return handler
