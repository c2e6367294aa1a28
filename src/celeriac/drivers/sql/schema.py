"""The tables. They carry a prefix, since the file may be one that an application has for itself.

A message's place in line is one number, its *position*: the queue's number, then the priority upside down, then the age. So the table of
what waits is its own index: to take the next messages is to read and cut off the beginning of a range, and to put one back is to
insert it where it was. Measured on SQLite: a third more than rows that are marked as taken and found by a partial index (random ids).

Results are appended, with an index on their id beside them: it is a third of the size of a table sorted by id, and it is the random ids
that cost (an index entry each in a page of its own). Ids that grow with time cost half of it.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, SmallInteger, String, Table, Text

VERSION = 1
"""Of the tables; a file of a later version is refused."""

metadata = MetaData()
P = "celeriac_"

# BIGINT PRIMARY KEY is not the row's own number in SQLite; only INTEGER is.
_number = BigInteger().with_variant(Integer, "sqlite")

ready = Table(
    f"{P}ready",
    metadata,
    Column("position", _number, primary_key=True, autoincrement=False),
    Column("tries", SmallInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
held = Table(
    f"{P}held",
    metadata,
    Column("tag", _number, primary_key=True, autoincrement=False),
    Column("position", _number, nullable=False),
    Column("owner", String(255), nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
begun = Table(
    f"{P}begun",
    metadata,
    Column("mark", _number, primary_key=True, autoincrement=False),
    Column("owner", String(255), nullable=False),
    Column("tags", Text, nullable=False),
)
delayed = Table(
    f"{P}delayed",
    metadata,
    Column("queue", Integer, primary_key=True, autoincrement=False),
    Column("due", Float, primary_key=True),
    Column("position", _number, primary_key=True, autoincrement=False),
    Column("tries", SmallInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
dead = Table(
    f"{P}dead",
    metadata,
    Column("number", _number, primary_key=True),
    Column("queue", Integer, nullable=False),
    Column("position", _number, nullable=False),
    Column("died", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
queue = Table(
    f"{P}queue",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("declared", LargeBinary),
)
counter = Table(
    f"{P}counter",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", _number, nullable=False),
)
owner = Table(
    f"{P}owner",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("boot", String(64), nullable=False),
    Column("expires", Float, nullable=False),
)
result = Table(
    f"{P}result",
    metadata,
    Column("number", _number, primary_key=True),
    Column("id", String(255), nullable=False, unique=True),
    Column("state", String(50), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("content_type", String(100), nullable=False),
    Column("content_encoding", String(40), nullable=False),
    Column("expires", Float),
)
saved_group = Table(
    f"{P}group",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("content_type", String(100), nullable=False),
    Column("content_encoding", String(40), nullable=False),
    Column("expires", Float),
)
chord = Table(
    f"{P}chord",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("counted", _number, nullable=False),
    Column("failed", Boolean, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("expires", Float, nullable=False),
)
chord_part = Table(
    f"{P}chord_part",
    metadata,
    Column("chord", String(255), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("failed", Boolean, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
broadcast = Table(
    f"{P}broadcast",
    metadata,
    Column("number", _number, primary_key=True),
    Column("sent", Float, nullable=False),
    Column("exchange", String(255), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
entry = Table(
    f"{P}entry",
    metadata,
    Column("space", String(64), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("next_due", Float),
    Column("last_run", Float),
    Column("runs", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Index(f"{P}entry_due", "space", "enabled", "next_due"),
)
fired = Table(
    f"{P}fired_slot",
    metadata,
    Column("space", String(64), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("slot", Float, nullable=False),
)
stamp = Table(
    f"{P}stamp",
    metadata,
    Column("space", String(64), primary_key=True),
    Column("text", Text, nullable=False),
)
rate = Table(
    f"{P}rate",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("later", Float, nullable=False),
)
revoked = Table(
    f"{P}revoked",
    metadata,
    Column("mark", String(255), primary_key=True),
    Column("since", Float, nullable=False),
    Column("expires", Float, nullable=False),
)
leader = Table(
    f"{P}leader",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("candidate", String(255), nullable=False),
    Column("token", _number, nullable=False),
    Column("boot", String(64), nullable=False),
    Column("expires", Float, nullable=False),
)
