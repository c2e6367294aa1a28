from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from celeriac import Celeriac, signals
from celeriac.app.loader import Loader

SIGNALS = (signals.worker_init, signals.worker_process_init, signals.worker_shutdown, signals.task_prerun, signals.task_postrun)


class Noting(Loader):
    """A loader with Celery's hooks, all but one."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self.called: list[Any] = []

    def on_worker_init(self) -> None:
        self.called.append("on_worker_init")

    def on_worker_process_init(self) -> None:
        self.called.append("on_worker_process_init")

    def on_task_init(self, task_id: str, task: Any) -> None:
        self.called.append(("on_task_init", task_id, task))

    def on_process_cleanup(self) -> None:
        self.called.append("on_process_cleanup")


@pytest.fixture(autouse=True)
def nobody_listens() -> Iterator[None]:
    before = [list(signal._connections) for signal in SIGNALS]
    yield
    for signal, connections in zip(SIGNALS, before):
        signal._connections = connections


def send_all() -> None:
    signals.worker_init.send(sender=None)
    signals.worker_process_init.send(sender=None)
    signals.task_prerun.send(sender=None, task_id="1", task="t", args=(), kwargs={})
    signals.task_postrun.send(sender=None, task_id="1", task="t", args=(), kwargs={}, retval=None, state="SUCCESS")
    signals.worker_shutdown.send(sender=None)


def test_the_hooks_of_a_loader_are_called_once_however_often_it_listens() -> None:
    app = Celeriac("noting", loader=Noting, broker="memory://", set_as_current=False)
    app.loader.listen()
    app.loader.listen()

    send_all()

    assert ["on_worker_init", "on_worker_process_init", ("on_task_init", "1", "t"), "on_process_cleanup"] == app.loader.called


def test_a_loader_without_hooks_listens_to_nothing() -> None:
    before = [len(signal._connections) for signal in SIGNALS]

    Celeriac("plain", broker="memory://", set_as_current=False).loader.listen()

    assert before == [len(signal._connections) for signal in SIGNALS]
