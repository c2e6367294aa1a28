"""An application under test: its broker, its worker and its time are in the test's own hands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Self
from weakref import WeakSet

from celeriac.app.pools import Connections
from celeriac.beat import stores as beat_stores
from celeriac.beat.loop import Loop
from celeriac.contracts.current import current_client, present_client, set_current_client
from celeriac.drivers.memory.backend import ResultStore, forget_results, keep_results
from celeriac.drivers.memory.broker import MemoryBroker
from celeriac.drivers.memory.store import forget_store, keep_store
from celeriac.model import states
from celeriac.model.errors import ImproperlyConfigured
from celeriac.testing.bench import Bench, Run
from celeriac.testing.clock import VirtualClock
from celeriac.testing.front import InlineFront
from celeriac.testing.sent import TOLERANCE, Sent, Wanted, listed, name_of, sent_of
from celeriac.testing.stores import RecordingStore, VirtualBackend

MOST = 10_000
"""Messages that one ``drain`` runs before it takes the tasks for ones that never come to an end."""
_LONG = 1e12
_stands: list[Stand] = []
_complete: WeakSet[Any] = WeakSet()
"""Applications whose modules have been imported."""


class Stand:
    """``with testing(app) as t``: calls of the application's tasks wait in memory until ``t`` runs them, through everything a worker does.

    Nothing runs and no time passes unless the test says so: ``drain``, ``run_next``, ``advance``, or a result that is waited for. Arguments
    named like settings count inside the block; ``start`` (epoch seconds or a datetime) is the time at which it begins, now by default.
    With ``propagate`` the first task that fails raises its error out of ``drain`` and ``run_next``.
    """

    def __init__(self, app: Any = None, *, start: float | datetime | None = None, propagate: bool = False, **settings: Any) -> None:
        self.app = current_client() if app is None else app
        if not hasattr(self.app, "configuration"):
            raise TypeError(f"testing() takes a Celeriac application, not {self.app!r}")
        self.clock = VirtualClock(start)
        self.propagate = propagate
        self._settings = settings
        self._store = RecordingStore(self.clock)
        self._bench: Bench | None = None
        self._loop: Loop | None = None
        self._kept: dict[str, Any] = {}

    # -- the block

    def __enter__(self) -> Self:
        app = self.app
        if any(stand.app is app for stand in _stands):
            raise ImproperlyConfigured(f"{app!r} is being tested already: a testing() block cannot hold another one of the same application")
        if app not in _complete:
            # As a worker does at its start: what is called by its name only is to be known.
            app.import_task_modules()
            _complete.add(app)
        app.finalize()
        original = app.conf
        results = app.backend_url is not None or "result_backend" in self._settings
        self._kept = {"settings": original, "connections": app._connections, "aio": app.__dict__.get("aio"), "current": present_client()}
        self.name = f"testing-{len(_stands)}"
        conf = original.copy()
        conf.override({**self._settings, **self._of_stores(results)})
        conf.override(beat_schedule=dict(conf.beat_schedule or {}))
        _stands.append(self)
        keep_store(self.name, self._store)
        outcomes = ResultStore(self.clock)
        keep_results(self.name, outcomes)
        app.configuration.settings = conf
        app.time = self.clock
        app.aio = InlineFront(app)
        backend = VirtualBackend(outcomes, self._step, self._why) if results else None
        app._connections = Connections(lambda: MemoryBroker(self._store, name=self.name), lambda: backend)
        app._settings_changed()
        set_current_client(app)
        try:
            self._bench = Bench(app, self._store, self.clock)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        app, kept = self.app, self._kept
        app._connections.close()
        app._connections = kept["connections"]
        app.configuration.settings = kept["settings"]
        app.__dict__.pop("time", None)
        app.__dict__.pop("aio", None)
        if kept["aio"] is not None:
            app.aio = kept["aio"]
        app._settings_changed()
        set_current_client(kept["current"])
        forget_store(self.name)
        forget_results(self.name)
        _stands.remove(self)
        self._bench = self._loop = None

    def _of_stores(self, results: bool) -> dict[str, Any]:
        url = f"memory://{self.name}"
        return {
            "broker_url": url, "broker_read_url": None, "broker_write_url": None, "broker_transport_options": {},
            "result_backend": url if results else "disabled://", "result_backend_transport_options": {}, "beat_store": None,
            "beat_scheduler": "celery.beat:PersistentScheduler", "task_always_eager": False,
        }  # fmt: skip

    @property
    def _worker(self) -> Bench:
        if self._bench is None:
            raise RuntimeError("This testing() block has not been entered, or has ended: use it as `with testing(app) as t`")
        return self._bench

    # -- letting tasks run

    def run_next(self, *, queues: Sequence[str] | None = None, propagate: bool | None = None) -> Run | None:
        """Run the next message that is due now and return what became of it; None when there is none."""
        made = self._worker.run_next(queues)
        if made is not None and (self.propagate if propagate is None else propagate):
            _propagate(made)
        return made

    def drain(
        self, *, delayed: bool = False, queues: Sequence[str] | None = None, propagate: bool | None = None, limit: int = MOST
    ) -> list[Run]:
        """Run what is due now, and what follows from it, until nothing is left; return what became of each message.

        ``delayed`` also runs what is due later (retries too): time passes to each in turn. AssertionError after ``limit`` messages.
        """
        runs: list[Run] = []
        while True:
            made = self.run_next(queues=queues, propagate=propagate)
            if made is not None:
                runs.append(made)
                if len(runs) >= limit:
                    last = ", ".join(sorted({each.task for each in runs[-20:]}))
                    raise AssertionError(f"{limit} messages were run and more follow (the last ones: {last}): do these tasks ever come to an end?")
                continue
            due = self._worker.next_due(queues) if delayed else None
            if due is None:
                return runs
            self.clock.move_to(due)

    def advance(self, seconds: float, *, work: bool = False, beat: bool = False) -> list[Run]:
        """Let time pass. Nothing runs meanwhile, as if the worker were away, unless ``work``: then everything runs when it is due.

        ``beat`` sends the entries of the schedule as they fall due; the scheduler begins with the first call that asks for it.
        """
        if self._worker.busy:
            self.clock.advance(seconds)
            return []
        end = self.clock.now() + seconds
        if seconds < 0:
            self.clock.advance(seconds)
        runs: list[Run] = []
        while True:
            following = self._beat() if beat else None
            if work:
                runs += self.drain()
            moments = [moment for moment in (following, self._worker.next_due() if work else None) if moment is not None]
            moment = min(moments, default=end + 1.0)
            if moment > end + TOLERANCE:
                self.clock.move_to(end)
                return runs
            self.clock.move_to(moment)

    def _beat(self) -> float:
        """Send the entries that are due; return when the next one is (epoch seconds)."""
        if self._loop is None:
            store = beat_stores.open_store(self.app)
            space = beat_stores.space_of(self.app)
            self._loop = Loop(self.app, store, clock=self.clock, candidate="beat@testing", space=space, lease=_LONG, look=_LONG)
        while (pause := self._loop.tick()) <= 0.0:
            pass
        return self.clock.now() + pause

    def _step(self, until: float | None) -> bool:
        """Somebody waits for a result: run one message, or let time pass to when the next one is due."""
        if self._worker.run_next() is not None:
            return True
        due = self._worker.next_due()
        if due is not None and (until is None or due <= until):
            self.clock.move_to(due)
            return True
        if until is not None:
            self.clock.move_to(until)
        return False

    def _why(self, ids: Collection[str]) -> str:
        sent = [each for each in self.sent if each.id in ids]
        what = str(sent[0]) if sent else f"the task {next(iter(ids))}, which was not sent in this block"
        left = self._worker.next_due() is not None or any(map(self.app.broker.depth, self._worker.queues()))
        why = "tasks call each other without end" if left else "nothing is left to run, and nothing is due later"
        return f"A result is waited for that never comes: {why}. It is that of {what}"

    # -- what was sent

    @property
    def sent(self) -> list[Sent]:
        """The messages that have arrived in queues since the block began or ``clear``: calls, retries, what follows in workflows, slots of beat."""
        return [sent_of(*arrival) for arrival in self._store.arrivals]

    def clear(self) -> None:
        """Forget what was sent so far: ``sent`` is empty, what waits in queues is thrown away, results stay."""
        self._store.arrivals.clear()
        for queue in self._worker.queues():
            self.app.broker.purge(queue)

    def assert_enqueued(
        self,
        task: Any,
        *,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        queue: str | None = None,
        countdown: float | None = None,
        retries: int | None = None,
        times: int | None = None,
    ) -> list[Sent]:
        """Raise AssertionError unless such a call was sent (``times`` times if that is given); return the messages that fit."""
        wanted, found, sent = self._look(task, args, kwargs, queue, countdown, retries)
        if (not found) if times is None else len(found) != times:
            often = "at least once" if times is None else "never" if times == 0 else f"{times} times" if times > 1 else "once"
            raise AssertionError(f"Expected {wanted} to be sent {often}, and it was sent {len(found)} times. {listed(sent)}")
        return found

    def refute_enqueued(
        self,
        task: Any,
        *,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        queue: str | None = None,
        countdown: float | None = None,
        retries: int | None = None,
    ) -> None:
        """Raise AssertionError when such a call was sent."""
        wanted, found, sent = self._look(task, args, kwargs, queue, countdown, retries)
        if found:
            raise AssertionError(f"Expected {wanted} not to be sent, and it was sent {len(found)} times. {listed(sent)}")

    def _look(self, task: Any, *fields: Any) -> tuple[Wanted, list[Sent], list[Sent]]:
        wanted, sent = Wanted(name_of(task), *fields), self.sent
        return wanted, [each for each in sent if wanted.fits(each, self.app.conf.task_serializer)], sent

    def __repr__(self) -> str:
        return f"<testing {self.app!r} at {self.clock!r}>"


testing = Stand


def current_stand() -> Stand:
    """Return the innermost ``testing`` block that runs; AssertionError when there is none."""
    if not _stands:
        raise AssertionError("No testing() block is open: use this inside `with testing(app)`, or with the fixture celeriac_testing")
    return _stands[-1]


def assert_enqueued(task: Any, **wanted: Any) -> list[Sent]:
    """As ``Stand.assert_enqueued``, of the innermost block."""
    return current_stand().assert_enqueued(task, **wanted)


def refute_enqueued(task: Any, **wanted: Any) -> None:
    """As ``Stand.refute_enqueued``, of the innermost block."""
    current_stand().refute_enqueued(task, **wanted)


def _propagate(made: Run) -> None:
    if made.state == states.FAILURE and isinstance(made.value, BaseException):
        raise made.value
