"""Everything that can be said about a configuration before it is used."""

from __future__ import annotations

from celeriac.config import contradictions, spelling
from celeriac.config.enforcement import wrong_values
from celeriac.config.problem import Problem
from celeriac.config.settings import Settings


def problems(settings: Settings) -> list[Problem]:
    """Return what is wrong with these settings: wrong types, misspelt names, contradictions; the fatal ones first."""
    wrong = list(wrong_values(settings))
    found = [*wrong, *spelling.misspelt(settings)]
    # Contradictions are sought among values that can be read.
    if not wrong:
        found += contradictions.found(settings)
    return sorted(found, key=lambda problem: not problem.fatal)
