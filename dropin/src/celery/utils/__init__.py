"""What third parties import from here."""

from __future__ import annotations

from celeriac.lib.ids import uuid
from celeriac.lib.ids import uuid as gen_unique_id

__all__ = ["gen_unique_id", "uuid"]
