"""The eventlet executor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import eventlet
import eventlet.patcher
from eventlet import hubs, tpool

from celeriac import signals
from celeriac.engine.attempt import Tools
from celeriac.model.effects import Job, Writes
from celeriac.worker.executors.green import Green
from celeriac.worker.parts import Station


class Eventlet(Green):
    """Runs jobs in green threads of eventlet."""

    package = "eventlet"

    def work(self, station: Station) -> None:
        signals.eventlet_pool_started.send(sender=self)
        try:
            super().work(station)
        finally:
            signals.eventlet_pool_preshutdown.send(sender=self)
            signals.eventlet_pool_postshutdown.send(sender=self)

    def perform(self, job: Job, tools: Tools) -> Writes:
        if signals.eventlet_pool_apply.connected:
            signals.eventlet_pool_apply.send(sender=self, target=super().perform, args=(job, tools), kwargs={})
        return super().perform(job, tools)

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        timer = hubs.get_hub().schedule_call_global(seconds, act)
        return lambda: timer.cancel()

    def raiser(self) -> Callable[[BaseException], object]:
        greenlet = eventlet.getcurrent()
        return lambda error: greenlet.throw(error)

    def natively(self, function: Callable[[], Any]) -> Any:
        return tpool.execute(function)

    def thread_and_sleep(self) -> tuple[int, Callable[[float], object]]:
        return eventlet.patcher.original("_thread").get_ident(), eventlet.patcher.original("time").sleep

    def start_native_thread(self, function: Callable[[], object]) -> None:
        eventlet.patcher.original("_thread").start_new_thread(function, ())
