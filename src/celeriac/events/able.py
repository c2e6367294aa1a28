"""Brokers that can carry events."""

from __future__ import annotations

from celeriac.contracts.broker import Broadcasts
from celeriac.model.errors import UnsupportedPower


def able(broker: object) -> Broadcasts:
    """Return a broker that can broadcast, or raise ``UnsupportedPower``."""
    if isinstance(broker, Broadcasts):
        return broker
    raise UnsupportedPower(f"The broker {type(broker).__name__} cannot broadcast, so there are no events; use one that can, such as redis or sqlite")
