"""The result of a group: its parts' results under one id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from celeriac.contracts.backend import StoresGroups
from celeriac.contracts.current import current_client
from celeriac.lib.ids import uuid
from celeriac.model.errors import UnsupportedPower
from celeriac.model.record import GroupRecord
from celeriac.results.result_set import ResultSet
from celeriac.results.tree import builders, result_from_tuple
from celeriac.wire.results import decode_group, encode_group

R = TypeVar("R")


class GroupResult(ResultSet[R]):
    """The results of a group's tasks, which can be saved and restored under the group's id."""

    def __init__(self, id: str | None = None, results: Iterable[Any] | None = None, parent: Any = None, app: Any = None, **options: Any) -> None:
        super().__init__(results or (), app=app, **options)
        self.id = id or uuid()
        self.parent = parent

    @property
    def children(self) -> list[Any]:
        """The results of the group's tasks."""
        return self.results

    @property
    def _cache(self) -> Any:
        # A group inside another counts as known only when all of its parts are; get() then asks each of them.
        return self.results if all(result._cache is not None for result in self.results) else None

    @property
    def supports_native_join(self) -> bool:
        """Whether all results come from one store."""
        return super().supports_native_join

    def save(self, backend: Any = None) -> None:
        """Keep the group in the result store, so that ``restore`` finds it."""
        _groups_in(backend or self._client.result_backend).store_groups([self.record()])

    def record(self) -> GroupRecord:
        """Return the group as the result store keeps it."""
        conf = self._client.conf
        return encode_group(self.id, self.as_tuple(), serializer=conf.result_serializer, ttl=conf.seconds("result_expires"))

    def delete(self, backend: Any = None) -> None:
        """Remove the saved group."""
        _groups_in(backend or self._client.result_backend).forget_groups((self.id,))

    @classmethod
    def restore(cls, id: str, backend: Any = None, app: Any = None) -> "GroupResult[Any] | None":
        """Return a saved group, or None."""
        client = app if app is not None else cls.app if cls.app is not None else current_client()
        record = _groups_in(backend or client.result_backend).load_group(id)
        if record is None:
            return None
        restored: GroupResult[Any] = result_from_tuple(decode_group(record, None), client)
        return restored

    def as_tuple(self) -> tuple[Any, Any]:
        """Return ``((id, parent), [children])``."""
        return (self.id, self.parent and self.parent.as_tuple()), [result.as_tuple() for result in self.results]

    def as_list(self) -> list[str]:
        """Return the group's id and those of its parts."""
        return [self.id, *(id for result in self.results for id in result.as_list())]

    def __bool__(self) -> bool:
        return bool(self.id or self.results)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, GroupResult):
            return other.id == self.id and other.results == self.results and other.parent == self.parent
        return other == self.id if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<GroupResult: {self.id} [{', '.join(str(result.id) for result in self.results)}]>"

    def __reduce__(self) -> Any:
        return GroupResult, (self.id, self.results, self.parent)


def _groups_in(backend: Any) -> StoresGroups:
    if not isinstance(backend, StoresGroups):
        raise UnsupportedPower(f"The result backend {type(backend).__name__} cannot keep groups")
    return backend


builders["group"] = GroupResult
