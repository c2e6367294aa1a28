"""Calls that are part of the caller's transaction: written into it, sent once it is committed, and not at all when it is rolled back.

The hook that Django calls after the commit sends them at once. What it leaves, because its process died or the broker was away, a sweep sends,
in any worker or by ``manage.py celeriac_outbox``: at least once, under the ids that the caller was given.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections, router, transaction
from django.db.models import F

from celeriac.app.parcel import Parcel, packed, unpacked
from celeriac.django.asking import asking, database_clock
from celeriac.lib import deadline
from celeriac.lib.ids import uuid
from celeriac.lib.signpost import reach
from celeriac.lib.value import Value
from celeriac.model.envelope import Outgoing
from celeriac.model.errors import ImproperlyConfigured, OperationalError
from celeriac.model.plan import Plan

logger = logging.getLogger("celeriac.outbox")

GRACE = 5.0
"""Seconds for which a message is left to the process that wrote it."""
LEASE = 30.0
"""Seconds for which whoever sends messages has them for himself."""
PATIENCE = 2.0
"""Seconds for which the process that wrote messages tries to send them; for ``AGAIN`` after that it leaves new ones to the sweep at once."""
AGAIN, LONGEST = 2.0, 600.0
"""Seconds until a message is tried again that could not be sent: at first, and at most."""
PAGE = 500
_TABLE = "celeriac.OutboxMessage"
_SETTING = "CELERIAC_OUTBOX_DATABASES"
_INSTALLED = "celeriac.django"


class Batch:
    """What one transaction writes; the first of its hooks sends it all."""

    def __init__(self) -> None:
        self.owner = uuid()
        self.began = time.monotonic()
        self.sent: set[int] | None = None


class Waiting(Value, frozen=True):
    """A message as it was read: its row's id, how often it was tried, and what is sent."""

    pk: int
    tries: int
    name: str
    parcel: Parcel


def keep(app: Any, plan: Plan) -> bool:
    """Write a plan's messages into the transaction that is open in this thread; False when none is."""
    using = open_transaction()
    if using is None:
        return False
    connection = connections[using]
    batch: Batch | None = getattr(connection, "celeriac_batch", None)
    if batch is None or batch.sent is not None:
        batch = connection.celeriac_batch = Batch()
    parcel = app.publisher.pack(plan)
    task, task_id = (plan.messages[0].message.task, plan.result.id) if plan.messages else ("", plan.result.id)
    with asking("outbox"):
        row = rows(using).create(task=task[:255], task_id=task_id, body=packed(parcel), owner=batch.owner, until=database_clock(GRACE))
    transaction.on_commit(partial(_committed, app, using, batch, row.pk, plan, parcel.outgoing), using=using)
    return True


def open_transaction() -> str | None:
    """Return the database whose transaction a call goes with; None when none is open."""
    found = [connection.alias for connection in connections.all(initialized_only=True) if connection.in_atomic_block]
    if not found:
        return None
    if not apps.is_installed(_INSTALLED):
        raise ImproperlyConfigured(
            f"A transactional call needs a table: add {_INSTALLED!r} to INSTALLED_APPS, then run manage.py migrate; or send it without"
        )
    known = databases()
    fit = [alias for alias in known if alias in found]
    if not fit:
        raise ImproperlyConfigured(
            f"A transactional call was made in a transaction of the database {found[0]!r}, which has no outbox: "
            f"add it to {_SETTING} = {known!r} and run manage.py migrate --database={found[0]}"
        )
    return fit[0]


def databases() -> list[str]:
    """Return the databases that have an outbox: those of the setting ``CELERIAC_OUTBOX_DATABASES``, or the one that Django writes the table to."""
    named = getattr(settings, _SETTING, None)
    return [router.db_for_write(_model())] if named is None else list(named)


def rows(using: str) -> Any:
    """Return all messages of a database."""
    return _model().objects.using(using)


def _model() -> Any:
    return apps.get_model(_TABLE)


# -- after the commit, in the process that called


def _committed(app: Any, using: str, batch: Batch, pk: int, plan: Plan, outgoing: Sequence[Outgoing]) -> None:
    reach("outbox.committed")
    try:
        if batch.sent is None:
            batch.sent = set()
            if time.monotonic() >= app.outbox.away_until:
                _patiently(partial(_send_own, app, using, batch))
        if pk in batch.sent:
            app.publisher.announce_sent(plan, outgoing)
    except Exception:
        # The transaction is committed, and nothing is lost: what called goes on.
        logger.exception("Committed messages could not be sent; they are sent later.")


