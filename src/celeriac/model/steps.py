"""The rest of a chain as its message brought it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload


class Steps(Sequence[Any]):
    """Signatures, the next one last, each still the text that it was: read when somebody looks, and handed on as it is when nobody does.

    What a long chain costs is reading and writing all of its rest with every step.
    """

    __slots__ = ("_read", "texts")

    def __init__(self, texts: Sequence[bytes], read: Callable[[bytes], Any]) -> None:
        self.texts = texts
        self._read = read

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Steps: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Steps(self.texts[index], self._read)
        return self._read(self.texts[index])

    def __iter__(self) -> Iterator[Any]:
        return map(self._read, self.texts)
