"""JSON with types: dates, decimals, UUIDs, bytes and registered classes survive as ``{"__type__": ..., "__value__": ...}``."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from json import encoder as stdlib_encoder
from typing import Any
from uuid import UUID

import msgspec

Encoder = Callable[[Any], Any]
Decoder = Callable[[Any], Any]

_encoders: dict[type, tuple[str | None, Encoder]] = {}
_decoders: dict[str, Decoder] = {}
MARK = b'"__type__"'


def register_type(cls: type, marker: str | None, encoder: Encoder, decoder: Decoder = lambda value: value) -> None:
    """Make instances of a class (and of its subclasses) writable as JSON: ``encoder`` gives a JSON value, ``decoder`` takes it back.

    Without a ``marker`` the encoded value is written bare and is not turned back.
    """
    _encoders[cls] = (marker, encoder)
    if marker is not None:
        _decoders[marker] = decoder


def encode(value: Any) -> bytes:
    """Write a value; raises TypeError, ValueError or RecursionError when it cannot be written."""
    return "".join(_write(value, 0)).encode("ascii")


def decode(body: bytes) -> Any:
    """Read a value; raises ValueError or TypeError when the text is malformed or names an unknown type."""
    if MARK in body:
        return json.loads(body, object_hook=_restore)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # NaN, numbers beyond a double, lone surrogates: JSON as Python's own module writes and reads it.
        return json.loads(body)


def _default(value: Any) -> Any:
    own = getattr(value, "__json__", None)
    if callable(own):
        return own()
    for cls in type(value).__mro__:
        found = _encoders.get(cls)
        if found is not None:
            marker, encoder = found
            return encoder(value) if marker is None else {"__type__": marker, "__value__": encoder(value)}
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _restore(found: dict[str, Any]) -> Any:
    if len(found) != 2 or "__type__" not in found or "__value__" not in found:
        return found
    marker = found["__type__"]
    decoder = _decoders.get(marker) if isinstance(marker, str) else None
    if decoder is None:
        raise ValueError(f"{marker!r} is not a known '__type__'; register it with register_type")
    return decoder(found["__value__"])


def _writer() -> Callable[[Any, int], Any]:
    compiled = getattr(stdlib_encoder, "c_make_encoder", None)
    if compiled is None:
        plain = json.JSONEncoder(default=_default)
        return lambda value, level: (plain.encode(value),)
    # Made once: JSONEncoder.encode makes a new one with every call, which is half of its cost for a small message. Without its table of
    # ancestors a value that holds itself ends in a RecursionError; and threads do not share state.
    made: Callable[[Any, int], Any] = compiled(None, _default, stdlib_encoder.encode_basestring_ascii, None, ": ", ", ", False, False, True)
    return made


def _bytes(value: bytes) -> dict[str, str]:
    try:
        return {"__type__": "bytes", "__value__": value.decode("utf-8")}
    except UnicodeDecodeError:
        return {"__type__": "base64", "__value__": b64encode(value).decode("ascii")}


_write = _writer()
register_type(datetime, "datetime", datetime.isoformat, datetime.fromisoformat)
register_type(date, "date", date.isoformat, date.fromisoformat)
register_type(time, "time", time.isoformat, time.fromisoformat)
register_type(Decimal, "decimal", str, Decimal)
register_type(UUID, "uuid", lambda value: {"hex": value.hex}, lambda value: UUID(**value))
register_type(bytes, None, _bytes)
_decoders["bytes"] = str.encode
_decoders["base64"] = b64decode
