"""The settler where results go by the broker's own server: each result is sent, and its message settled, in one write."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from celeriac.contracts.settler import BodyOf
from celeriac.drivers.rabbitmq.backend import RpcBackend
from celeriac.drivers.two_step import TwoStep
from celeriac.model.effects import Writes
from celeriac.model.envelope import Outgoing, Settlement

Share = tuple[Sequence[Outgoing], Sequence[Settlement]]

_SHARE = 32
"""Tasks whose results and settlements make one write: few enough that the system takes it whole."""


class RpcSettler:
    """What follows first, then results together with settlements: nobody dies between the two.

    Results of messages that were acknowledged before go by a connection of their own, where nothing else waits for their confirmations.
    """

    def __init__(self, two_step: TwoStep, backend: RpcBackend, settle_with: Callable[[Sequence[Share]], None]) -> None:
        self._two_step = two_step
        self._backend = backend
        self._settle_with = settle_with

    def flush(self, writes: Sequence[Writes], body_of: BodyOf) -> None:
        together: list[Writes] = []
        apart: list[Writes] = []
        for write in writes:
            if write.settlement is None or not any(record.reply_to for record in write.records):
                apart.append(write)
                continue
            together.append(write)
            if write.publish or write.part is not None:
                apart.append(write.replace(records=(), settlement=None))
        if apart:
            self._two_step.flush(apart, body_of)
        if together:
            self._settle_with([self._share(together[at : at + _SHARE]) for at in range(0, len(together), _SHARE)])

    def _share(self, writes: Sequence[Writes]) -> Share:
        results = self._backend.answers([record for write in writes for record in write.records])
        return results, [write.settlement for write in writes if write.settlement is not None]