def _patiently(act: Callable[[], None]) -> None:
    """Let a request wait a little for the broker, and not as long as for a message that nobody keeps."""
    before = deadline.begin(PATIENCE)
    try:
        act()
    finally:
        deadline.restore(before)


def _send_own(app: Any, using: str, batch: Batch) -> None:
    """Send what a transaction wrote and that is still there: savepoints may have been rolled back."""
    own = rows(using).filter(owner=batch.owner)
    if time.monotonic() - batch.began > GRACE / 2:
        own.update(until=database_clock(LEASE))
    assert batch.sent is not None
    last = 0
    while page := _read(own.filter(pk__gt=last).order_by("pk")[:PAGE]):
        sent = send(app, using, page)
        if not sent:
            app.outbox.away_until = time.monotonic() + AGAIN
            return
        batch.sent |= sent
        last = page[-1].pk
        own.update(until=database_clock(LEASE))


# -- later, wherever a sweep runs


def sweep(app: Any, using: str, *, at_once: bool = False) -> int:
    """Send what others have left; return how many were. ``at_once``: also what the processes that wrote it may still be about to send."""
    count, owner = 0, uuid()
    while page := _claim(using, owner, at_once=at_once):
        count += len(send(app, using, _unanswered(app, using, page)))
    return count


def _claim(using: str, owner: str, *, at_once: bool) -> list[Waiting]:
    with asking("outbox"):
        left = rows(using).exclude(owner=owner)
        left = left if at_once else left.filter(until__lte=database_clock(0.0))
        found = list(left.order_by("pk").values_list("pk", flat=True)[:PAGE])
        if not found:
            return []
        claim = {"owner": owner, "until": database_clock(LEASE), "tries": F("tries") + 1}
        if connections[using].features.has_select_for_update_skip_locked:
            with transaction.atomic(using=using):
                free = list(left.filter(pk__in=found).select_for_update(skip_locked=True).values_list("pk", flat=True))
                rows(using).filter(pk__in=free).update(**claim)
        else:
            left.filter(pk__in=found).update(**claim)
        return _read(rows(using).filter(owner=owner, pk__in=found).order_by("pk"))


def _unanswered(app: Any, using: str, page: Sequence[Waiting]) -> list[Waiting]:
    """Return what is to be sent: not what has a result already, whose sender died before he could cross it out."""
    backend = app.result_backend
    ids = {message.envelope.task_id for waiting in page for message in waiting.parcel.outgoing} - {None}
    answered = set() if backend is None else {str(found) for found in backend.load(ids)}
    left = []
    for waiting in page:
        outgoing = tuple(message for message in waiting.parcel.outgoing if message.envelope.task_id not in answered)
        left.append(waiting.replace(parcel=waiting.parcel.replace(outgoing=outgoing)))
    _cross_out(using, [waiting.pk for waiting in left if not waiting.parcel.outgoing])
    return [waiting for waiting in left if waiting.parcel.outgoing]


# -- sending


def send(app: Any, using: str, page: Sequence[Waiting]) -> set[int]:
    """Send messages and cross them out; return the ids of the rows that were. What cannot be sent stays, with the reason."""
    if not page:
        return set()
    try:
        app.publisher.send_parcels([waiting.parcel for waiting in page])
    except OperationalError as error:
        logger.warning("%d committed messages wait in the outbox: %s", len(page), error)
        for waiting in page:
            _put_off(using, waiting, error)
        return set()
    except Exception as error:
        if len(page) > 1:
            # One of them cannot be sent: each by itself.
            return set().union(*(send(app, using, [waiting]) for waiting in page))
        logger.exception("%s cannot be sent; it stays in the outbox.", page[0].name)
        _put_off(using, page[0], error)
        return set()
    reach("outbox.published")
    done = [waiting.pk for waiting in page]
    _cross_out(using, done)
    return set(done)


def _put_off(using: str, waiting: Waiting, error: BaseException) -> None:
    pause = min(LONGEST, AGAIN * 2 ** min(waiting.tries, 10))
    with asking("outbox"):
        rows(using).filter(pk=waiting.pk).update(until=database_clock(pause), error=f"{type(error).__name__}: {error}")


def _cross_out(using: str, pks: Collection[int]) -> None:
    if pks:
        with asking("outbox"):
            rows(using).filter(pk__in=list(pks)).delete()


def _read(found: Any) -> list[Waiting]:
    return [Waiting(row.pk, row.tries, str(row), unpacked(bytes(row.body))) for row in found]
