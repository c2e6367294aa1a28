"""What is done with a configuration when it is first read: wrong values are refused, misspelt names are warned of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from celeriac.config import spelling
from celeriac.config.problem import Problem
from celeriac.config.settings import Settings
from celeriac.config.table import SETTINGS
from celeriac.model.errors import ImproperlyConfigured, SettingWarning


def enforce(settings: Settings, *, stacklevel: int = 2, told: set[str] | None = None) -> None:
    """Refuse wrong values, all in one ``ImproperlyConfigured``, and warn of misspelt names (``SettingWarning``), but for those in ``told``."""
    wrong = list(wrong_values(settings))
    if wrong:
        raise ImproperlyConfigured("\n".join(str(problem) for problem in wrong))
    for problem in spelling.misspelt(settings):
        if told is None or problem.key not in told:
            warnings.warn(str(problem), SettingWarning, stacklevel=stacklevel)
        if told is not None:
            told.add(problem.key)


def wrong_values(settings: Settings) -> Iterator[Problem]:
    """Name every value that was set and that its setting cannot have."""
    for name in dict.fromkeys(name for values in settings.sources().values() for name in values):
        if name in SETTINGS:
            try:
                settings[name]
            except ImproperlyConfigured as error:
                yield Problem(key=name, text=str(error), remedy="", fatal=True)
