"""File descriptors that a process which begins as a fresh interpreter is to inherit: they are pickled while it is being started, and only then."""

from __future__ import annotations

import os
from multiprocessing import reduction
from typing import Any


class Inheritable:
    """A file descriptor that arrives in the new process, there perhaps by another number."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> Any:
        return _arrive, (reduction.DupFd(self.number),)


def _arrive(passed: Any) -> Inheritable:
    number = passed.detach()
    # Programs that tasks start must not have it.
    os.set_inheritable(number, False)
    return Inheritable(number)
