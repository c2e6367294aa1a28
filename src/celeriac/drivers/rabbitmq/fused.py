"""The settler where results go by the broker's own server: each result is sent and its message settled in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from celeriac.contracts.settler import BodyOf
from celeriac.drivers.rabbitmq.backend import RpcBackend
from celeriac.drivers.two_step import TwoStep
from celeriac.model.effects import Writes
from celeriac.model.envelope import Outgoing, Settlement

SettleWith = Callable[[Sequence[Outgoing], Sequence[Settlement]], None]


class RpcSettler:
    """What follows first, then results together with settlements: nobody dies between the two."""

    def __init__(self, two_step: TwoStep, backend: RpcBackend, settle_with: SettleWith) -> None:
        self._two_step = two_step
        self._backend = backend
        self._settle_with = settle_with

    def flush(self, writes: Sequence[Writes], body_of: BodyOf) -> None:
        results = self._backend.answers([record for write in writes for record in write.records])
        if not results:
            self._two_step.flush(writes, body_of)
            return
        before = [Writes(publish=write.publish, part=write.part) for write in writes if write.publish or write.part is not None]
        if before:
            self._two_step.flush(before, body_of)
        self._settle_with(results, [write.settlement for write in writes if write.settlement is not None])
