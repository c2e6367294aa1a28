"""What workers that died had begun and nobody may begin again: somebody has to tell that it was lost, or its callers wait for ever."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from celeriac.contracts.backend import ResultBackend
from celeriac.contracts.broker import RemembersBegun
from celeriac.contracts.settler import Settler
from celeriac.drivers.two_step import TwoStep
from celeriac.engine.refusals import Gate
from celeriac.engine.telling import wanted
from celeriac.model import states
from celeriac.model.effects import Job, Writes
from celeriac.model.envelope import Delivery, Settlement, Verdict
from celeriac.model.outcome import Lost
from celeriac.worker.outbox import Outbox

logger = logging.getLogger("celeriac.worker")


class LeftBehind:
    """Finds them and makes jobs of them, which are only to be concluded: their ``on_failure`` handlers and error callbacks run."""

    def __init__(
        self, broker: RemembersBegun, backend: ResultBackend | None, settler: Settler, gate: Gate, outbox: Outbox
    ) -> None:
        self._broker = broker
        # Where outcome and end are not one write, the outcome may be there already.
        self._stored = backend if isinstance(settler, TwoStep) else None
        self._gate = gate
        self._outbox = outbox

    def look(self) -> list[Job]:
        """Return what is to be concluded of dead workers', which is this worker's from now on."""
        found = self._broker.inherit()
        if found:
            logger.warning("consumer: %d tasks were begun by workers that are gone, and are reported as lost.", len(found))
        return self.concluding([(delivery, f"Its worker {_name(owner)} was lost while it ran") for delivery, owner in found])

    def concluding(self, lost: Sequence[tuple[Delivery, str]]) -> list[Job]:
        """Return jobs that say of deliveries, which have begun, that they were lost for a reason."""
        ended = self._ended([delivery for delivery, _ in lost])
        if ended:
            self._outbox.flush(*(Writes(settlement=Settlement(Verdict.ACK, d.tag, d.queue)) for d, _ in lost if d.envelope.task_id in ended))
        return [self._job(delivery, reason) for delivery, reason in lost if delivery.envelope.task_id not in ended]

    def _ended(self, deliveries: Sequence[Delivery]) -> set[str]:
        if self._stored is None or not deliveries:
            return set()
        records = self._stored.load([task_id for delivery in deliveries if (task_id := delivery.envelope.task_id)])
        return {task_id for task_id, record in records.items() if record.state in states.READY_STATES}

    def _job(self, delivery: Delivery, reason: str) -> Job:
        gate, now = self._gate, self._gate.clock.now()
        job = Job(delivery, now, True, gate.hostname, begun=True)
        attempt = f"delivery {delivery.deliveries}: {reason}"
        return job.replace(lost=Lost(reason, attempts=(attempt,)), watched=wanted(gate.events, gate.runnable(job)))


def _name(owner: str) -> str:
    return owner.rpartition("/")[0] or owner
