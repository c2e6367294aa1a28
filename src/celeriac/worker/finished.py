"""Messages that come again although their outcome is stored: whoever had them died between the two, so only the settlement is missing."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from celeriac.contracts.backend import AnswersCallers, ResultBackend
from celeriac.contracts.broker import Broker, Departs, ReturnsWhenCut
from celeriac.contracts.runnable import Runnable
from celeriac.engine.acknowledgement import End, settle
from celeriac.lib.ids import made_at
from celeriac.model import states
from celeriac.model.effects import Writes
from celeriac.model.envelope import Delivery, Settlement, Verdict
from celeriac.model.errors import ContentDisallowed, DecodeError, InvalidTaskError
from celeriac.model.record import ResultRecord
from celeriac.wire.results import decode_result
from celeriac.wire.task import SENT, parse_time

logger = logging.getLogger("celeriac.worker")

_FINAL = frozenset({states.SUCCESS, states.FAILURE, states.REVOKED})
_ENDS = {"TimeLimitExceeded": End.TIMEOUT, "SoftTimeLimitExceeded": End.TIMEOUT, "Reject": End.REJECTED}


class Finished:
    """Tells which of the messages that were delivered before have ended already.

    The result of an earlier call under the same id says nothing: a result counts when it is not older than the message. Where nothing tells how old a
    message is (Celery's clients), it counts if the setting ``worker_deduplicate_successful_tasks`` says so, for SUCCESS only, as Celery has it.
    """

    def __init__(
        self, backend: ResultBackend, tasks: Mapping[str, Runnable], *, final: Collection[str], accept: frozenset[str] | None, successes: bool
    ) -> None:
        self._backend = backend
        self._tasks = tasks
        self._final = final
        self._accept = accept
        self._successes = successes

    def sift(self, deliveries: Sequence[Delivery]) -> tuple[Sequence[Delivery], list[Writes]]:
        """Return what is to be run, and what settles the rest; raises OperationalError when the result store cannot be asked."""
        again = {name for each in deliveries if each.redelivered and isinstance(name := each.envelope.headers.get("id"), str)}
        if not again:
            return deliveries, []
        known = self._backend.load(again)
        left: list[Delivery] = []
        done: list[Writes] = []
        for delivery in deliveries:
            record = known.get(delivery.envelope.headers.get("id", "")) if delivery.redelivered else None
            settlement = None if record is None else self._settlement(delivery, record)
            if settlement is None:
                left.append(delivery)
            else:
                done.append(Writes(settlement=settlement))
        if done:
            logger.info("consumer: %d messages came again whose results are stored: they are not run again.", len(done))
        return left, done

    def _settlement(self, delivery: Delivery, record: ResultRecord) -> Settlement | None:
        task = self._tasks.get(delivery.envelope.headers.get("task", ""))
        if task is None or record.state not in _FINAL:
            return None
        try:
            meta = decode_result(record, self._accept)
        except (DecodeError, ContentDisallowed):
            return None
        its_own = _is_of(delivery, meta.date_done)
        counts = self._successes and meta.state == states.SUCCESS if its_own is None else its_own and meta.state in self._final
        if not counts:
            return None
        if meta.state != states.FAILURE:
            return Settlement(Verdict.ACK, delivery.tag, delivery.queue)
        name = getattr(meta.result, "exc_type", type(meta.result).__name__)
        end = _ENDS.get(name, End.FAILED)
        return settle(delivery, False, task, end, f"{name}: {meta.result}")


def _is_of(delivery: Delivery, done: Any) -> bool | None:
    """Whether a result, stored at that time, is that of this message rather than of an earlier one with its id; None when nothing tells."""
    sent = sent_at(delivery.envelope.headers)
    try:
        return None if sent is None or done is None else parse_time(done) >= sent
    except InvalidTaskError:
        return None


def sent_at(headers: Mapping[str, Any]) -> float | None:
    """Return when a message was sent (epoch seconds), as far as it tells."""
    sent = headers.get(SENT)
    return float(sent) if isinstance(sent, (int, float)) else made_at(headers.get("id", ""))


def finished_for(
    broker: Broker, backend: ResultBackend | None, tasks: Mapping[str, Runnable], *, atomic: bool, accept: frozenset[str] | None, successes: bool
) -> Finished | None:
    """Return what recognises finished messages where a death can fall between result and settlement, None where it cannot, or nothing could tell.

    A failure counts where nothing is put back into a queue under its old result: where leases run out, a replayed dead letter looks the same. Where
    workers of Celery's may share the store, one of those may have died between the two, whoever writes them at once: a success counts there, which
    nothing overwrites anyway.
    """
    if backend is None or isinstance(backend, AnswersCallers):
        return None
    if atomic:
        shared = isinstance(broker, Departs)
        return Finished(backend, tasks, final={states.SUCCESS}, accept=accept, successes=True) if shared else None
    final = _FINAL if isinstance(broker, ReturnsWhenCut) else _FINAL - {states.FAILURE}
    return Finished(backend, tasks, final=final, accept=accept, successes=successes)
