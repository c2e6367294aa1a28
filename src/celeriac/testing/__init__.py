"""For users' tests and for authors of drivers. Names are loaded when they are used: the pytest plugin must not cost those who do not use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celeriac.lib.importing import symbol_by_name

if TYPE_CHECKING:
    from celeriac.testing.bench import Run
    from celeriac.testing.clock import VirtualClock
    from celeriac.testing.sent import Sent
    from celeriac.testing.stand import Stand, assert_enqueued, refute_enqueued, testing
    from celeriac.testing.stores import WaitsInVain
    from celeriac.testing.worker import start_worker

__all__ = ["Run", "Sent", "Stand", "VirtualClock", "WaitsInVain", "assert_enqueued", "refute_enqueued", "start_worker", "testing"]

_PLACES = {
    "Run": "bench", "Sent": "sent", "Stand": "stand", "VirtualClock": "clock", "WaitsInVain": "stores", "assert_enqueued": "stand",
    "refute_enqueued": "stand", "start_worker": "worker", "testing": "stand",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = symbol_by_name(f"{__name__}.{_PLACES[name]}:{name}")
    return found
