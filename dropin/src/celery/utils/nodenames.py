"""Names of nodes."""

from __future__ import annotations

from celeriac.lib.machine import hostname as gethostname
from celeriac.lib.nodenames import anon_nodename, default_nodename, host_format, node_format, nodename, nodesplit
from celeriac.model.topology import worker_direct
from celery._remedies import refusals

__all__ = ["anon_nodename", "default_nodename", "gethostname", "host_format", "node_format", "nodename", "nodesplit", "worker_direct"]

__getattr__ = refusals(__name__)
