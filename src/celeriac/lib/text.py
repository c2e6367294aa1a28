"""Text for people: shortened, indented, in the plural."""

from __future__ import annotations

import base64
import pprint
import textwrap
from collections.abc import Iterable
from typing import Any


def b64encode(s: str | bytes) -> str:
    """Return text or bytes in base 64."""
    return base64.b64encode(s.encode() if isinstance(s, str) else s).decode("ascii")


def b64decode(s: str | bytes) -> bytes:
    """Return the bytes that base 64 stands for."""
    return base64.b64decode(s)


def truncate(s: str, maxlen: int = 128, suffix: str = "...") -> str:
    """Return a text cut to ``maxlen`` characters, the suffix included."""
    return s if len(s) <= maxlen else s[: max(0, maxlen - len(suffix))] + suffix


def abbr(S: str | None, max: int, ellipsis: str | bool = "...") -> str:
    """Return a text cut to ``max`` characters; without an ellipsis, or with ``...`` in them."""
    if S is None:
        return "???"
    return truncate(S, max, ellipsis if isinstance(ellipsis, str) else "...") if ellipsis else S[:max]


def abbrtask(S: str | None, max: int) -> str:
    """Return a task's name in ``max`` characters: the task's own part is kept, the module cut (``proj.[.]add``)."""
    if S is None:
        return "???"
    if len(S) <= max:
        return S
    module, _, own = S.rpartition(".")
    return f"{abbr(module, max - len(own) - 3, False) if max > len(own) + 3 else ''}[.]{own}"


def pluralize(n: float, text: str, suffix: str = "s") -> str:
    """Return a noun, in the plural unless there is one of it."""
    return text if n == 1 else text + suffix


def str_to_list(s: str | Iterable[str]) -> list[str]:
    """Return the names in a text with commas; other iterables as lists."""
    return s.split(",") if isinstance(s, str) else list(s)


def indent(t: str, indent: int = 0, sep: str = "\n") -> str:
    """Return a text with each line moved to the right."""
    return sep.join(" " * indent + line for line in t.split(sep))


def join(parts: Iterable[str], sep: str = "\n") -> str:
    """Return the parts that are not empty, one after the other."""
    return sep.join(part for part in parts if part)


def dedent(s: str, sep: str = "\n") -> str:
    """Return a text without the indentation that its lines share."""
    return textwrap.dedent(s) if sep == "\n" else sep.join(textwrap.dedent(s.replace(sep, "\n")).split("\n"))


def pretty(value: Any, width: int = 80, **options: Any) -> str:
    """Return a value as indented text."""
    return pprint.pformat(value, width=width, **options)
