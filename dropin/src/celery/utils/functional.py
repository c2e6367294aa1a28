"""Functions about functions and iterables."""

from __future__ import annotations

from celeriac.lib.functional import (
    LRUCache,
    chunks,
    dictfilter,
    first,
    firstmethod,
    fun_accepts_kwargs,
    is_list,
    lazy,
    mattrgetter,
    maybe,
    maybe_evaluate,
    maybe_list,
    memoize,
    mlazy,
    noop,
    padlist,
    regen,
    uniq,
)
from celery._remedies import refusals

__all__ = [
    "LRUCache",
    "chunks",
    "dictfilter",
    "first",
    "firstmethod",
    "fun_accepts_kwargs",
    "is_list",
    "lazy",
    "mattrgetter",
    "maybe",
    "maybe_evaluate",
    "maybe_list",
    "memoize",
    "mlazy",
    "noop",
    "padlist",
    "regen",
    "uniq",
]

__getattr__ = refusals(__name__)
