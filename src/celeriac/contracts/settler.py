"""Carrying out effects: one atomic write where the stores allow it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

from celeriac.contracts.backend import ResultBackend
from celeriac.model.effects import Writes
from celeriac.model.envelope import Outgoing
from celeriac.model.record import DueChord

BodyOf = Callable[[DueChord], Sequence[Outgoing]]


class Settler(Protocol):
    """Carries out what the engine decided, a batch at a time."""

    def flush(self, writes: Sequence[Writes], body_of: BodyOf) -> None:
        """Carry out all of it: follow-ups and chord bodies sent, results stored, messages settled; on an exception it may be repeated.

        Atomic where broker and result store are one; else in the order in which a crash repeats work and never loses it.
        """
        ...


class FinishesChords(ABC):  # noqa: B024 (it says what its flush does; the method is the settler's own)
    """A settler that counts the last part of a chord and sends what follows in one write: no chord is ever left between the two."""


class TendsChords(ABC):
    """A settler whose chords are finished by a thread of its own, which also finds those that others have left."""

    @abstractmethod
    def tend(self, body_of: BodyOf) -> None:
        """Begin; ``body_of`` is called in that thread."""

    @abstractmethod
    def leave(self) -> None:
        """End; what is not finished is left to others. For one that has not begun too."""


class Fuses(ABC):
    """The broker can write results in the same breath, if they live in the same store."""

    @abstractmethod
    def fuse(self, backend: ResultBackend) -> Settler | None:
        """Return a settler that writes to both at once, or None when this backend is somewhere else."""
