"""What the engine itself takes for one no-op task, in microseconds: admission on the consumer's side, running on the task process's.

    python -m benchmarks.engine_hot_path

Bars: ``run`` at most 8, ``admit`` and ``run`` together under 15. No log text is written, nothing is encoded.
"""

from __future__ import annotations

import timeit
from typing import Any

from celeriac import Celeriac
from celeriac.engine.attempt import Tools, run
from celeriac.engine.hooks import Silence
from celeriac.engine.refusals import Gate, admit
from celeriac.engine.revoked import Revoked
from celeriac.lib.clock import SystemClock
from celeriac.model.effects import Effects, Job
from celeriac.model.envelope import Delivery
from celeriac.model.task_message import TaskMessage
from celeriac.wire.task import decode_task, encode_task, peek

ACCEPT = frozenset({"application/json"})
ROUNDS = 20_000


def microseconds(function: Any) -> float:
    """Return the best of five rounds."""
    return min(timeit.repeat(function, number=ROUNDS, repeat=5)) / ROUNDS * 1e6


def main() -> None:
    """Measure and print."""
    app = Celeriac("hot_path", broker="memory://")

    @app.task(name="noop")
    def noop() -> None:
        pass

    app.finalize()
    tasks, clock = app.tasks, SystemClock()
    envelope = encode_task(TaskMessage(task="noop", id="0e4f3c1e-5e4f-4b39-8a5c-6a0a3f7a2c11", argsrepr="()", kwargsrepr="{}"))
    delivery = Delivery(1, "celery", envelope)
    gate = Gate(tasks=tasks, clock=clock, log=Silence(), revoked=Revoked(), accept=ACCEPT, hostname="w@h")
    tools = Tools(tasks=tasks, client=app, clock=clock, log=Silence(), accept=ACCEPT, hostname="w@h", emit=_nowhere)
    job = admit(delivery, gate)
    assert isinstance(job, Job)
    assert run(job, tools).result is not None
    for name, function in (
        ("peek", lambda: peek(envelope)),
        ("admit", lambda: admit(delivery, gate)),
        ("decode", lambda: decode_task(envelope, ACCEPT)),
        ("run", lambda: run(job, tools)),
    ):
        print(f"{name:8} {microseconds(function):6.2f} us")


def _nowhere(effects: Effects) -> None:
    pass


if __name__ == "__main__":
    main()
