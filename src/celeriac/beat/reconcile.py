"""Code and store: what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from celeriac.beat.definition import Definition
from celeriac.beat.planning import first_due, in_words
from celeriac.beat.stored import CODE, Stored, body_of, stored_of
from celeriac.contracts.schedule_store import ScheduleRecord
from celeriac.lib.value import Value
from celeriac.schedules import codec
from celeriac.wire import json_codec

_WHEN = ("schedule", "timezone", "start", "end", "jitter", "one_off", "shown")
"""Keys of a definition that say when; when one of them changes, the entry counts from now on."""


class Change(Value, frozen=True):
    """One entry in which code and store differ; ``sign`` is + (only in the code), - (only in the store) or ~."""

    sign: str
    name: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.sign} {self.name}", *(f"    {line}" for line in self.lines)])


def compare(code: Mapping[str, Definition], records: Iterable[ScheduleRecord], *, now: float) -> Iterator[tuple[Change, ScheduleRecord | None]]:
    """Yield how the store's entries differ from the code's: the change, and the record that is to be put (None: removed)."""
    missing = set(code)
    for record in records:
        definition = code.get(record.name)
        stored = stored_of(record)
        missing.discard(record.name)
        if definition is not None:
            changed = _changed(definition, record, stored, now)
            if changed is not None:
                yield changed
        elif stored.source == CODE:
            yield Change("-", record.name), None
    for name in sorted(missing):
        definition = code[name]
        yield Change("+", name, tuple(_lines({}, _plain(definition.encoded())))), new_record(definition, CODE, now)


def new_record(definition: Definition, source: str, now: float) -> ScheduleRecord:
    """Return the record of an entry that begins now."""
    body = body_of(Stored(definition.encoded(), source, now))
    return ScheduleRecord(definition.name, body, first_due(definition, now), enabled=definition.enabled)


def _changed(definition: Definition, record: ScheduleRecord, stored: Stored, now: float) -> tuple[Change, ScheduleRecord] | None:
    text, enabled = definition.encoded(), definition.enabled and not stored.paused
    if text == stored.text and stored.source == CODE and enabled == record.enabled:
        return None
    before, after = _plain(stored.text), _plain(text)
    lines = _lines(before, after)
    if enabled != record.enabled:
        lines.append(f"enabled: {record.enabled} -> {enabled}")
    if stored.source != CODE:
        lines.append(f"source: {stored.source} -> {CODE}")
    anew = any(before.get(key) != after.get(key) for key in _WHEN) or (enabled and not record.enabled)
    since = now if anew else stored.since
    changed = record.replace(
        body=body_of(Stored(text, CODE, since, stored.paused)),
        next_due=first_due(definition, now) if anew else record.next_due,
        enabled=enabled,
    )
    return Change("~", definition.name, tuple(lines)), changed


def _plain(text: bytes) -> dict[str, Any]:
    plain: dict[str, Any] = json_codec.decode(text)
    return plain


def _lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    lines = []
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if old != new:
            lines.append(f"{key}: {_shown(key, new)}" if key not in before else f"{key}: {_shown(key, old)} -> {_shown(key, new)}")
    return lines


def _shown(key: str, value: Any) -> str:
    if value is None:
        return "(none)"
    if key == "schedule":
        return in_words(codec.decode(value))
    return str(value)
