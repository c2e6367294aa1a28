"""Which known name an unknown one was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def distance(one: str, other: str, limit: int) -> int:
    """Return how many letters must be inserted, removed, replaced or swapped with their neighbour; more than ``limit`` is ``limit`` + 1.

    The restricted Damerau-Levenshtein (optimal string alignment) distance.
    """
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def allowance(name: str) -> int:
    """Return how many slips of the finger a name of this length may hold and still be recognised."""
    return 1 if len(name) < 14 else 2 if len(name) < 24 else 3


def nearest(name: str, known: Iterable[str], limit: int | None = None) -> str | None:
    """Return the known name that is nearest, if it is near enough; of long names, those that differ at both ends are passed over."""
    limit = allowance(name) if limit is None else limit
    best, found = limit + 1, None
    letters = name.replace("_", "")
    for candidate in known:
        if candidate.replace("_", "") == letters:
            return candidate
        if len(name) > 7 and candidate[:3] != name[:3] and candidate[-3:] != name[-3:]:
            continue
        if (far := distance(name, candidate, best - 1)) < best:
            best, found = far, candidate
    return found
