"""Where messages wait that are to be sent if, and only if, a database transaction is committed."""

from __future__ import annotations

from abc import ABC, abstractmethod

from celeriac.model.plan import Plan


class Outbox(ABC):
    """Belongs to an application; what it keeps it sends by itself."""

    @abstractmethod
    def keeps(self, plan: Plan) -> bool:
        """Write a plan's messages into the transaction that is open here; False when they do not ask for it, or none is open."""
