"""What is wrong with a configuration, in words."""

from __future__ import annotations

from celeriac.lib.value import Value


class Problem(Value, frozen=True):
    """One thing that is wrong: where, what, and what to do; a ``fatal`` one keeps the program from starting."""

    key: str
    text: str
    remedy: str
    fatal: bool = False

    def __str__(self) -> str:
        return f"{self.text}: {self.remedy}" if self.remedy else self.text
