"""SQLite's text of the tables and statements. Written by ``python -m celeriac.drivers.sql.compile``: do not edit."""

from __future__ import annotations

TABLES = (
    "CREATE TABLE IF NOT EXISTS celeriac_begun ( mark INTEGER NOT NULL, owner VARCHAR(255) NOT NULL, tags TEXT NOT NULL, PRIMARY "
    "KEY (mark) )",
    "CREATE TABLE IF NOT EXISTS celeriac_broadcast ( number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, sent FLOAT NOT NULL, "
    "exchange VARCHAR(255) NOT NULL, payload BLOB NOT NULL )",
    "CREATE TABLE IF NOT EXISTS celeriac_chord ( id VARCHAR(255) NOT NULL, size INTEGER NOT NULL, counted INTEGER NOT NULL, failed "
    "BOOLEAN NOT NULL, finished BOOLEAN NOT NULL, expires FLOAT NOT NULL, PRIMARY KEY (id) )",
    "CREATE TABLE IF NOT EXISTS celeriac_chord_part ( chord VARCHAR(255) NOT NULL, part INTEGER NOT NULL, failed BOOLEAN NOT NULL, "
    "payload BLOB NOT NULL, PRIMARY KEY (chord, part) ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS celeriac_counter ( name VARCHAR(40) NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (name) )",
    "CREATE TABLE IF NOT EXISTS celeriac_dead ( number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL, position"
    " INTEGER NOT NULL, died FLOAT NOT NULL, reason TEXT NOT NULL, payload BLOB NOT NULL )",
    "CREATE TABLE IF NOT EXISTS celeriac_delayed ( queue INTEGER NOT NULL, due FLOAT NOT NULL, position INTEGER NOT NULL, tries "
    "SMALLINT NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (queue, due, position) ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS celeriac_entry ( space VARCHAR(64) NOT NULL, name VARCHAR(255) NOT NULL, body BLOB NOT NULL, "
    "next_due FLOAT, last_run FLOAT, runs INTEGER NOT NULL, enabled BOOLEAN NOT NULL, PRIMARY KEY (space, name) )",
    "CREATE INDEX IF NOT EXISTS celeriac_entry_due ON celeriac_entry (space, enabled, next_due)",
    "CREATE TABLE IF NOT EXISTS celeriac_fired_slot ( space VARCHAR(64) NOT NULL, name VARCHAR(255) NOT NULL, slot FLOAT NOT NULL, "
    "PRIMARY KEY (space, name) )",
    "CREATE TABLE IF NOT EXISTS celeriac_group ( id VARCHAR(255) NOT NULL, body BLOB NOT NULL, content_type VARCHAR(100) NOT NULL, "
    "content_encoding VARCHAR(40) NOT NULL, expires FLOAT, PRIMARY KEY (id) )",
    "CREATE TABLE IF NOT EXISTS celeriac_held ( tag INTEGER NOT NULL, position INTEGER NOT NULL, owner VARCHAR(255) NOT NULL, tries"
    " SMALLINT NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (tag) )",
    "CREATE TABLE IF NOT EXISTS celeriac_leader ( name VARCHAR(64) NOT NULL, candidate VARCHAR(255) NOT NULL, token INTEGER NOT "
    "NULL, boot VARCHAR(64) NOT NULL, expires FLOAT NOT NULL, PRIMARY KEY (name) )",
    "CREATE TABLE IF NOT EXISTS celeriac_owner ( name VARCHAR(255) NOT NULL, boot VARCHAR(64) NOT NULL, expires FLOAT NOT NULL, "
    "PRIMARY KEY (name) )",
    "CREATE TABLE IF NOT EXISTS celeriac_queue ( number INTEGER NOT NULL, name VARCHAR(255) NOT NULL, declared BLOB, PRIMARY KEY "
    "(number), UNIQUE (name) )",
    "CREATE TABLE IF NOT EXISTS celeriac_rate ( name VARCHAR(255) NOT NULL, later FLOAT NOT NULL, PRIMARY KEY (name) )",
    "CREATE TABLE IF NOT EXISTS celeriac_ready ( position INTEGER NOT NULL, tries SMALLINT NOT NULL, payload BLOB NOT NULL, PRIMARY"
    " KEY (position) )",
    "CREATE TABLE IF NOT EXISTS celeriac_result ( number INTEGER NOT NULL, id VARCHAR(255) NOT NULL, state VARCHAR(50) NOT NULL, "
    "body BLOB NOT NULL, content_type VARCHAR(100) NOT NULL, content_encoding VARCHAR(40) NOT NULL, expires FLOAT, PRIMARY KEY "
    "(number), UNIQUE (id) )",
    "CREATE TABLE IF NOT EXISTS celeriac_revoked ( mark VARCHAR(255) NOT NULL, since FLOAT NOT NULL, expires FLOAT NOT NULL, "
    "PRIMARY KEY (mark) )",
    "CREATE TABLE IF NOT EXISTS celeriac_stamp ( space VARCHAR(64) NOT NULL, text TEXT NOT NULL, PRIMARY KEY (space) )",
)

