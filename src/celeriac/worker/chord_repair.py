"""A chord whose last step was cut in the middle (all parts counted, the body not sent) is found and finished."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from celeriac.contracts.backend import FindsDueChords
from celeriac.model.effects import Writes

logger = logging.getLogger("celeriac.worker")

LOOK = 5.0
"""Seconds between two looks; a chord that is due at two of them is not about to be finished by somebody else."""


class ChordRepair:
    """Counts a part of such a chord again: the store then hands it out as due, to be finished as always."""

    def __init__(self, store: FindsDueChords, add: Callable[[Sequence[Writes]], object], flush: Callable[[], object]) -> None:
        self._store = store
        self._add = add
        self._flush = flush
        self._seen: frozenset[str] = frozenset()

    @property
    def suspects(self) -> bool:
        """Whether a second look has to follow soon."""
        return bool(self._seen)

    def look(self) -> None:
        """Finish what was due at the last look and still is."""
        due = {chord.group: chord for chord in self._store.due()}
        again = [chord for group, chord in due.items() if group in self._seen]
        self._seen = frozenset(due)
        if again:
            logger.warning("consumer: Finishing %d chords that were cut in the middle of their last step.", len(again))
            self._add([Writes(part=next((part for part in chord.parts if part.chord), chord.parts[-1])) for chord in again])
            self._flush()
