"""The result store on the tables of ``celeriac.django``."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from celeriac.contracts.backend import Expires, ResultBackend, StoresGroups
from celeriac.django.models import GroupResult, TaskResult
from celeriac.model.record import GroupRecord, ResultRecord
from celeriac.model.states import SUCCESS

_JSON = "application/json"
_COLUMNS = (("task", "name"), ("worker", "worker"), ("parent_id", "parent_id"))


class ModelBackend(ResultBackend, StoresGroups, Expires):
    """Results as rows; ``around`` is entered for each access to the database."""

    def __init__(self, around: Callable[[], AbstractContextManager[Any]]) -> None:
        self._around = around

    def connect(self) -> None:
        """Nothing: Django connects each thread when it asks."""

    def close(self) -> None:
        """Nothing that stays open."""

    def store(self, records: Sequence[ResultRecord]) -> None:
        with self._around(), transaction.atomic():
            for record in records:
                _put(record, {"state": record.state, "changed": timezone.now(), **_fields(record), **_found_by(record)})

    def load(self, ids: Collection[str]) -> Mapping[str, ResultRecord]:
        with self._around():
            rows = list(_alive(TaskResult).filter(task_id__in=list(ids)))
        return {
            row.task_id: ResultRecord(row.task_id, row.state, bytes(row.body), row.content_type, row.content_encoding, _ttl(row.expires))
            for row in rows
        }

    def forget(self, ids: Collection[str]) -> None:
        with self._around():
            TaskResult.objects.filter(task_id__in=list(ids)).delete()

    def store_groups(self, records: Sequence[GroupRecord]) -> None:
        with self._around(), transaction.atomic():
            for record in records:
                _put_group(record.id, _fields(record))

    def load_group(self, group: str) -> GroupRecord | None:
        with self._around():
            row = _alive(GroupResult).filter(group_id=group).first()
        return None if row is None else GroupRecord(group, bytes(row.body), row.content_type, row.content_encoding, _ttl(row.expires))

    def forget_groups(self, groups: Collection[str]) -> None:
        with self._around():
            GroupResult.objects.filter(group_id__in=list(groups)).delete()

    def cleanup(self) -> int:
        now = timezone.now()
        with self._around():
            return sum(int(kind.objects.filter(expires__lte=now).delete()[0]) for kind in (TaskResult, GroupResult))


def _put(record: ResultRecord, fields: dict[str, Any]) -> None:
    # Writing comes first: SQLite refuses a transaction that has read already while another one writes.
    # A row in state SUCCESS stays as it is, unless it has expired.
    replaceable = TaskResult.objects.filter(task_id=record.id).exclude(models.Q(state=SUCCESS) & _unexpired())
    if not replaceable.update(**fields):
        row, made = TaskResult.objects.get_or_create(task_id=record.id, defaults=fields)
        if not made and row.state != SUCCESS:
            replaceable.update(**fields)


def _put_group(group: str, fields: dict[str, Any]) -> None:
    if not GroupResult.objects.filter(group_id=group).update(**fields):
        GroupResult.objects.get_or_create(group_id=group, defaults=fields)


def _fields(record: ResultRecord | GroupRecord) -> dict[str, Any]:
    expires = None if record.ttl is None else timezone.now() + timedelta(seconds=record.ttl)
    return {"body": record.body, "content_type": record.content_type, "content_encoding": record.content_encoding, "expires": expires}


def _found_by(record: ResultRecord) -> dict[str, str]:
    """Return what people look for in a result, as far as it can be read without running anybody's code."""
    if record.content_type != _JSON or not record.body.startswith(b"{"):
        return {}
    try:
        plain = json.loads(record.body)
    except ValueError:
        return {}
    return {column: str(plain[key])[:255] for column, key in _COLUMNS if plain.get(key)}


def _unexpired() -> Any:
    return models.Q(expires__isnull=True) | models.Q(expires__gt=timezone.now())


def _alive(kind: Any) -> Any:
    return kind.objects.filter(_unexpired())


def _ttl(expires: datetime | None) -> float | None:
    return None if expires is None else (expires - timezone.now()).total_seconds()
