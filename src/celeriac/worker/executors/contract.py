"""What an executor is: the part of a worker that runs jobs. Anyone may write one and name it with ``-P package.module:Class``.

A worker makes its executor as ``Class(parts, clock)`` after the application was imported, and calls ``run`` in the main thread; ``run`` returns the
worker's exit status. ``parts`` (``worker.parts.Parts``) holds the application, the options and what jobs are run with: ``parts.tools(emit)`` for the
engine, ``parts.encode(effects)``, ``parts.limits``, ``parts.pace``, ``parts.log``. An executor that lives in one process is best derived from
``executors.inprocess.InProcess`` or ``executors.pooled.Pooled``, which bring everything but the running itself.

The rules that an executor keeps:

* A job of a task without ``acks_late`` is acknowledged (``Intake.acknowledge``) before it begins, and begins soon after.
* What a job comes to (``engine.attempt.run`` or ``arun`` returns it) goes through ``parts.encode`` into the ``Outbox``, exactly once, whatever
  happens.
* A warm shutdown finishes what has begun and gives the rest back (``Intake.give_back``); a cold one gives back what is not acknowledged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from celeriac.lib.clock import Clock


class Executor(ABC):
    """Runs the jobs of one worker."""

    soft_limits: ClassVar[bool] = False
    """Whether it can raise ``SoftTimeLimitExceeded`` in a task that runs too long."""
    hard_limits: ClassVar[bool] = False
    """Whether it can end a task that runs far too long."""
    restart = False
    """Whether the worker is to start again in the same process, when ``run`` has returned (HUP)."""

    @abstractmethod
    def __init__(self, parts: Any, clock: Clock) -> None:
        """Take ``worker.parts.Parts``; open nothing yet."""

    @abstractmethod
    def run(self) -> int:
        """Work until told to stop; return the exit status: 0, or 1 after a cold shutdown and when the work could not begin."""
