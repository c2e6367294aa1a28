"""The base of every value that travels through the house."""

from __future__ import annotations

from typing import Any, Self

import msgspec


class Value(msgspec.Struct, frozen=True, array_like=True):
    """A record that is never changed after it was made.

    A ``msgspec.Struct``: measured at 0.1 us to build (a frozen dataclass takes 4 us), and it can be encoded to
    MessagePack as it is (an array of its fields), which is how values cross from one process to another.
    """

    def replace(self, **changes: Any) -> Self:
        """Return a copy in which the named fields have other values."""
        return msgspec.structs.replace(self, **changes)
