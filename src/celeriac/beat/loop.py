"""The scheduler: keeps the lead, fires what is due, sleeps until the next slot, an edit or the lease's renewal."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from celeriac.beat import planning, reconcile, sending
from celeriac.beat.declared import Declared
from celeriac.beat.definition import Definition, decoded
from celeriac.beat.leadership import Leadership
from celeriac.beat.reconcile import Change
from celeriac.beat.sending import Encoded
from celeriac.beat.stored import CODE, Stored, body_of, stored_of
from celeriac.contracts.schedule_store import PAGE, Firing, ScheduleRecord, ScheduleStore
from celeriac.lib.clock import Clock
from celeriac.lib.signpost import reach
from celeriac.lib.value import Value
from celeriac.model.errors import ImproperlyConfigured, OperationalError

logger = logging.getLogger("celeriac.beat")

LOOK = 0.5
"""Seconds after which the store is looked at although nothing is due: edits take effect within this."""
BATCH = 25
"""Entries that are fired in one turn; between two the lead is looked after."""
REMEMBERED = 4096
_NOT_SENT = "%s could not be sent for %s."
TOLD = 50
"""Differences between code and store that are told one by one; of the rest, how many there are."""
SET_BACK = 60.0
"""Seconds by which the wall clock must be set back to count as corrected: then all slots are planned anew."""


class Due(Value, frozen=True):
    """One slot that is about to be fired."""

    definition: Definition
    firing: Firing
    encoded: Encoded


class Loop:
    """One scheduler of an application; ``tick`` does what is to be done now. Not for several threads."""

    def __init__(
        self,
        app: Any,
        store: ScheduleStore,
        *,
        clock: Clock,
        candidate: str,
        space: str = "",
        lease: float = 2.0,
        look: float = LOOK,
        tell: Callable[[Sequence[Change], int], object] = lambda changes, count: None,
    ) -> None:
        self.app = app
        self.store = store
        self.leadership = Leadership(store, candidate, lease, clock)
        self.declared = Declared(app)
        self._clock = clock
        self._space = space
        self._look = look
        self._grace = max(planning.GRACE, 2 * lease + 1.0)
        self._tell = tell
        self._definitions: OrderedDict[tuple[str, bytes], Definition] = OrderedDict()
        self._offset = clock.now() - clock.monotonic()
        self.sent = 0
        """How many slots have been fired here."""
        self.late = 0.0
        """How long after its time (seconds) the last one was."""
        self.following: float | None = None
        """When the next one is due (epoch seconds), as far as is known."""

    @property
    def leads(self) -> bool:
        """Whether this scheduler leads, as far as it knows."""
        return self.leadership.token is not None

    def tick(self) -> float:
        """Do what is to be done now; return after how many seconds to come again. Raises OperationalError when the store is away."""
        changed = self.declared.refresh()
        won = self.leadership.keep()
        token = self.leadership.token
        if token is None:
            return self.leadership.renewal
        if won:
            logger.info("%s leads (token %d).", self.leadership.candidate, token)
            reach("beat.leads")
        if won or changed:
            self._reconcile(token)
        self._mind_the_clock()
        if self._fire(token, self.store.due_before(self._clock.now(), BATCH)):
            return 0.0
        return self._pause()

    def _pause(self) -> float:
        following = self.following = self.store.next_due()
        pause = min(self._look, self.leadership.renewal)
        return pause if following is None else max(0.0, min(pause, following - self._clock.now()))

    def resign(self) -> None:
        """Let another scheduler take over at once."""
        self.leadership.resign()

    # -- code and store

    def _reconcile(self, token: int) -> None:
        if self.store.stamp() == self.declared.digest:
            return
        told: list[Change] = []
        count, put, gone = 0, [], []
        for change, record in reconcile.compare(self.declared, self.store.scan(), now=self._clock.now()):
            count += 1
            if count <= TOLD:
                told.append(change)
            if record is None:
                gone.append(change.name)
            else:
                put.append(record)
            if len(put) + len(gone) >= PAGE // 4:
                self._write(put, gone)
                put, gone = [], []
            if not self._still_leads(token):
                return
        self._write(put, gone)
        self.store.set_stamp(self.declared.digest)
        reach("beat.reconciled")
        if count:
            self._tell(told, count)

    def _write(self, put: Sequence[ScheduleRecord], gone: Sequence[str]) -> None:
        self.store.put(put)
        self.store.remove(gone)

    def _still_leads(self, token: int) -> bool:
        """Keep the lead through long work."""
        self.leadership.keep()
        return self.leadership.token == token

    def _mind_the_clock(self) -> None:
        """A wall clock that was set back far was wrong before: slots that it was said to have reached come again."""
        offset = self._clock.now() - self._clock.monotonic()
        if offset < self._offset - SET_BACK:
            logger.warning("The clock was set back by %.0f s: all entries are planned anew.", self._offset - offset)
            self._plan_anew(self._clock.now())
        self._offset = offset

    def _plan_anew(self, now: float) -> None:
        anew: list[ScheduleRecord] = []
        for record in list(self.store.scan()):
            stored = stored_of(record)
            definition = self._definition(record)
            if definition is None or record.next_due is None:
                continue
            body = body_of(Stored(stored.text, stored.source, now, stored.paused))
            anew.append(record.replace(body=body, next_due=planning.first_due(definition, now), last_run=None))
        for start in range(0, len(anew), PAGE):
            self.store.put(anew[start : start + PAGE], afresh=True)

    # -- firing

    def _fire(self, token: int, records: Sequence[ScheduleRecord]) -> bool:
        """Fire the slots of entries that are due; return whether there may be more."""
        now = self._clock.now()
        dues = [due for record in records for due in self._due(record, now)]
        if not dues:
            return False
        for due in dues:
            sending.keep(self.app, due.encoded)
        reach("beat.before_fire")
        done = self._send(token, dues)
        reach("beat.fired")
        for due, fired in zip(dues, done):
            if fired:
                sending.announce(self.app, due.encoded)
                self._log(due)
        refused = [due for due, fired in zip(dues, done) if not fired]
        if refused:
            self._refused(token, refused)
        return True

    def _send(self, token: int, dues: Sequence[Due]) -> Sequence[bool]:
        try:
            return self.store.fire(token, [due.firing for due in dues])
        except OperationalError:
            raise
        except Exception:
            # One of them cannot be delivered, to an exchange that is not there for instance: each by itself.
            return [self._send_alone(token, due.firing) for due in dues]

    def _send_alone(self, token: int, firing: Firing) -> bool:
        try:
            return self.store.fire(token, [firing])[0]
        except OperationalError:
            raise
        except Exception:
            logger.exception(_NOT_SENT, firing.record.name, planning.moment(firing.slot).isoformat())
            return self.store.fire(token, [firing.replace(outgoing=())])[0]

    def _refused(self, token: int, refused: Sequence[Due]) -> None:
        """Another one leads, or the entry was edited, which the next turn sees; or the slot was fired before, and the record has to go on."""
        self.leadership.doubt()
        self.leadership.keep()
        if self.leadership.token != token:
            return
        stored = self.store.get({due.firing.record.name for due in refused})
        ahead = {due.firing.record.name: due.firing.record for due in refused}
        self.store.put([record for name, record in ahead.items() if (there := stored.get(name)) is not None and _same(there, record)])

    def _due(self, record: ScheduleRecord, now: float) -> list[Due]:
        definition = self._definition(record)
        if definition is None:
            # What cannot be read is looked at again in a minute.
            self.store.put([record.replace(next_due=now + 60.0)])
            return []
        planned = planning.plan(definition, stored_of(record).since, record, now, grace=self._grace)
        if planned.skipped:
            logger.warning("%s: %d missed slots are skipped.", record.name, planned.skipped)
        dues: list[Due] = []
        for slot, following in zip(planned.slots, [*planned.slots[1:], planned.next]):
            record = record.replace(next_due=following, last_run=slot, runs=record.runs + 1)
            dues.append(Due(definition, *self._firing(definition, record, slot)))
        if not dues and planned.skipped and planned.reached is not None:
            skipping = Firing(record.replace(next_due=planned.next, last_run=planned.reached), planned.reached)
            dues.append(Due(definition, skipping, Encoded(None, ())))
        elif not dues:
            self.store.put([record.replace(next_due=planned.next)])
        return dues

    def _firing(self, definition: Definition, record: ScheduleRecord, slot: float) -> tuple[Firing, Encoded]:
        try:
            encoded = sending.encode_slot(self.app, definition, sending.id_of(self._space, definition.name, slot))
        except OperationalError:
            raise
        except Exception:
            # One entry that cannot be sent must not hold up the others; its slot is over.
            logger.exception(_NOT_SENT, definition.name, planning.moment(slot).isoformat())
            encoded = Encoded(None, ())
        return Firing(record, slot, encoded.outgoing), encoded

    def _definition(self, record: ScheduleRecord) -> Definition | None:
        stored = stored_of(record)
        from_code = stored.source == CODE and record.name in self.declared
        key = (record.name, self.declared.digest.encode() if from_code else stored.text)
        found = self._definitions.get(key)
        if found is None:
            try:
                found = self.declared[record.name] if from_code else decoded(record.name, stored.text, app=self.app)
            except (ImproperlyConfigured, ValueError, TypeError) as error:
                logger.error("The entry %r cannot be read: %s", record.name, error)
                return None
            self._definitions[key] = found
            if len(self._definitions) > REMEMBERED:
                self._definitions.popitem(last=False)
        return found

    def _log(self, due: Due) -> None:
        plan, slot = due.encoded.plan, due.firing.slot
        self.sent += 1
        self.late = self._clock.now() - slot
        if plan is not None and logger.isEnabledFor(logging.INFO):
            moment = planning.moment(slot).isoformat()
            logger.info("%s: sent %s[%s] for %s (%.3f s late).", due.definition.name, due.definition.task, plan.result.id, moment, self.late)


def _same(stored: ScheduleRecord, record: ScheduleRecord) -> bool:
    return stored.enabled and stored.body == record.body
