"""A result store that somebody wrote for Celery."""

from __future__ import annotations

from celery.backends.base import KeyValueStoreBackend

KEPT: dict[str, object] = {}


class InADict(KeyValueStoreBackend):
    def get(self, key: str) -> object:
        return KEPT.get(key)

    def set(self, key: str, value: object) -> None:
        KEPT[key] = value

    def delete(self, key: str) -> None:
        KEPT.pop(key, None)