TEXTS = {
    "ready_add": (  # position, tries, payload
        "INSERT INTO celeriac_ready (position, tries, payload) VALUES (?, ?, ?)"
    ),
    "ready_take": (  # first, last, most
        "SELECT celeriac_ready.position, celeriac_ready.tries, celeriac_ready.payload FROM celeriac_ready WHERE "
        "celeriac_ready.position >= ? AND celeriac_ready.position <= ? ORDER BY celeriac_ready.position LIMIT ? OFFSET 0"
    ),
    "ready_cut": (  # first, last
        "DELETE FROM celeriac_ready WHERE celeriac_ready.position >= ? AND celeriac_ready.position <= ?"
    ),
    "ready_any": (  # first, last
        "SELECT celeriac_ready.position FROM celeriac_ready WHERE celeriac_ready.position >= ? AND celeriac_ready.position <= ? "
        "LIMIT 1 OFFSET 0"
    ),
    "ready_ahead": (  # first, last, ahead
        "SELECT celeriac_ready.position FROM celeriac_ready WHERE celeriac_ready.position >= ? AND celeriac_ready.position <= ? "
        "ORDER BY celeriac_ready.position LIMIT 1 OFFSET ?"
    ),
    "ready_count": (  # first, last
        "SELECT count(*) AS count_1 FROM celeriac_ready WHERE celeriac_ready.position >= ? AND celeriac_ready.position <= ?"
    ),
    "held_add": (  # tag, position, owner, tries, payload
        "INSERT INTO celeriac_held (tag, position, owner, tries, payload) VALUES (?, ?, ?, ?, ?)"
    ),
    "held_drop": (  # a_tag, an_owner
        "DELETE FROM celeriac_held WHERE celeriac_held.tag = ? AND celeriac_held.owner = ?"
    ),
    "held_get": (  # a_tag, an_owner
        "SELECT celeriac_held.position, celeriac_held.tries, celeriac_held.payload FROM celeriac_held WHERE celeriac_held.tag = ? "
        "AND celeriac_held.owner = ?"
    ),
    "held_by": (  # an_owner
        "SELECT celeriac_held.tag, celeriac_held.position, celeriac_held.tries, celeriac_held.payload FROM celeriac_held WHERE "
        "celeriac_held.owner = ? ORDER BY celeriac_held.tag"
    ),
    "held_any": (  # a_tag
        "SELECT celeriac_held.position, celeriac_held.tries, celeriac_held.payload FROM celeriac_held WHERE celeriac_held.tag = ?"
    ),
    "held_exchange": (  # a_payload, a_tag, an_owner
        "UPDATE celeriac_held SET payload=? WHERE celeriac_held.tag = ? AND celeriac_held.owner = ?"
    ),
    "held_give": (  # an_owner, a_tag
        "UPDATE celeriac_held SET owner=? WHERE celeriac_held.tag = ?"
    ),
    "held_drop_any": (  # a_tag
        "DELETE FROM celeriac_held WHERE celeriac_held.tag = ?"
    ),
    "held_orphans": (  # no parameters
        "SELECT celeriac_held.tag, celeriac_held.position, celeriac_held.tries, celeriac_held.payload, celeriac_held.owner FROM "
        "celeriac_held WHERE (celeriac_held.owner NOT IN (SELECT celeriac_owner.name FROM celeriac_owner))"
    ),
    "held_orphaned": (  # no parameters
        "SELECT celeriac_held.tag FROM celeriac_held WHERE (celeriac_held.owner NOT IN (SELECT celeriac_owner.name FROM "
        "celeriac_owner)) LIMIT 1 OFFSET 0"
    ),
    "delayed_add": (  # queue, due, position, tries, payload
        "INSERT INTO celeriac_delayed (queue, due, position, tries, payload) VALUES (?, ?, ?, ?, ?)"
    ),
    "delayed_first": (  # a_queue
        "SELECT celeriac_delayed.due FROM celeriac_delayed WHERE celeriac_delayed.queue = ? ORDER BY celeriac_delayed.due LIMIT 1 "
        "OFFSET 0"
    ),
    "delayed_due": (  # a_queue, now
        "SELECT celeriac_delayed.position, celeriac_delayed.tries, celeriac_delayed.payload FROM celeriac_delayed WHERE "
        "celeriac_delayed.queue = ? AND celeriac_delayed.due <= ?"
    ),
    "delayed_cut": (  # a_queue, now
        "DELETE FROM celeriac_delayed WHERE celeriac_delayed.queue = ? AND celeriac_delayed.due <= ?"
    ),
    "delayed_count": (  # a_queue
        "SELECT count(*) AS count_1 FROM celeriac_delayed WHERE celeriac_delayed.queue = ?"
    ),
    "delayed_purge": (  # a_queue
        "DELETE FROM celeriac_delayed WHERE celeriac_delayed.queue = ?"
    ),
    "delayed_list": (  # a_queue, most
        "SELECT celeriac_delayed.due, celeriac_delayed.position, celeriac_delayed.tries, celeriac_delayed.payload FROM "
        "celeriac_delayed WHERE celeriac_delayed.queue = ? ORDER BY celeriac_delayed.due LIMIT ? OFFSET 0"
    ),
    "delayed_after": (  # a_queue, later_than, as_late_as, a_position, most
        "SELECT celeriac_delayed.due, celeriac_delayed.position, celeriac_delayed.payload FROM celeriac_delayed WHERE "
        "celeriac_delayed.queue = ? AND (celeriac_delayed.due > ? OR celeriac_delayed.due = ? AND celeriac_delayed.position > ?) "
        "ORDER BY celeriac_delayed.due, celeriac_delayed.position LIMIT ? OFFSET 0"
    ),
    "delayed_drop": (  # a_queue, now, a_position
        "DELETE FROM celeriac_delayed WHERE celeriac_delayed.queue = ? AND celeriac_delayed.due = ? AND celeriac_delayed.position ="
        " ?"
    ),
    "begun_put": (  # mark, owner, tags
        "INSERT INTO celeriac_begun (mark, owner, tags) VALUES (?, ?, ?) ON CONFLICT (mark) DO UPDATE SET owner = excluded.owner, "
        "tags = excluded.tags"
    ),
    "begun_drop": (  # a_mark
        "DELETE FROM celeriac_begun WHERE celeriac_begun.mark = ?"
    ),
    "begun_of": (  # an_owner
        "SELECT celeriac_begun.mark, celeriac_begun.tags FROM celeriac_begun WHERE celeriac_begun.owner = ?"
    ),
    "begun_orphans": (  # no parameters
        "SELECT celeriac_begun.mark, celeriac_begun.owner, celeriac_begun.tags FROM celeriac_begun WHERE (celeriac_begun.owner NOT "
        "IN (SELECT celeriac_owner.name FROM celeriac_owner))"
    ),
    "dead_add": (  # queue, position, died, reason, payload
        "INSERT INTO celeriac_dead (queue, position, died, reason, payload) VALUES (?, ?, ?, ?, ?)"
    ),
    "dead_list": (  # most
        "SELECT celeriac_dead.number, celeriac_dead.queue, celeriac_dead.died, celeriac_dead.reason, celeriac_dead.payload FROM "
        "celeriac_dead ORDER BY celeriac_dead.number DESC LIMIT ? OFFSET 0"
    ),
    "dead_list_of": (  # a_queue, most
        "SELECT celeriac_dead.number, celeriac_dead.queue, celeriac_dead.died, celeriac_dead.reason, celeriac_dead.payload FROM "
        "celeriac_dead WHERE celeriac_dead.queue = ? ORDER BY celeriac_dead.number DESC LIMIT ? OFFSET 0"
    ),
    "dead_get": (  # a_number
        "SELECT celeriac_dead.position, celeriac_dead.payload FROM celeriac_dead WHERE celeriac_dead.number = ?"
    ),
    "dead_drop": (  # a_number
        "DELETE FROM celeriac_dead WHERE celeriac_dead.number = ?"
    ),
    "counter_add": (  # amount, a_name
        "UPDATE celeriac_counter SET value=(celeriac_counter.value + ?) WHERE celeriac_counter.name = ? RETURNING value"
    ),
    "counter_get": (  # a_name
        "SELECT celeriac_counter.value FROM celeriac_counter WHERE celeriac_counter.name = ?"
    ),
    "counter_new": (  # name, value
        "INSERT INTO celeriac_counter (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING"
    ),
    "queue_find": (  # a_name
        "SELECT celeriac_queue.number FROM celeriac_queue WHERE celeriac_queue.name = ?"
    ),
    "queue_name": (  # a_number
        "SELECT celeriac_queue.name FROM celeriac_queue WHERE celeriac_queue.number = ?"
    ),
    "queue_names": (  # no parameters
        "SELECT celeriac_queue.name FROM celeriac_queue ORDER BY celeriac_queue.number"
    ),
    "queue_new": (  # a_name
        "INSERT INTO celeriac_queue (name) VALUES (?)"
    ),
    "queue_declare": (  # a_declared, a_number
        "UPDATE celeriac_queue SET declared=? WHERE celeriac_queue.number = ?"
    ),
    "queue_declared": (  # no parameters
        "SELECT celeriac_queue.declared FROM celeriac_queue WHERE celeriac_queue.declared IS NOT NULL"
    ),
    "queue_declaration": (  # a_number
        "SELECT celeriac_queue.declared FROM celeriac_queue WHERE celeriac_queue.number = ?"
    ),
    "owner_put": (  # name, boot, expires
        "INSERT INTO celeriac_owner (name, boot, expires) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET boot = excluded.boot, "
        "expires = excluded.expires"
    ),
    "owner_get": (  # a_name
        "SELECT celeriac_owner.expires, celeriac_owner.boot FROM celeriac_owner WHERE celeriac_owner.name = ?"
    ),
    "owner_drop": (  # a_name
        "DELETE FROM celeriac_owner WHERE celeriac_owner.name = ?"
    ),
    "owner_dead": (  # now, a_boot
        "SELECT celeriac_owner.name FROM celeriac_owner WHERE celeriac_owner.expires < ? OR celeriac_owner.boot != ? LIMIT 1 OFFSET"
        " 0"
    ),
    "owner_drop_dead": (  # now, a_boot
        "DELETE FROM celeriac_owner WHERE celeriac_owner.expires < ? OR celeriac_owner.boot != ?"
    ),
    "result_put": (  # id, state, body, content_type, content_encoding, expires, now
        "INSERT INTO celeriac_result (id, state, body, content_type, content_encoding, expires) VALUES (?, ?, ?, ?, ?, ?) ON "
        "CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body, content_type = excluded.content_type, "
        "content_encoding = excluded.content_encoding, expires = excluded.expires WHERE celeriac_result.state != 'SUCCESS' OR "
        "celeriac_result.expires <= ?"
    ),
    "result_get": (  # an_id
        "SELECT celeriac_result.id, celeriac_result.state, celeriac_result.body, celeriac_result.content_type, "
        "celeriac_result.content_encoding, celeriac_result.expires FROM celeriac_result WHERE celeriac_result.id = ?"
    ),
    "result_drop": (  # an_id
        "DELETE FROM celeriac_result WHERE celeriac_result.id = ?"
    ),
    "result_last": (  # no parameters
        "SELECT max(celeriac_result.number) AS max_1 FROM celeriac_result"
    ),
    "result_expire": (  # first, last, now
        "DELETE FROM celeriac_result WHERE celeriac_result.number >= ? AND celeriac_result.number <= ? AND celeriac_result.expires "
        "<= ?"
    ),
    "group_put": (  # id, body, content_type, content_encoding, expires
        "INSERT INTO celeriac_group (id, body, content_type, content_encoding, expires) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO "
        "UPDATE SET body = excluded.body, content_type = excluded.content_type, content_encoding = excluded.content_encoding, "
        "expires = excluded.expires"
    ),
    "group_get": (  # an_id
        "SELECT celeriac_group.id, celeriac_group.body, celeriac_group.content_type, celeriac_group.content_encoding, "
        "celeriac_group.expires FROM celeriac_group WHERE celeriac_group.id = ?"
    ),
    "group_drop": (  # an_id
        "DELETE FROM celeriac_group WHERE celeriac_group.id = ?"
    ),
    "group_expire": (  # now
        "DELETE FROM celeriac_group WHERE celeriac_group.expires <= ?"
    ),
    "chord_new": (  # id, size, counted, failed, finished, expires
        "INSERT INTO celeriac_chord (id, size, counted, failed, finished, expires) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
    ),
    "chord_get": (  # a_group
        "SELECT celeriac_chord.size, celeriac_chord.counted, celeriac_chord.failed, celeriac_chord.finished FROM celeriac_chord "
        "WHERE celeriac_chord.id = ?"
    ),
    "chord_due": (  # most
        "SELECT celeriac_chord.id FROM celeriac_chord WHERE celeriac_chord.finished = 0 AND (celeriac_chord.failed = 1 OR "
        "celeriac_chord.counted >= celeriac_chord.size * 1000000) LIMIT ? OFFSET 0"
    ),
    "chord_count": (  # added, any_failed, an_expiry, a_group
        "UPDATE celeriac_chord SET counted=(celeriac_chord.counted + ?), failed=(celeriac_chord.failed = 1 OR ?), expires=? WHERE "
        "celeriac_chord.id = ?"
    ),
    "chord_finish": (  # an_expiry, a_group
        "UPDATE celeriac_chord SET finished=1, expires=? WHERE celeriac_chord.id = ?"
    ),
    "chord_expire": (  # now
        "DELETE FROM celeriac_chord WHERE celeriac_chord.expires <= ?"
    ),
    "part_add": (  # chord, part, failed, payload
        "INSERT INTO celeriac_chord_part (chord, part, failed, payload) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
    ),
    "part_all": (  # a_group
        "SELECT celeriac_chord_part.payload FROM celeriac_chord_part WHERE celeriac_chord_part.chord = ? ORDER BY "
        "celeriac_chord_part.part"
    ),
    "part_failed": (  # a_group
        "SELECT celeriac_chord_part.payload FROM celeriac_chord_part WHERE celeriac_chord_part.chord = ? AND "
        "celeriac_chord_part.failed = 1 ORDER BY celeriac_chord_part.part LIMIT 1 OFFSET 0"
    ),
    "part_expire": (  # now
        "DELETE FROM celeriac_chord_part WHERE celeriac_chord_part.chord IN (SELECT celeriac_chord.id FROM celeriac_chord WHERE "
        "celeriac_chord.expires <= ?)"
    ),
    "part_drop": (  # a_group
        "DELETE FROM celeriac_chord_part WHERE celeriac_chord_part.chord = ?"
    ),
    "broadcast_add": (  # sent, exchange, payload
        "INSERT INTO celeriac_broadcast (sent, exchange, payload) VALUES (?, ?, ?)"
    ),
    "broadcast_last": (  # no parameters
        "SELECT max(celeriac_broadcast.number) AS max_1 FROM celeriac_broadcast"
    ),
    "broadcast_since": (  # after, an_exchange
        "SELECT celeriac_broadcast.number, celeriac_broadcast.payload FROM celeriac_broadcast WHERE celeriac_broadcast.number > ? "
        "AND celeriac_broadcast.exchange = ? ORDER BY celeriac_broadcast.number"
    ),
    "broadcast_expire": (  # before
        "DELETE FROM celeriac_broadcast WHERE celeriac_broadcast.sent < ?"
    ),
    "revoked_put": (  # mark, since, expires
        "INSERT INTO celeriac_revoked (mark, since, expires) VALUES (?, ?, ?) ON CONFLICT (mark) DO UPDATE SET since = "
        "excluded.since, expires = excluded.expires"
    ),
    "revoked_since": (  # after, now
        "SELECT celeriac_revoked.mark, celeriac_revoked.since FROM celeriac_revoked WHERE celeriac_revoked.since > ? AND "
        "celeriac_revoked.expires > ? ORDER BY celeriac_revoked.since"
    ),
    "revoked_expire": (  # now
        "DELETE FROM celeriac_revoked WHERE celeriac_revoked.expires <= ?"
    ),
    "rate_get": (  # a_name
        "SELECT celeriac_rate.later FROM celeriac_rate WHERE celeriac_rate.name = ?"
    ),
    "rate_put": (  # name, later
        "INSERT INTO celeriac_rate (name, later) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET later = excluded.later"
    ),
    "rate_expire": (  # now
        "DELETE FROM celeriac_rate WHERE celeriac_rate.later < ?"
    ),
    "entry_page": (  # a_space, a_name, most
        "SELECT celeriac_entry.name, celeriac_entry.body, celeriac_entry.next_due, celeriac_entry.last_run, celeriac_entry.runs, "
        "celeriac_entry.enabled FROM celeriac_entry WHERE celeriac_entry.space = ? AND celeriac_entry.name > ? ORDER BY "
        "celeriac_entry.name LIMIT ? OFFSET 0"
    ),
    "entry_get": (  # a_space, a_name
        "SELECT celeriac_entry.name, celeriac_entry.body, celeriac_entry.next_due, celeriac_entry.last_run, celeriac_entry.runs, "
        "celeriac_entry.enabled FROM celeriac_entry WHERE celeriac_entry.space = ? AND celeriac_entry.name = ?"
    ),
    "entry_put": (  # space, name, body, next_due, last_run, runs, enabled
        "INSERT INTO celeriac_entry (space, name, body, next_due, last_run, runs, enabled) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT"
        " (space, name) DO UPDATE SET body = excluded.body, next_due = excluded.next_due, last_run = excluded.last_run, runs = "
        "excluded.runs, enabled = excluded.enabled"
    ),
    "entry_fired": (  # a_due, a_slot, a_count, a_space, a_name, a_body
        "UPDATE celeriac_entry SET next_due=?, last_run=?, runs=? WHERE celeriac_entry.space = ? AND celeriac_entry.name = ? AND "
        "celeriac_entry.body = ? AND celeriac_entry.enabled = 1"
    ),
    "entry_drop": (  # a_space, a_name
        "DELETE FROM celeriac_entry WHERE celeriac_entry.space = ? AND celeriac_entry.name = ?"
    ),
    "entry_due": (  # a_space, moment, most
        "SELECT celeriac_entry.name, celeriac_entry.body, celeriac_entry.next_due, celeriac_entry.last_run, celeriac_entry.runs, "
        "celeriac_entry.enabled FROM celeriac_entry WHERE celeriac_entry.space = ? AND celeriac_entry.enabled = 1 AND "
        "celeriac_entry.next_due <= ? ORDER BY celeriac_entry.next_due LIMIT ? OFFSET 0"
    ),
    "entry_first": (  # a_space
        "SELECT min(celeriac_entry.next_due) AS min_1 FROM celeriac_entry WHERE celeriac_entry.space = ? AND celeriac_entry.enabled"
        " = 1"
    ),
    "fired_get": (  # a_space, a_name
        "SELECT celeriac_fired_slot.slot FROM celeriac_fired_slot WHERE celeriac_fired_slot.space = ? AND celeriac_fired_slot.name "
        "= ?"
    ),
    "fired_put": (  # space, name, slot
        "INSERT INTO celeriac_fired_slot (space, name, slot) VALUES (?, ?, ?) ON CONFLICT (space, name) DO UPDATE SET slot = "
        "excluded.slot"
    ),
    "fired_drop": (  # a_space, a_name
        "DELETE FROM celeriac_fired_slot WHERE celeriac_fired_slot.space = ? AND celeriac_fired_slot.name = ?"
    ),
    "stamp_get": (  # a_space
        "SELECT celeriac_stamp.text FROM celeriac_stamp WHERE celeriac_stamp.space = ?"
    ),
    "stamp_put": (  # space, text
        "INSERT INTO celeriac_stamp (space, text) VALUES (?, ?) ON CONFLICT (space) DO UPDATE SET text = excluded.text"
    ),
    "leader_get": (  # a_name
        "SELECT celeriac_leader.candidate, celeriac_leader.token, celeriac_leader.boot, celeriac_leader.expires FROM "
        "celeriac_leader WHERE celeriac_leader.name = ?"
    ),
    "leader_put": (  # name, candidate, token, boot, expires
        "INSERT INTO celeriac_leader (name, candidate, token, boot, expires) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE "
        "SET candidate = excluded.candidate, token = excluded.token, boot = excluded.boot, expires = excluded.expires"
    ),
}
