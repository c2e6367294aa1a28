"""The gevent executor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import gevent.monkey

from celeriac.worker.executors.green import Green

_THREADS = 100
"""The most threads of the operating system, for coroutines."""


class Gevent(Green):
    """Runs jobs in greenlets of gevent."""

    package = "gevent"

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        timer = gevent.get_hub().loop.timer(seconds)
        timer.start(act)
        return lambda: (timer.stop(), timer.close())

    def raiser(self) -> Callable[[BaseException], object]:
        greenlet = gevent.getcurrent()
        return lambda error: greenlet.throw(error)

    def natively(self, function: Callable[[], Any]) -> Any:
        pool = gevent.get_hub().threadpool
        pool.maxsize = max(pool.maxsize, _THREADS)
        return pool.apply(function)

    def thread_and_sleep(self) -> tuple[int, Callable[[float], object]]:
        return gevent.monkey.get_original("_thread", "get_ident")(), gevent.monkey.get_original("time", "sleep")

    def start_native_thread(self, function: Callable[[], object]) -> None:
        gevent.monkey.get_original("_thread", "start_new_thread")(function, ())
