"""What third parties import from here."""

from __future__ import annotations

from functools import cached_property

from celeriac.lib.functional import chunks, memoize, noop
from celeriac.lib.ids import uuid
from celeriac.lib.ids import uuid as gen_unique_id
from celeriac.lib.importing import gen_task_name, instantiate
from celeriac.lib.nodenames import nodename, nodesplit
from celeriac.model.topology import worker_direct
from celery._remedies import refusals

__all__ = [
    "cached_property",
    "chunks",
    "gen_task_name",
    "gen_unique_id",
    "instantiate",
    "memoize",
    "nodename",
    "nodesplit",
    "noop",
    "uuid",
    "worker_direct",
]

__getattr__ = refusals(__name__)
