"""Hiding passwords in what is shown of a configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from celeriac.lib.urls import censor

HIDDEN = "********"

_secret = re.compile(r"passw|passphrase|secret|token|credential|api_?key|private_?key|access_?key|security_key$|(^|_)(pwd|pass)$", re.IGNORECASE)
_secret_parameter = re.compile(r"(?i)([?&;][^=&;]*(?:passw|secret|token|pwd|access_?key)[^=&;]*=)[^&;]+")
_address = re.compile(r"^\w[\w+.-]*://")


def censored(key: str, value: Any) -> Any:
    """Return the value as it may be shown: without what its key says is secret, without passwords of URLs, also inside dicts and lists."""
    if value in (None, "", b"") or isinstance(value, bool):
        return value
    if _secret.search(key):
        return HIDDEN
    if isinstance(value, str):
        return _without_password(value)
    if isinstance(value, Mapping):
        return {name: censored(str(name), part) for name, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(censored("", part) for part in value)
    return value


def _without_password(text: str) -> str:
    if not _address.match(text):
        return text
    return ";".join(_censored_url(part) for part in re.split(r";(?=\w[\w+.-]*://)", text))


def _censored_url(url: str) -> str:
    try:
        shown = censor(url)
    except ValueError:
        shown = re.sub(r"://[^/]*@", f"://{HIDDEN}@", url)
    return _secret_parameter.sub(rf"\1{HIDDEN}", shown)
