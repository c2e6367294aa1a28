"""Text for people."""

from __future__ import annotations

from celeriac.lib.text import abbr, abbrtask, dedent, indent, join, pluralize, pretty, str_to_list, truncate
from celery._remedies import refusals

__all__ = ["abbr", "abbrtask", "dedent", "indent", "join", "pluralize", "pretty", "str_to_list", "truncate"]

__getattr__ = refusals(__name__)
