"""Frameworks that an application adapts itself to when it is made; each is recognised by an environment variable, none is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from celeriac.lib.importing import symbol_by_name

FIXUPS = {"DJANGO_SETTINGS_MODULE": "celeriac.django.fixup:install"}
"""Environment variable -> function that takes the application, and returns a ``Fixup`` or, with a warning, None."""


class Fixup(Protocol):
    """What a framework answers for an application."""

    def prepare(self) -> None:
        """Make the framework ready for the import of modules that use it; more than once is as good as once."""
        ...

    def packages(self) -> list[str]:
        """Return the packages in which tasks are looked for when ``autodiscover_tasks`` names none."""
        ...


def install_fixups(app: Any, environ: Mapping[str, str]) -> tuple[Fixup, ...]:
    """Adapt an application to the frameworks whose variable is set."""
    found = (symbol_by_name(path)(app) for variable, path in FIXUPS.items() if environ.get(variable))
    return tuple(fixup for fixup in found if fixup is not None)
