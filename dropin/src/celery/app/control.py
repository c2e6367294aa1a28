"""Remote control."""

from __future__ import annotations

from celeriac.control import Control, Inspect

__all__ = ["Control", "Inspect"]
