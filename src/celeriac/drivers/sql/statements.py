"""Every statement of the driver, in SQLAlchemy Core; ``compile`` turns them into a dialect's text, with parameters in order of their appearance."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, Executable, Table, and_, bindparam, delete, false, func, insert, literal, or_, select, update

from celeriac.drivers.sql import schema as t
from celeriac.model.record import EXTRA


def _p(*names: str) -> list[Any]:
    return [bindparam(name, required=True) for name in names]


def _messages() -> dict[str, Executable]:
    ready, held, delayed = t.ready.c, t.held.c, t.delayed.c
    first, last, limit, ahead, tag, owner, queue, due = _p("first", "last", "most", "ahead", "a_tag", "an_owner", "a_queue", "now")
    later, same, place = _p("later_than", "as_late_as", "a_position")
    in_range = and_(ready.position >= first, ready.position <= last)
    is_mine = and_(held.tag == tag, held.owner == owner)
    owners = select(t.owner.c.name)
    return {
        "ready_add": insert(t.ready),
        "ready_take": select(ready.position, ready.tries, ready.payload).where(in_range).order_by(ready.position).limit(limit),
        "ready_cut": delete(t.ready).where(in_range),
        "ready_any": select(ready.position).where(in_range).limit(1),
        "ready_ahead": select(ready.position).where(in_range).order_by(ready.position).limit(1).offset(ahead),
        "ready_count": select(func.count()).select_from(t.ready).where(in_range),
        "held_add": insert(t.held),
        "held_drop": delete(t.held).where(is_mine),
        "held_get": select(held.position, held.tries, held.payload).where(is_mine),
        "held_by": select(held.tag, held.position, held.tries, held.payload).where(held.owner == owner).order_by(held.tag),
        "held_any": select(held.position, held.tries, held.payload).where(held.tag == tag),
        "held_exchange": update(t.held).where(is_mine).values(payload=bindparam("a_payload")),
        "held_give": update(t.held).where(held.tag == tag).values(owner=owner),
        "held_drop_any": delete(t.held).where(held.tag == tag),
        "held_orphans": select(held.tag, held.position, held.tries, held.payload, held.owner).where(held.owner.not_in(owners)),
        "held_orphaned": select(held.tag).where(held.owner.not_in(owners)).limit(1),
        "delayed_add": insert(t.delayed),
        "delayed_first": select(delayed.due).where(delayed.queue == queue).order_by(delayed.due).limit(1),
        "delayed_due": select(delayed.position, delayed.tries, delayed.payload).where(delayed.queue == queue, delayed.due <= due),
        "delayed_cut": delete(t.delayed).where(delayed.queue == queue, delayed.due <= due),
        "delayed_count": select(func.count()).select_from(t.delayed).where(delayed.queue == queue),
        "delayed_purge": delete(t.delayed).where(delayed.queue == queue),
        "delayed_list": select(delayed.due, delayed.position, delayed.tries, delayed.payload)
        .where(delayed.queue == queue)
        .order_by(delayed.due)
        .limit(limit),
        "delayed_after": select(delayed.due, delayed.position, delayed.payload)
        .where(delayed.queue == queue, or_(delayed.due > later, and_(delayed.due == same, delayed.position > place)))
        .order_by(delayed.due, delayed.position)
        .limit(limit),
        "delayed_drop": delete(t.delayed).where(delayed.queue == queue, delayed.due == due, delayed.position == place),
    }


def _begun(upsert: Any) -> dict[str, Executable]:
    begun = t.begun.c
    mark, owner = _p("a_mark", "an_owner")
    owners = select(t.owner.c.name)
    return {
        "begun_put": _replacing(upsert, t.begun, "mark"),
        "begun_drop": delete(t.begun).where(begun.mark == mark),
        "begun_of": select(begun.mark, begun.tags).where(begun.owner == owner),
        "begun_orphans": select(begun.mark, begun.owner, begun.tags).where(begun.owner.not_in(owners)),
    }


def _dead() -> dict[str, Executable]:
    dead = t.dead.c
    queue, limit, number = _p("a_queue", "most", "a_number")
    listed = select(dead.number, dead.queue, dead.died, dead.reason, dead.payload)
    return {
        "dead_add": insert(t.dead).values({c: bindparam(c) for c in ("queue", "position", "died", "reason", "payload")}),
        "dead_list": listed.order_by(dead.number.desc()).limit(limit),
        "dead_list_of": listed.where(dead.queue == queue).order_by(dead.number.desc()).limit(limit),
        "dead_get": select(dead.position, dead.payload).where(dead.number == number),
        "dead_drop": delete(t.dead).where(dead.number == number),
    }


def _registers(upsert: Any) -> dict[str, Executable]:
    number, name, amount, boot, now = _p("a_number", "a_name", "amount", "a_boot", "now")
    declared: BindParameter[Any] = bindparam("a_declared")
    counter, queue, owner = t.counter.c, t.queue.c, t.owner.c
    return {
        "counter_add": update(t.counter).where(counter.name == name).values(value=counter.value + amount).returning(counter.value),
        "counter_get": select(counter.value).where(counter.name == name),
        "counter_new": upsert(t.counter).on_conflict_do_nothing(),
        "queue_find": select(queue.number).where(queue.name == name),
        "queue_name": select(queue.name).where(queue.number == number),
        "queue_names": select(queue.name).order_by(queue.number),
        "queue_new": insert(t.queue).values(name=name),
        "queue_declare": update(t.queue).where(queue.number == number).values(declared=declared),
        "queue_declared": select(queue.declared).where(queue.declared.is_not(None)),
        "queue_declaration": select(queue.declared).where(queue.number == number),
        "owner_put": _replacing(upsert, t.owner, "name"),
        "owner_get": select(owner.expires, owner.boot).where(owner.name == name),
        "owner_drop": delete(t.owner).where(owner.name == name),
        "owner_dead": select(owner.name).where(or_(owner.expires < now, owner.boot != boot)).limit(1),
        "owner_drop_dead": delete(t.owner).where(or_(owner.expires < now, owner.boot != boot)),
    }


def _results(upsert: Any) -> dict[str, Executable]:
    result, group = t.result.c, t.saved_group.c
    task_id, first, last, now = _p("an_id", "first", "last", "now")
    columns = [column.name for column in t.result.columns if column.name != "number"]
    put = upsert(t.result).values({column: bindparam(column) for column in columns})
    replaceable = or_(result.state != "SUCCESS", result.expires <= now)
    changes = {column: put.excluded[column] for column in columns if column != "id"}
    return {
        "result_put": put.on_conflict_do_update(index_elements=[result.id], set_=changes, where=replaceable),
        "result_get": select(*(t.result.c[column] for column in columns)).where(result.id == task_id),
        "result_drop": delete(t.result).where(result.id == task_id),
        "result_last": select(func.max(result.number)),
        "result_expire": delete(t.result).where(result.number >= first, result.number <= last, result.expires <= now),
        "group_put": _replacing(upsert, t.saved_group, "id"),
        "group_get": select(group.id, group.body, group.content_type, group.content_encoding, group.expires).where(group.id == task_id),
        "group_drop": delete(t.saved_group).where(group.id == task_id),
        "group_expire": delete(t.saved_group).where(group.expires <= now),
    }


def _chords(upsert: Any) -> dict[str, Executable]:
    chord, part = t.chord.c, t.chord_part.c
    group, added, any_failed, expires, now, most = _p("a_group", "added", "any_failed", "an_expiry", "now", "most")
    return {
        "chord_new": upsert(t.chord).on_conflict_do_nothing(),
        "chord_get": select(chord.size, chord.counted, chord.failed, chord.finished).where(chord.id == group),
        "chord_due": select(chord.id).where(chord.finished == false(), or_(chord.failed, chord.counted >= chord.size * literal(EXTRA))).limit(most),
        "chord_count": update(t.chord).where(chord.id == group).values(
            counted=chord.counted + added, failed=or_(chord.failed, any_failed), expires=expires
        ),
        "chord_finish": update(t.chord).where(chord.id == group).values(finished=True, expires=expires),
        "chord_expire": delete(t.chord).where(chord.expires <= now),
        "part_add": upsert(t.chord_part).on_conflict_do_nothing(),
        "part_all": select(part.payload).where(part.chord == group).order_by(part.part),
        "part_failed": select(part.payload).where(part.chord == group, part.failed).order_by(part.part).limit(1),
        "part_expire": delete(t.chord_part).where(part.chord.in_(select(chord.id).where(chord.expires <= now))),
        "part_drop": delete(t.chord_part).where(part.chord == group),
    }


def _broadcasts() -> dict[str, Executable]:
    broadcast = t.broadcast.c
    exchange, after, before = _p("an_exchange", "after", "before")
    since = select(broadcast.number, broadcast.payload).where(broadcast.number > after, broadcast.exchange == exchange).order_by(broadcast.number)
    return {
        "broadcast_add": insert(t.broadcast).values({c: bindparam(c) for c in ("sent", "exchange", "payload")}),
        "broadcast_last": select(func.max(broadcast.number)),
        "broadcast_since": since,
        "broadcast_expire": delete(t.broadcast).where(broadcast.sent < before),
    }


def _revocations(upsert: Any) -> dict[str, Executable]:
    revoked = t.revoked.c
    after, now = _p("after", "now")
    return {
        "revoked_put": _replacing(upsert, t.revoked, "mark"),
        "revoked_since": select(revoked.mark, revoked.since).where(revoked.since > after, revoked.expires > now).order_by(revoked.since),
        "revoked_expire": delete(t.revoked).where(revoked.expires <= now),
    }


def _rates(upsert: Any) -> dict[str, Executable]:
    rate = t.rate.c
    name, now = _p("a_name", "now")
    return {
        "rate_get": select(rate.later).where(rate.name == name),
        "rate_put": _replacing(upsert, t.rate, "name"),
        "rate_expire": delete(t.rate).where(rate.later < now),
    }


def _schedules(upsert: Any) -> dict[str, Executable]:
    entry, fired, leader, stamp = t.entry.c, t.fired.c, t.leader.c, t.stamp.c
    space, name, moment, limit, body, next_due, last_run, runs = _p("a_space", "a_name", "moment", "most", "a_body", "a_due", "a_slot", "a_count")
    whole = select(entry.name, entry.body, entry.next_due, entry.last_run, entry.runs, entry.enabled).where(entry.space == space)
    return {
        "entry_page": whole.where(entry.name > name).order_by(entry.name).limit(limit),
        "entry_get": whole.where(entry.name == name),
        "entry_put": _replacing(upsert, t.entry, "space", "name"),
        "entry_fired": update(t.entry)
        .where(entry.space == space, entry.name == name, entry.body == body, entry.enabled)
        .values(next_due=next_due, last_run=last_run, runs=runs),
        "entry_drop": delete(t.entry).where(entry.space == space, entry.name == name),
        "entry_due": whole.where(entry.enabled, entry.next_due <= moment).order_by(entry.next_due).limit(limit),
        "entry_first": select(func.min(entry.next_due)).where(entry.space == space, entry.enabled),
        "fired_get": select(fired.slot).where(fired.space == space, fired.name == name),
        "fired_put": _replacing(upsert, t.fired, "space", "name"),
        "fired_drop": delete(t.fired).where(fired.space == space, fired.name == name),
        "stamp_get": select(stamp.text).where(stamp.space == space),
        "stamp_put": _replacing(upsert, t.stamp, "space"),
        "leader_get": select(leader.candidate, leader.token, leader.boot, leader.expires).where(leader.name == name),
        "leader_put": _replacing(upsert, t.leader, "name"),
    }


def _replacing(upsert: Any, table: Table, *keys: str) -> Executable:
    """Insert a row, or replace the one that has the same key."""
    new = upsert(table)
    changes = {column.name: new.excluded[column.name] for column in table.columns if column.name not in keys}
    replacing: Executable = new.on_conflict_do_update(index_elements=[table.c[key] for key in keys], set_=changes)
    return replacing


def statements(upsert: Any) -> dict[str, Executable]:
    """Return all statements by name; ``upsert`` is the dialect's ``insert``, which knows ON CONFLICT."""
    return {
        **_messages(),
        **_begun(upsert),
        **_dead(),
        **_registers(upsert),
        **_results(upsert),
        **_chords(upsert),
        **_broadcasts(),
        **_revocations(upsert),
        **_rates(upsert),
        **_schedules(upsert),
    }
