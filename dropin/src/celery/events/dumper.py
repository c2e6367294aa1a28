"""Events as text."""

from __future__ import annotations

from celeriac.events.dumper import Dumper, evdump

__all__ = ["Dumper", "evdump"]
