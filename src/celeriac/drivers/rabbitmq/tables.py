"""Field tables: the headers of messages and the arguments of queues (AMQP 0-9-1, section 4.2.5, with RabbitMQ's type letters)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from celeriac.model.errors import EncodeError

_LONGEST_NAME = 255
_INT32 = 1 << 31
_INT64 = 1 << 63

_u32 = struct.Struct(">I").pack
_read_u32 = struct.Struct(">I").unpack_from
_int32 = struct.Struct(">ci").pack
_int64 = struct.Struct(">cq").pack
_double = struct.Struct(">cd").pack

_names: dict[str, bytes] = {}
_texts: dict[bytes, str] = {}
_MOST_NAMES = 10_000


def short(text: str) -> bytes:
    """Return a short string: its length in one byte, then its bytes; raises EncodeError when it is longer than 255 bytes."""
    content = text.encode()
    if len(content) > _LONGEST_NAME:
        raise EncodeError(f"AMQP allows 255 bytes for names, routing keys and short properties; {text[:60]!r}... has {len(content)}")
    return bytes((len(content),)) + content


def encode_table(found: Mapping[str, Any]) -> bytes:
    """Return a table with its length before it."""
    parts: list[bytes] = []
    for name, value in found.items():
        key = _names.get(name) or _remember(name)
        if type(value) is str:
            content = value.encode("utf-8", "surrogatepass")
            parts.append(key + b"S" + _u32(len(content)) + content)
        elif value is None:
            parts.append(key + b"V")
        else:
            parts.append(key + _encode(value))
    content = b"".join(parts)
    return _u32(len(content)) + content


def _remember(name: str) -> bytes:
    if len(_names) >= _MOST_NAMES:
        _names.clear()
    encoded = _names[name] = short(str(name))
    return encoded


def _encode(value: Any) -> bytes:
    if value is None:
        return b"V"
    if isinstance(value, bool):
        return b"t\1" if value else b"t\0"
    if isinstance(value, int):
        if -_INT32 <= value < _INT32:
            return _int32(b"I", value)
        # What does not fit 64 bits travels as text: every other way would lose digits.
        return _int64(b"l", value) if -_INT64 <= value < _INT64 else _encode(str(value))
    if isinstance(value, float):
        return _double(b"d", value)
    if isinstance(value, str):
        content = value.encode("utf-8", "surrogatepass")
        return b"S" + _u32(len(content)) + content
    if isinstance(value, Mapping):
        return b"F" + encode_table(value)
    if isinstance(value, (list, tuple)):
        content = b"".join(map(_encode, value))
        return b"A" + _u32(len(content)) + content
    if isinstance(value, (bytes, bytearray)):
        return b"x" + _u32(len(value)) + bytes(value)
    raise EncodeError(f"A header or argument of an AMQP message cannot hold {value!r} ({type(value).__name__}): use text, numbers, lists or dicts")


def decode_table(content: bytes, at: int) -> tuple[dict[str, Any], int]:
    """Read a table that begins (with its length) at ``at``; return it and where it ends."""
    end = at + 4 + _read_u32(content, at)[0]
    at += 4
    found: dict[str, Any] = {}
    while at < end:
        size = content[at] + 1
        key = content[at : at + size]
        at += size
        name = _texts.get(key)
        if name is None:
            name = _text_of(key)
        kind = content[at]
        at += 1
        if kind == 83:  # S
            size = _read_u32(content, at)[0]
            at += 4
            found[name] = content[at : at + size].decode("utf-8", "surrogatepass")
            at += size
        elif kind == 86:  # V
            found[name] = None
        else:
            found[name], at = _decode(content, kind, at)
    return found, end


def _text_of(key: bytes) -> str:
    if len(_texts) >= _MOST_NAMES:
        _texts.clear()
    name = _texts[key] = key[1:].decode("utf-8", "replace")
    return name


def _fixed(form: str) -> Callable[[bytes, int], tuple[Any, int]]:
    reader = struct.Struct(">" + form)
    return lambda content, at: (reader.unpack_from(content, at)[0], at + reader.size)


def _read_bool(content: bytes, at: int) -> tuple[Any, int]:
    return content[at] != 0, at + 1


def _read_text(content: bytes, at: int) -> tuple[Any, int]:
    end = at + 4 + _read_u32(content, at)[0]
    return content[at + 4 : end].decode("utf-8", "replace"), end


def _read_array(content: bytes, at: int) -> tuple[Any, int]:
    end = at + 4 + _read_u32(content, at)[0]
    at += 4
    found: list[Any] = []
    while at < end:
        value, at = _decode(content, content[at], at + 1)
        found.append(value)
    return found, end


def _read_decimal(content: bytes, at: int) -> tuple[Any, int]:
    (number,) = struct.unpack_from(">i", content, at + 1)
    return number / 10 ** content[at], at + 5


_READERS: dict[int, Callable[[bytes, int], tuple[Any, int]]] = {
    ord("t"): _read_bool, ord("b"): _fixed("b"), ord("B"): _fixed("B"), ord("s"): _fixed("h"), ord("u"): _fixed("H"),
    ord("I"): _fixed("i"), ord("i"): _fixed("I"), ord("l"): _fixed("q"), ord("L"): _fixed("q"), ord("f"): _fixed("f"), ord("d"): _fixed("d"),
    ord("T"): _fixed("Q"), ord("D"): _read_decimal, ord("S"): _read_text, ord("x"): _read_text, ord("A"): _read_array,
    ord("F"): decode_table, ord("V"): lambda content, at: (None, at),
}  # fmt: skip


def _decode(content: bytes, kind: int, at: int) -> tuple[Any, int]:
    reader = _READERS.get(kind)
    if reader is None:
        raise ValueError(f"unknown field type {chr(kind)!r}")
    return reader(content, at)
